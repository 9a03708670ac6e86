"""A node and a server that is slow, dead, or thinks that the node is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from stores.valkey.test_pipe import impostor, run
from waypost.errors import StoreUnavailable
from waypost.stores.valkey.limit_link import Link, Question, open_link
from waypost.stores.valkey.limit_script import Wanted

LINES: list[Wanted] = [("l:k", 1, 10, 60_000_000)]
TAKEN = msgspec.msgpack.encode([0, 0, 1, 5])


class Server:
    """Says what a test wants, when it wants it."""

    def __init__(self) -> None:
        self.writer: asyncio.StreamWriter
        self.heard = b""
        self.gone = asyncio.Event()
        self.there = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.there.set()
        while data := await reader.read(65536):
            self.heard += data
        self.gone.set()

    def say(self, data: bytes) -> None:
        self.writer.write(b"$%d\r\n%b\r\n" % (len(data), data))


@asynccontextmanager
async def linked(wait_s: float = 0.01) -> AsyncIterator[tuple[Server, Link]]:
    server = Server()
    async with impostor(server.answer) as store:
        link = await open_link(msgspec.structs.replace(store, limits_wait_s=wait_s), "n1")
        await server.there.wait()
        yield server, link
        link.leave()


class Undone:
    def __init__(self) -> None:
        self.told: list[list[float]] = []

    def __call__(self, _link: Link, _lines: object, told: object) -> None:
        self.told.append(list(told))  # type: ignore[call-overload]


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
        await asyncio.sleep(0.001)


def test_an_answer_that_comes_too_late_is_undone() -> None:
    async def late() -> None:
        async with linked() as (server, link):
            undone = Undone()
            assert await Question(link, LINES, undone).answer() is None
            assert link.late == 1
            server.say(TAKEN)
            await until(lambda: not link.pipe.waiting)
            assert link.late == 0
            assert undone.told == [[0, 0, 1, 5]]

    run(late())


def test_a_refusal_that_comes_too_late_is_not() -> None:
    async def late() -> None:
        async with linked() as (server, link):
            undone = Undone()
            assert await Question(link, LINES, undone).answer() is None
            server.say(msgspec.msgpack.encode([1, 9, 1, 0]))
            await until(lambda: not link.pipe.waiting)
            assert (link.late, undone.told) == (0, [])

    run(late())


@pytest.mark.parametrize("answered_before", [False, True])
def test_what_a_client_that_has_left_was_given_is_undone(answered_before: bool) -> None:
    async def left() -> None:
        async with linked(20.0) as (server, link):
            undone = Undone()
            asking = asyncio.ensure_future(Question(link, LINES, undone).answer())
            await asyncio.sleep(0)
            if answered_before:  # and the one who asked has not run since
                link.pipe.data_received(b"$%d\r\n%b\r\n" % (len(TAKEN), TAKEN))
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            if not answered_before:
                server.say(TAKEN)
                await until(lambda: not link.pipe.waiting)
            assert (link.late, undone.told) == (0, [[0, 0, 1, 5]])

    run(left())


def test_a_refusal_of_the_server_ends_the_connection() -> None:
    async def refused() -> None:
        async with linked(20.0) as (server, link):
            asking = asyncio.ensure_future(Question(link, LINES, Undone()).answer())
            other = asyncio.ensure_future(Question(link, LINES, Undone()).answer())
            server.writer.write(b"-NOSCRIPT no\r\n")
            assert (await asking, await other) == (None, None)
            with pytest.raises(StoreUnavailable, match="forgotten the script"):
                await link.beat(20.0)

        async with linked(20.0) as (server, link):
            link.correct([("l:k", 0, -1, 0, 0)])
            server.writer.write(b"-OOM no\r\n")
            with pytest.raises(StoreUnavailable, match="its memory is full"):
                await link.beat(20.0)

    run(refused())


def test_signs_of_life() -> None:
    async def answer_next(server: Server, said: bytes) -> None:
        before = server.heard.count(b"SET")
        await until(lambda: server.heard.count(b"SET") > before)
        server.writer.write(said)

    async def beats() -> None:
        async with linked() as (server, link):
            await asyncio.gather(link.beat(0.05), answer_next(server, b"+OK\r\n"))
            told = await asyncio.gather(
                link.beat(0.05), answer_next(server, b"$-1\r\n"), return_exceptions=True
            )
            assert str(told[0]) == "it had taken this node for dead"
            with pytest.raises(StoreUnavailable, match="it does not answer in time"):
                await link.beat(0.05)

    run(beats())


def test_it_enters_under_its_name_and_leaves_at_once() -> None:
    async def entered() -> None:
        async with linked() as (server, link):
            entering = asyncio.ensure_future(link.enter("n0"))
            for said, word in (
                (b"$1\r\nx\r\n", b"SCRIPT"),
                (b"+OK\r\n", b"node:n1"),
                (b":0\r\n", b"node:n0"),
            ):
                await until(lambda word=word: word in server.heard)  # type: ignore[misc]
                server.writer.write(said)
            await entering
            link.leave()
            await server.gone.wait()

    run(entered())
