"""A connection that many ask over at once: whose answer is whose, and what is not taken for one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valkey_server import store_of, valkey
from waypost.config.shared_store import SharedStore
from waypost.errors import StoreUnavailable
from waypost.stores.valkey.pipe import Pipe, Reply, open_pipe

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def impostor(answer: Answer) -> AsyncIterator[SharedStore]:
    """Somebody who listens where Valkey should. Connections stay open until the end."""
    open_ones: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.append(writer)
        await answer(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield SharedStore(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for writer in open_ones:
            writer.close()
        await server.wait_closed()


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner() as runner:
        runner.run(asyncio.wait_for(work, 20))


class Heard:
    """What a pipe that is fed by hand says."""

    def __init__(self, asked: int) -> None:
        self.replies: list[Reply] = []
        self.ended: list[str] = []
        self.pipe = Pipe(lambda reason: self.ended.append(str(reason)))
        self.pipe.connection_made(Silent())
        for _ in range(asked):
            self.pipe.call(b"x", self.replies.append)


class Silent(asyncio.Transport):
    """Takes everything."""

    def write(self, _data: Any) -> None:
        return None

    def abort(self) -> None:
        return None


@settings(deadline=None)
@given(cuts=st.lists(st.integers(1, 60), max_size=20))
def test_answers_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    said = b"+OK\r\n$5\r\na\r\nbc\r\n:42\r\n$-1\r\n-NOSCRIPT no\r\n$0\r\n\r\n"
    heard = Heard(6)
    edges = sorted({0, len(said), *(cut for cut in cuts if cut < len(said))})
    for start, end in pairwise(edges):
        heard.pipe.data_received(said[start:end])
    told = [str(each) if isinstance(each, StoreUnavailable) else each for each in heard.replies]
    assert told == [b"OK", b"a\r\nbc", 42, None, "it has forgotten the script", b""]
    assert heard.ended == []
    assert heard.pipe.waiting == 0


@pytest.mark.parametrize(
    "said",
    [b"*1\r\n", b"HTTP/1.1 400\r\n", b"$x\r\n", b"$9999999999\r\n", b"+1\r\n+2\r\n+3\r\n", b"\0" * (2 << 20)],
)
def test_what_is_no_answer_ends_it(said: bytes) -> None:
    heard = Heard(2)
    heard.pipe.data_received(said)
    assert heard.ended == ["it speaks another protocol"]
    assert len(heard.replies) == 2
    heard.pipe.connection_lost(None)
    heard.pipe.call(b"x", heard.replies.append)
    assert isinstance(heard.replies[-1], StoreUnavailable)
    assert len(heard.ended) == 1


def test_who_stops_waiting_leaves_its_answer_to_nobody_else() -> None:
    async def cancelled() -> None:
        heard = Heard(0)
        first = asyncio.ensure_future(heard.pipe.ask(b"GET", b"a"))
        other = asyncio.ensure_future(heard.pipe.ask(b"GET", b"b"))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        heard.pipe.data_received(b"$1\r\na\r\n$1\r\nb\r\n")
        assert await other == b"b"
        assert first.cancelled()

    run(cancelled())


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"-WRONGPASS hidden", "it wants a password or a user, or another one than it was given"),
        (b"-NOPERM hidden", "its user may not do what docs/limits.md lists"),
        (b"-LOADING hidden", "it is still loading its data"),
        (b"-ERR hidden", "it refuses what it was asked"),
        (b"!", "it speaks another protocol"),
        (None, "no connection, or it was closed"),
    ],
)
def test_what_goes_wrong_at_the_beginning_is_told_in_our_words(said: bytes | None, why: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        if said is None:
            writer.close()
        else:
            writer.write(said + b"\r\n")

    async def opened() -> None:
        async with impostor(answer) as store:
            other = SharedStore(host=store.host, port=store.port, password="p", username="u")
            with pytest.raises(StoreUnavailable) as error:
                await open_pipe(other, lambda _: None)
            assert str(error.value) == why

    run(opened())


def test_who_says_nothing_is_not_waited_for() -> None:
    async def answer(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read(10)

    async def opened() -> None:
        async with impostor(answer) as store:
            other = SharedStore(host=store.host, port=store.port, database=3)
            with pytest.raises(StoreUnavailable, match="it does not answer in time"):
                await open_pipe(other, lambda _: None, 0.05)
        with pytest.raises(StoreUnavailable, match="no connection"):
            await open_pipe(store, lambda _: None)

    run(opened())


@pytest.mark.process
def test_a_real_server_with_a_password_and_a_database() -> None:
    async def opened() -> None:
        pipe = await open_pipe(store_of(server, password="secret", database=2), lambda _: None)
        assert await pipe.ask(b"SET", b"k", b"v") == b"OK"
        assert await pipe.ask(b"GET", b"k") == b"v"
        with pytest.raises(StoreUnavailable, match="it refuses"):
            await pipe.ask(b"NONSENSE")
        pipe.fail("over")
        with pytest.raises(StoreUnavailable):
            await open_pipe(store_of(server, password="wrong"), lambda _: None)

    with valkey() as server:
        with server.client() as client:
            client.config_set("requirepass", "secret")
        run(opened())
