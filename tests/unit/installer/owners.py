"""Whoever runs the tests owns what they write."""

from __future__ import annotations

import grp
import os
import pwd

from installer.changes.files import Owner


def mine() -> Owner:
    """The user and the group of this process."""
    return Owner(pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name)
