"""Ending tasks for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

_AGAIN_S: Final = 0.05


async def end_all(tasks: Iterable[asyncio.Future[Any]], again_s: float = _AGAIN_S) -> None:
    """Cancel tasks and wait for their ends, whatever these are; the tasks are asked again until they have ended.

    Once is not enough: where a task waits by `asyncio.wait_for`, as libraries do, a cancellation that comes together
    with what is waited for is lost before Python 3.12 (https://github.com/python/cpython/issues/86296, 2026-11-26).
    """
    left = list(tasks)
    while left:
        for task in left:
            task.cancel()
        left = list((await asyncio.wait(left, timeout=again_s))[1])
