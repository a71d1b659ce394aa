"""An app, its queue and its workers in memory: what only our own logic decides, in milliseconds."""

from __future__ import annotations

from tests.stubs.fixtures import api, app, clock, faults, new_app

__all__ = ["api", "app", "clock", "faults", "new_app"]
