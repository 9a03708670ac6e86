from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from waypost.app.workers.siblings import Events, Room, Siblings
from waypost.errors import Bug, InvalidRequest, NotFound, Rejected, StoreUnavailable
from waypost.telemetry.logs import Log


class Rooms:
    """Two workers' doors, and a third worker that is away."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told = io.StringIO()
        self.rooms = {number: Room(folder, number, Log(self.told, lambda: 0.0)) for number in (1, 2)}
        self.one = Siblings(folder, 1, 3)

    async def open(self) -> None:
        for room in self.rooms.values():
            await room.open()

    async def close(self) -> None:
        for room in self.rooms.values():
            await room.close()


@pytest_asyncio.fixture
async def rooms() -> AsyncIterator[Rooms]:
    with tempfile.TemporaryDirectory(prefix="wp-", dir="/tmp") as folder:  # a socket's path has to be short
        made = Rooms(Path(folder))
        await made.open()
        yield made
        await made.close()


async def echo(body: bytes) -> bytes:
    return body * 2


async def test_a_question_and_its_answer(rooms: Rooms) -> None:
    rooms.rooms[2].answers["echo"] = echo
    assert await rooms.one.ask(2, "echo", b"ab" * 100_000) == b"ab" * 200_000
    assert await rooms.one.ask_all("echo", b"x") == {2: b"xx"}, "without the one that is away"


async def test_an_error_is_the_same_error_here(rooms: Rooms) -> None:
    async def refuse(_: bytes) -> bytes:
        raise InvalidRequest("No.", param="a")

    rooms.rooms[2].answers["refuse"] = refuse
    with pytest.raises(InvalidRequest, match="No") as caught:
        await rooms.one.ask(2, "refuse")
    assert caught.value.param == "a"


async def test_faults_are_told_where_they_are(rooms: Rooms) -> None:
    async def fail(_: bytes) -> bytes:
        raise KeyError("secret")

    async def reject(_: bytes) -> bytes:
        raise Rejected("No.", status=400)

    rooms.rooms[2].answers |= {"fail": fail, "reject": reject}
    for what in ("fail", "reject", "unknown"):
        with pytest.raises(Bug):
            await rooms.one.ask(2, what)
    assert "KeyError" in rooms.told.getvalue()
    assert "secret" not in rooms.told.getvalue()


async def test_who_is_away_or_does_not_answer_is_unavailable(rooms: Rooms) -> None:
    with pytest.raises(StoreUnavailable, match="Worker 3"):
        await rooms.one.ask(3, "echo")

    async def never(_: bytes) -> bytes:
        await asyncio.Event().wait()
        return b""

    rooms.rooms[2].answers["never"] = never
    with pytest.raises(StoreUnavailable, match="Worker 2"):
        await rooms.one.ask(2, "never", patience_s=0.0)
    with pytest.raises(NotFound, match="Worker 3"):
        await rooms.one.follow(3, "events", b"")


async def test_a_worker_takes_over_the_door_of_the_one_before(rooms: Rooms) -> None:
    after = Room(rooms.folder, 2, Log(io.StringIO(), lambda: 0.0))
    after.answers["echo"] = echo
    await after.open()
    assert await rooms.one.ask(2, "echo", b"x") == b"xx"
    await after.close()


async def test_a_folder_that_does_not_take_a_socket_is_said() -> None:
    with pytest.raises(StoreUnavailable, match="TMPDIR"):
        await Room(Path("/tmp/none") / ("x" * 120), 1, Log(io.StringIO(), lambda: 0.0)).open()


class Pieces:
    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.left = asyncio.Event()

    async def next(self) -> bytes:
        if self.pieces:
            return self.pieces.pop(0)
        await self.left.wait()
        return b""


async def test_an_answer_in_pieces(rooms: Rooms) -> None:
    pieces = Pieces(b"one", b"two", b"")
    rooms.rooms[2].follows["events"] = lambda body: Events(pieces.next, pieces.left.set)
    events = await rooms.one.follow(2, "events", b"")
    assert [await events.next() for _ in range(3)] == [b"one", b"two", b""]
    events.leave()


async def test_who_leaves_is_left(rooms: Rooms) -> None:
    pieces = Pieces(b"one")
    rooms.rooms[2].follows["events"] = lambda body: Events(pieces.next, pieces.left.set)
    events = await rooms.one.follow(2, "events", b"")
    assert await events.next() == b"one"
    events.leave()
    async with asyncio.timeout(20):
        await pieces.left.wait()


async def test_pieces_of_nothing_and_of_a_worker_that_ends(rooms: Rooms) -> None:
    def refuse(_: bytes) -> Events:
        raise InvalidRequest("None.", param="stream")

    pieces = Pieces(b"one")
    rooms.rooms[2].follows |= {"none": refuse, "events": lambda _: Events(pieces.next, pieces.left.set)}
    with pytest.raises(InvalidRequest):
        await rooms.one.follow(2, "none", b"")
    events = await rooms.one.follow(2, "events", b"")
    assert await events.next() == b"one"
    await rooms.rooms[2].close()
    assert await events.next() == b""
    events.leave()
