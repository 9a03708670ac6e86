from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from waypost.app.load_watch import LoadWatch
from waypost.app.memory import Memory, MemoryReader
from waypost.config.overload_schema import OverloadSettings
from waypost.config.snapshot import Settings
from waypost.pipeline.queue import Waiting
from waypost.policy.overload import LoadGauge
from waypost.routing.limiter import Limiter


class Handle:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """Time and turns, by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.worked = 0.0
        self.planned: list[tuple[float, Callable[..., None], tuple[Any, ...], Handle]] = []

    def call_later(self, delay: float, call: Callable[..., None], *args: Any) -> Handle:
        self.planned.append((self.now + delay, call, args, handle := Handle()))
        return handle

    def call_soon(self, call: Callable[..., None], *args: Any) -> Handle:
        return self.call_later(0.0, call, *args)

    def turn(self, late: float, work: float) -> None:
        """The timer rings late; the turn after the one that it rings in takes some work."""
        for took in (late, 0.0, work):
            at, call, args, _ = self.planned.pop()
            self.now = max(self.now, at) + took
            self.worked += took
            call(*args)


class Fixed:
    def read(self, limit: int | None = None) -> Memory:
        return Memory(95 if limit == 1000 else 10, 100)


class Watch:
    def __init__(self) -> None:
        self.loop = Loop()
        self.settings = Settings(overload=OverloadSettings(lag_s=0.05))
        self.gauge = LoadGauge(10, OverloadSettings(lag_s=0.05))
        self.limiter = Limiter()
        self.unposted = 0.0
        waiting = Waiting(
            self.limiter,
            lambda: self.loop.now,
            cast(Any, self.loop.call_later),
            lambda: self.settings.overload,
            lambda: 0.0,
        )
        self.watch = LoadWatch(
            cast(asyncio.AbstractEventLoop, self.loop),
            lambda: self.loop.now,
            lambda: self.loop.worked,
            self.gauge,
            lambda: self.settings,
            lambda: 3,
            waiting,
            self.limiter,
            cast(MemoryReader, Fixed()),
            lambda: self.unposted,
        )


def test_a_punctual_loop_is_punctual() -> None:
    subject = Watch()
    subject.watch.start()
    for _ in range(5):
        subject.loop.turn(0.0, 0.0)
    assert subject.gauge.lag_s == 0.0
    assert not subject.gauge.shedding
    assert len(subject.loop.planned) == 1


def test_a_punctual_timer_asks_for_nothing_more_until_it_is_late() -> None:
    """An idle gateway rings fifty times a second."""
    subject = Watch()
    subject.watch.start()
    for late in (0.0, 0.004, 0.0, 0.02):
        at, ring, args, _ = subject.loop.planned.pop()
        assert ring == subject.watch._ring
        subject.loop.now = at + late
        ring(*args)
    assert [each[1] for each in subject.loop.planned] == [subject.watch._begun], "the last one was late"
    assert subject.gauge.lag_s == pytest.approx(0.0), "the median of the last three"


def test_while_somebody_is_turned_away_each_turn_is_measured() -> None:
    subject = Watch()
    subject.watch.start()
    subject.gauge.shedding = True
    at, ring, args, _ = subject.loop.planned.pop()
    subject.loop.now = at
    ring(*args)
    assert [each[1] for each in subject.loop.planned] == [subject.watch._begun]


def test_lag_is_a_late_timer_or_a_long_turn() -> None:
    subject = Watch()
    subject.watch.start()
    for _ in range(3):
        subject.loop.turn(0.04, 0.001)
    assert round(subject.gauge.lag_s, 6) == 0.04
    for _ in range(3):
        subject.loop.turn(0.001, 0.06)
    assert round(subject.gauge.lag_s, 6) == 0.06
    assert subject.limiter.late_s == subject.gauge.lag_s
    assert subject.gauge.shedding


def test_settings_and_memory_are_read_once_a_second() -> None:
    subject = Watch()
    subject.watch.start()
    subject.loop.turn(0.0, 0.0)
    assert subject.gauge.unquestioned == int(0.7 * subject.settings.concurrency_max)
    subject.settings = Settings(concurrency_max=20, overload=OverloadSettings(memory_bytes=1000, lag_s=0.05))
    subject.loop.turn(0.0, 0.0)
    assert subject.gauge.level == 0
    subject.loop.turn(1.0, 0.0)
    assert subject.gauge.level == 3


def test_what_waits_for_the_database_is_looked_at_once_a_second() -> None:
    subject = Watch()
    subject.watch.start()
    subject.unposted = 0.7
    subject.loop.turn(1.0, 0.0)
    assert (subject.gauge.level, subject.gauge.refuses(None, 0.0)) == (2, "ledger")


def test_stopping_cancels_the_timer() -> None:
    subject = Watch()
    subject.watch.stop()
    subject.watch.start()
    subject.watch.stop()
    assert subject.loop.planned[-1][3].cancelled
