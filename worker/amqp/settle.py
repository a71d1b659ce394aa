"""Futures that pika's callbacks fill, whoever comes first."""

from __future__ import annotations

import asyncio
from typing import TypeVar

_T = TypeVar("_T")


def settle(future: asyncio.Future[_T], result: _T | Exception) -> None:
    """Fill a future, if nobody has and nobody gave up on it."""
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
