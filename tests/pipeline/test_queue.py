"""Waiting for a place: scripted, and as a machine of random arrivals, ends and cancels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from effort import examples
from waypost.config.overload_schema import OverloadSettings
from waypost.core.key import Key, Priority
from waypost.errors import Overloaded
from waypost.pipeline.queue import Waiting, Why
from waypost.routing.limiter import Limiter


class Alarm:
    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at = at
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Bench:
    """A queue, its time, and the tasks that wait in it."""

    def __init__(self, bounds: OverloadSettings | None = None) -> None:
        self.now = 100.0
        self.alarms: list[Alarm] = []
        self.limiter = Limiter()
        self.bounds = bounds or OverloadSettings()
        self.waiting = Waiting(
            self.limiter, lambda: self.now, self._later, lambda: self.bounds, random=lambda: 0.0
        )

    def _later(self, delay: float, call: Callable[[], None]) -> Alarm:
        alarm = Alarm(self.now + delay, call)
        self.alarms.append(alarm)
        return alarm

    def fill(self, target: str, places: int) -> None:
        """All of the target's places are taken."""
        self.limiter.of(target, f"credential of {target}", concurrency=places)
        for _ in range(places):
            assert self.waiting.try_take(target, self.now)

    async def advance(self, seconds: float) -> None:
        self.now += seconds
        while due := [alarm for alarm in self.alarms if not alarm.cancelled and alarm.at <= self.now]:
            for alarm in due:
                self.alarms.remove(alarm)
                if not alarm.cancelled:
                    alarm.call()
        await settle()

    @property
    def armed(self) -> int:
        return sum(not alarm.cancelled for alarm in self.alarms)

    async def come(
        self, name: str, *targets: str, priority: Priority = "normal", deadline: float | None = None
    ) -> asyncio.Task[str]:
        task = asyncio.ensure_future(self.waiting.enter(key(name, priority), targets, deadline))
        await settle()
        return task


def key(name: str, priority: Priority = "normal") -> Key:
    return Key(name, name, b"", "", 0.0, priority=priority)


async def settle() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


def refused(task: asyncio.Task[str]) -> Overloaded:
    error = task.exception()
    assert isinstance(error, Overloaded)
    return error


async def test_a_free_place_is_taken_without_waiting() -> None:
    bench = Bench()
    bench.fill("a", 1)
    assert await bench.waiting.enter(key("k"), ("a", "b")) == "b"
    assert (len(bench.waiting), bench.armed) == (0, 0)


async def test_the_place_that_becomes_free_goes_to_who_waits_and_nobody_slips_in() -> None:
    bench = Bench()
    bench.fill("a", 1)
    first = await bench.come("k", "a")
    bench.limiter.of("a", "credential of a", concurrency=2)
    assert not bench.waiting.try_take("a", bench.now)  # free, but somebody waits for it
    assert bench.waiting.busy("a", bench.now)
    bench.waiting.give_back("a", bench.now, "ok", 0.1)
    assert await first == "a"
    assert bench.limiter.door("a").in_flight == 1
    assert (len(bench.waiting), bench.armed) == (0, 0)
    assert bench.waiting.try_take("a", bench.now)


async def test_whichever_target_is_free_first() -> None:
    bench = Bench()
    bench.fill("a", 1)
    bench.fill("b", 1)
    task = await bench.come("k", "a", "b")
    bench.waiting.give_back("b", bench.now, "ok", 0.1)
    assert await task == "b"
    bench.waiting.give_back("a", bench.now, "ok", 0.1)
    assert bench.limiter.door("a").in_flight == 0


async def test_a_greedy_key_does_not_delay_another() -> None:
    bench = Bench(OverloadSettings(waiting_max=2000))
    bench.fill("a", 1)
    greedy = [await bench.come("greedy", "a") for _ in range(1000)]
    polite = await bench.come("polite", "a")
    for _ in range(2):
        bench.waiting.give_back("a", bench.now, "ok", 0.1)
        await settle()
    assert polite.done()
    assert sum(task.done() for task in greedy) == 1
    for task in greedy:
        task.cancel()
    await settle()
    assert len(bench.waiting) == 0


async def test_priorities_go_first_and_low_does_not_starve() -> None:
    bench = Bench()
    bench.fill("a", 1)
    low = await bench.come("low", "a", priority="low")
    normal = await bench.come("normal", "a")
    served: list[str] = []
    high = [await bench.come("high", "a", priority="high") for _ in range(40)]
    for _ in range(30):
        bench.waiting.give_back("a", bench.now, "ok", 0.1)
        await settle()
        served += ["low"] * (low.done() and "low" not in served)
        served += ["normal"] * (normal.done() and "normal" not in served)
        served += ["high"] * (sum(task.done() for task in high) - served.count("high"))
    assert served.index("normal") == 4
    assert served.index("low") == 16
    for task in high:
        task.cancel()
    await settle()


async def test_nobody_waits_longer_than_may_be() -> None:
    bench = Bench(OverloadSettings(wait_s=5.0))
    bench.fill("a", 1)
    long = await bench.come("k", "a")
    short = await bench.come("k", "a", deadline=bench.now + 2.0)
    await bench.advance(2.0)
    assert refused(short).retry_after_s == 1.0
    assert not long.done()
    assert bench.waiting.oldest_s(bench.now) == 2.0
    await bench.advance(3.0)
    assert refused(long).status == 503
    assert bench.waiting.turned_away[Why.TIME] == 2
    assert (len(bench.waiting), bench.waiting.oldest_s(bench.now), bench.armed) == (0, 0.0, 0)


async def test_a_wait_that_would_be_too_long_is_refused_at_once() -> None:
    bench = Bench(OverloadSettings(wait_s=5.0))
    bench.fill("a", 3)
    first = await bench.come("k", "a")
    for _ in range(3):
        await bench.advance(3.0)
        bench.waiting.give_back("a", bench.now, "ok", 0.1)
        bench.waiting.try_take("a", bench.now)
    assert await first == "a"
    second = await bench.come("k", "a")  # one place every 3 s
    third = await bench.come("k", "a")
    assert not second.done()
    assert refused(third).retry_after_s == pytest.approx(6.0)
    other = await bench.come("other", "a")  # its turn is the next but one as well
    assert refused(other).retry_after_s == pytest.approx(6.0)
    assert bench.waiting.turned_away[Why.ESTIMATE] == 2
    second.cancel()
    await settle()


async def test_a_full_queue_turns_away_the_lowest_first_then_the_longest_line() -> None:
    bench = Bench(OverloadSettings(waiting_max=4))
    bench.fill("a", 1)
    low = await bench.come("batch", "a", priority="low")
    greedy = [await bench.come("greedy", "a") for _ in range(3)]
    polite = await bench.come("polite", "a")
    assert refused(low)
    assert not polite.done()
    more = await bench.come("greedy", "a")
    assert refused(more)
    second = await bench.come("polite", "a")
    assert refused(greedy.pop())
    third = await bench.come("polite", "a")
    assert refused(third)  # two and two: nobody's share is larger
    high = await bench.come("vip", "a", priority="high")
    assert not high.done()
    late = await bench.come("batch", "a", priority="low")
    assert refused(late)
    assert bench.waiting.turned_away[Why.FULL] == 6
    for task in (*greedy, polite, second, high):
        task.cancel()
    await settle()
    assert len(bench.waiting) == 0


async def test_leaving_frees_the_place_in_the_queue() -> None:
    bench = Bench()
    bench.fill("a", 1)
    first, second = await bench.come("k", "a"), await bench.come("k", "a")
    first.cancel()
    await settle()
    assert len(bench.waiting) == 1
    bench.waiting.give_back("a", bench.now, "ok", 0.1)
    assert await second == "a"


async def test_leaving_in_the_moment_of_the_grant_gives_the_place_back() -> None:
    bench = Bench()
    bench.fill("a", 1)
    first, second = await bench.come("k", "a"), await bench.come("k", "a")
    bench.waiting.give_back("a", bench.now, "ok", 0.1)
    first.cancel()  # granted, and its task has not run yet
    assert await second == "a"
    assert bench.limiter.door("a").in_flight == 1


async def test_one_that_is_being_cancelled_is_not_given_the_place() -> None:
    bench = Bench()
    bench.fill("a", 1)
    first, second = await bench.come("k", "a"), await bench.come("k", "a")
    first.cancel()
    bench.waiting.give_back("a", bench.now, "ok", 0.1)
    assert await second == "a"
    await settle()
    assert first.cancelled()
    assert bench.limiter.door("a").in_flight == 1


async def test_leaving_in_the_moment_of_the_refusal() -> None:
    bench = Bench()
    bench.fill("a", 1)
    task = await bench.come("k", "a")
    bench.now += 5.0
    for alarm in bench.alarms:
        alarm.call()
    task.cancel()
    await settle()
    assert task.cancelled()
    assert bench.limiter.door("a").in_flight == 1


async def test_models_of_one_credential_share_what_becomes_free() -> None:
    bench = Bench()
    for model in ("a", "b"):
        bench.limiter.of(model, "openai", concurrency=1)
    assert bench.waiting.try_take("a", bench.now)
    waits = [await bench.come("k", "b"), await bench.come("k", "a"), await bench.come("k", "b")]
    served = []
    for _ in range(3):
        bench.waiting.give_back(served[-1] if served else "a", bench.now, "ok", 0.1)
        await settle()
        [newest] = [task for task in waits if task.done()]
        waits.remove(newest)
        served.append(newest.result())
    assert served == ["b", "a", "b"]


async def test_a_rate_that_allows_one_more_wakes_by_the_clock() -> None:
    bench = Bench(OverloadSettings(wait_s=30.0))
    bench.limiter.of("a", "openai", rpm=1)
    assert bench.waiting.try_take("a", bench.now)
    bench.waiting.give_back("a", bench.now, "ok", 0.1)
    early = await bench.come("k", "a")
    assert refused(early).retry_after_s == 30.0  # a minute, cut to the most that is told
    await bench.advance(40.0)
    task = await bench.come("k", "a")
    await bench.advance(19.0)
    assert not task.done()
    await bench.advance(1.0)
    assert task.result() == "a"
    assert bench.armed == 0


class Machine(RuleBasedStateMachine):
    """Arrivals, ends and cancels in any order: no place is lost or doubled, and nobody waits beside a free one."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.bench = Bench(OverloadSettings(waiting_max=6))
        self.places = {"a": 2, "b": 1, "c": 1}
        for target, places in self.places.items():
            self.bench.limiter.of(target, "shared" if target != "a" else "own", concurrency=places)
        self.tasks: list[asyncio.Task[str]] = []
        self.held: list[str] = []
        self.skipped: dict[asyncio.Task[str], dict[str, int]] = {}

    def run(self) -> None:
        self.loop.run_until_complete(settle())
        for task in [task for task in self.tasks if task.done()]:
            self.tasks.remove(task)
            if not task.cancelled() and task.exception() is None:
                self.held.append(task.result())

    @rule(
        name=st.sampled_from("xyz"),
        where=st.sampled_from((("a",), ("b",), ("c", "b"), ("a", "c"))),
        priority=st.sampled_from(("high", "normal", "low")),
    )
    def arrive(self, name: str, where: tuple[str, ...], priority: Priority) -> None:
        coming = self.bench.waiting.enter(key(name + priority, priority), where)
        self.tasks.append(self.loop.create_task(coming))
        self.run()

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 100), outcome=st.sampled_from(("ok", "overload", "other")))
    def end(self, which: int, outcome: str) -> None:
        target = self.held.pop(which % len(self.held))
        self.bench.waiting.give_back(target, self.bench.now, outcome)  # type: ignore[arg-type]  # the three words
        self.run()

    @precondition(lambda self: self.held and self.tasks)
    @rule(which=st.integers(0, 100), victim=st.integers(0, 100), first=st.booleans())
    def end_and_cancel_at_once(self, which: int, victim: int, first: bool) -> None:
        task, target = self.tasks[victim % len(self.tasks)], self.held.pop(which % len(self.held))
        if first:
            task.cancel()
        self.bench.waiting.give_back(target, self.bench.now)
        if not first:
            task.cancel()
        self.run()

    @precondition(lambda self: self.tasks)
    @rule(which=st.integers(0, 100))
    def cancel(self, which: int) -> None:
        self.tasks[which % len(self.tasks)].cancel()
        self.run()

    @rule(seconds=st.floats(0.1, 6.0))
    def time_passes(self, seconds: float) -> None:
        self.loop.run_until_complete(self.bench.advance(seconds))
        self.run()

    @invariant()
    def places_taken_are_places_held(self) -> None:
        doors = self.bench.limiter
        assert {target: doors.door(target).in_flight for target in self.places} == {
            target: self.held.count(target) for target in self.places
        }
        assert self.held.count("a") <= 2
        assert self.held.count("b") + self.held.count("c") <= 1

    @invariant()
    def who_waits_is_in_the_queue_and_nothing_else_is_kept(self) -> None:
        waiting = self.bench.waiting
        assert len(waiting) == len(self.tasks) <= 6
        if not self.tasks:
            assert not waiting._lines
            assert not waiting._sharing
            assert not waiting._alarms
            assert self.bench.armed == 0

    @invariant()
    def nobody_waits_beside_a_free_place(self) -> None:
        for target in tuple(self.bench.waiting._lines):
            assert self.bench.limiter.busy(target, self.bench.now)

    def teardown(self) -> None:
        for task in self.tasks:
            task.cancel()
        self.loop.run_until_complete(settle())
        self.loop.close()


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=examples(60), stateful_step_count=40, deadline=None)
