from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from io import StringIO
from typing import NoReturn

import pytest_asyncio

from valkey_server import MemoryLink, MemoryStore
from waypost.routing.health.changes import Change
from waypost.stores.valkey import shared
from waypost.stores.valkey.link import Note
from waypost.stores.valkey.messages import Message, encode, key_of
from waypost.stores.valkey.shared import Counts, Pace, SharedHealth
from waypost.telemetry.logs import Log

WALL = 1_790_000_000.0
QUICK = Pace(gather_s=0.0, quiet_s=60.0, again_s=0.0, again_most_s=0.0)


def ejected(model: str = "m", until: float = WALL + 30, provider: str = "p") -> Change:
    return Change("ejected", provider, "", model, until)


def well(model: str = "m") -> Change:
    return ejected(model, 0.0)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def wall(self) -> float:
        return WALL + self.now

    def monotonic(self) -> float:
        return self.now


class Board:
    """What was found out here, and what was taken over."""

    def __init__(self) -> None:
        self.out: list[Change] = []
        self.absorbed: list[Change] = []

    def export_changes(self) -> tuple[Change, ...]:
        out, self.out = tuple(self.out), []
        return out

    def absorb(self, change: Change, now: float) -> None:
        self.absorbed.append(change)


class Node:
    def __init__(self, net: Net, number: int) -> None:
        self.board, self.counts, self.log = Board(), Counts(), StringIO()
        self.id = f"{number:016x}"
        self.marks = {"p": "beef"}
        self.part = SharedHealth(
            board=self.board,
            open_link=net.store.open,
            namespace="default",
            node=self.id,
            mark=lambda change: self.marks.get(change.provider),
            clock=net.clock,
            log=Log(self.log, net.clock.wall),
            random=lambda: 0.5,
            counts=self.counts,
            pace=QUICK,
        )
        self.task: asyncio.Task[NoReturn] = asyncio.ensure_future(self.part.run())

    def find(self, *changes: Change) -> None:
        self.board.out += changes
        self.part.wake()

    @property
    def figures(self) -> tuple[int, int, int]:
        return self.counts.sent, self.counts.received, self.counts.dropped


class Net:
    """Nodes around one store in memory, at a time that stands still."""

    def __init__(self) -> None:
        self.store, self.clock = MemoryStore(), Clock()
        self.nodes: list[Node] = []

    async def join(self) -> Node:
        node = Node(self, len(self.nodes) + 1)
        self.nodes.append(node)
        await until(lambda: node.part.connected)
        return node

    def write(self, change: Change, node: str = "f" * 16, mark: str = "beef") -> None:
        """As some other node would."""
        data = encode(Message(node, mark, change))
        assert data is not None
        self.store.rows[key_of("default", change)] = Note("k", data, WALL)
        self.store.publish(data)


@pytest_asyncio.fixture
async def net() -> AsyncIterator[Net]:
    made = Net()
    yield made
    for node in made.nodes:
        node.task.cancel()
    await asyncio.gather(*(node.task for node in made.nodes), return_exceptions=True)
    assert not made.store.links, "each was closed"


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0)


async def test_what_one_finds_out_all_others_take_over_and_not_itself(net: Net) -> None:
    one, two, three = await net.join(), await net.join(), await net.join()
    one.find(ejected(), Change("parked", "p", "", "", WALL + 300))
    await until(lambda: len(two.board.absorbed) == len(three.board.absorbed) == 2)
    one.find(well())
    await until(lambda: len(two.board.absorbed) == len(three.board.absorbed) == 3)
    assert two.board.absorbed == [ejected(), Change("parked", "p", "", "", WALL + 300), well()]
    assert one.board.absorbed == []
    assert (one.figures, two.figures) == ((3, 0, 0), (0, 3, 0))


async def test_who_joins_learns_what_is_in_force(net: Net) -> None:
    one = await net.join()
    one.find(ejected("a"), ejected("b"))
    await until(lambda: one.counts.sent == 2)
    one.find(well("b"))
    await until(lambda: one.counts.sent == 3)
    two = await net.join()
    assert two.board.absorbed == [ejected("a")]


async def test_a_node_that_starts_again_learns_what_it_found_out_before(net: Net) -> None:
    one = await net.join()
    one.find(ejected())
    await until(lambda: one.counts.sent == 1)
    one.task.cancel()
    again = await net.join()
    assert again.board.absorbed == [ejected()]


async def test_nothing_is_taken_from_who_means_something_else_by_a_name(net: Net) -> None:
    one = await net.join()
    net.write(ejected(), mark="dead")
    net.write(ejected(provider="unknown"))
    net.store.publish(b"[]")
    net.write(ejected())
    await until(lambda: one.board.absorbed != [])
    assert one.board.absorbed == [ejected()]
    assert one.figures == (0, 1, 3)


async def test_what_can_not_be_told_is_counted(net: Net) -> None:
    one = await net.join()
    one.find(ejected("m" * 4000), ejected(provider="gone"), ejected())
    await until(lambda: one.counts.sent == 1)
    assert one.figures == (1, 0, 2)


async def test_without_the_store_nothing_is_lost_but_what_is_over(net: Net) -> None:
    one, two = await net.join(), await net.join()
    net.store.go_away()
    await until(lambda: not one.part.connected and not two.part.connected)
    one.find(ejected("a"), ejected("b", WALL + 5), ejected("c"), ejected("c", WALL + 40))
    net.clock.now = 10.0
    net.store.away = False
    await until(lambda: two.counts.received == 2)
    assert two.board.absorbed == [ejected("a"), ejected("c", WALL + 40)]


async def test_being_away_and_back_is_told_once_each(net: Net) -> None:
    one = await net.join()
    tries = 0

    async def refuse() -> NoReturn:
        nonlocal tries
        tries += 1
        net.store.check()
        raise AssertionError("it is away")

    opened, one.part._open = one.part._open, refuse  # type: ignore[assignment] # counts tries
    net.store.go_away()
    await until(lambda: tries >= 20)
    one.part._open = opened
    net.store.away = False
    await until(lambda: one.part.connected)
    told = one.log.getvalue()
    assert told.count("is away") == 1
    assert told.count("is back") == 1
    assert "no connection" in told


async def test_what_could_not_be_sent_is_sent_again_unless_there_is_something_newer(net: Net) -> None:
    one, two = await net.join(), await net.join()
    net.store.refuses = 3
    one.find(ejected("a"), ejected("b"))
    await until(lambda: net.store.refuses == 1)
    one.find(well("a"))
    await until(lambda: two.counts.received == 2)
    assert two.board.absorbed == [ejected("b"), well("a")]


async def test_a_store_that_lost_everything_is_told_again_what_is_in_force(net: Net) -> None:
    one = await net.join()
    one.find(ejected("a"), ejected("b", WALL + 5), ejected("c"))
    one.find(well("c"))
    await until(lambda: one.counts.sent == 3)
    net.store.go_away(empty=True)
    net.clock.now = 10.0
    net.store.away = False
    await until(lambda: not one.part.connected)
    await until(lambda: one.part.connected)
    assert (await net.join()).board.absorbed == [ejected("a")]


async def test_who_was_cut_off_learns_that_all_is_well_of_what_it_only_heard(net: Net) -> None:
    one, two = await net.join(), await net.join()
    one.find(ejected("heard"))
    two.find(ejected("found"))
    await until(lambda: two.counts.received == 1 and one.counts.received == 1)
    net.store.go_away()
    await until(lambda: not two.part.connected)
    net.write(well("heard"))
    net.write(well("found"))
    net.store.away = False
    await until(lambda: one.part.connected and two.part.connected)
    assert one.board.absorbed == [ejected("found"), well("found")]
    assert two.board.absorbed == [ejected("heard"), well("heard")]


async def test_what_is_read_and_heard_too_is_taken_once(net: Net) -> None:
    one = await net.join()
    net.store.go_away()
    await until(lambda: not one.part.connected)
    between = one.part._open

    async def open_link() -> MemoryLink:
        link = await net.store.open()
        kept = link.kept

        async def written_first() -> list[bytes]:
            net.write(ejected("a"))  # after it subscribed, before it reads
            return await kept()

        link.kept = written_first  # type: ignore[method-assign]
        return link

    one.part._open = open_link
    net.store.away = False
    await until(lambda: one.part.connected)
    one.part._open = between
    net.write(ejected("b"))
    await until(lambda: ejected("b") in one.board.absorbed)
    assert one.board.absorbed == [ejected("a"), ejected("b")]
    assert one.counts.received == 2


async def test_too_many_that_wait_drop_the_oldest(net: Net) -> None:
    one = await net.join()
    net.store.go_away()
    await until(lambda: not one.part.connected)
    one.find(*(ejected(str(number)) for number in range(shared.CHANGES_MOST + 3)))
    net.store.away = False
    await until(lambda: one.counts.sent == shared.CHANGES_MOST)
    assert one.counts.dropped == 3
    assert key_of("default", ejected("2")) not in net.store.rows
    assert key_of("default", ejected("3")) in net.store.rows


async def test_a_flood_lets_others_have_their_turn(net: Net) -> None:
    one = await net.join()
    for number in range(500):
        net.write(ejected(str(number)))
    turns = 0
    while one.counts.received < 500:
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
