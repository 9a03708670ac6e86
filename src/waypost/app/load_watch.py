"""Measures the load for the gauge: how late the event loop is, some tens of times a second; the rest once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from waypost.app.memory import MemoryReader
from waypost.config.snapshot import Settings
from waypost.pipeline.queue import Waiting
from waypost.policy.overload import LoadGauge
from waypost.routing.limiter import Limiter

_CALM_S = 0.02
_BUSY_S = 0.01
_SLOWLY_S = 1.0
_PUNCTUAL_S = 0.005
"""A timer that rings within this tells that nothing is the matter, and no more is asked while nobody is turned away."""


class LoadWatch:
    """Owns its timer."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        monotonic: Callable[[], float],
        worked: Callable[[], float],
        gauge: LoadGauge,
        settings: Callable[[], Settings],
        active: Callable[[], int],
        waiting: Waiting,
        limiter: Limiter,
        memory: MemoryReader,
        unposted: Callable[[], float],
    ) -> None:
        """`worked`: seconds of processor time that this thread has used. `active`: exchanges under way. `unposted`: see
        `LoadGauge.measured`."""
        self._loop = loop
        self._monotonic = monotonic
        self._worked = worked
        self._gauge = gauge
        self._settings = settings
        self._active = active
        self._waiting = waiting
        self._limiter = limiter
        self._memory = memory
        self._unposted = unposted
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._due = 0.0
        self._last, self._work_last = monotonic(), worked()
        self._slowly = 0.0

    def start(self) -> None:
        """Begin to measure."""
        self._plan(self._monotonic())

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _plan(self, now: float) -> None:
        wait = _BUSY_S if self._gauge.shedding else _CALM_S
        self._due = now + wait
        self._timer = self._loop.call_later(wait, self._ring)

    def _ring(self) -> None:
        """How late is this timer?"""
        now = self._monotonic()
        late = now - self._due
        if late > _PUNCTUAL_S or self._gauge.shedding:
            self._timer = self._loop.call_soon(self._begun, late)
            return
        self._plan(now)
        self._take(now, late, 0.0)

    def _begun(self, late: float) -> None:
        """How long is one whole turn of the loop? It is from here to here: what the timer calls runs in the same turn,
        before anything is read."""
        self._timer = self._loop.call_soon(self._turned, self._monotonic(), late)

    def _turned(self, begun: float, late: float) -> None:
        now, work = self._monotonic(), self._worked()
        self._plan(now)
        busy = (work - self._work_last) / max(now - self._last, 1e-6)
        self._last, self._work_last = now, work
        # A timer that rings late tells of a turn that was over when it rang: the longest.
        self._take(now, max(late, now - begun), busy)

    def _take(self, now: float, lag_s: float, busy: float) -> None:
        self._gauge.late(now, lag_s, busy)
        self._limiter.late_s = self._gauge.lag_s
        if now >= self._slowly:
            self._slowly = now + _SLOWLY_S
            self._measure(now)

    def _measure(self, now: float) -> None:
        settings, waiting = self._settings(), self._waiting
        self._gauge.configure(settings.concurrency_max, settings.overload)
        memory = self._memory.read(settings.overload.memory_bytes)
        self._gauge.measured(
            now,
            active=self._active(),
            memory_used=memory.used,
            memory_limit=memory.limit,
            waiting=len(waiting),
            oldest_s=waiting.oldest_s(now),
            unposted=self._unposted(),
        )
