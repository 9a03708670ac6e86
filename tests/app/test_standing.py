from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from waypost.app.standing import stand
from waypost.app.workers.part import READY, STOP, Calls, Part, cover
from waypost.edge.server import Listening
from waypost.errors import ConfigError
from waypost.stores.lock import read_running
from waypost.stores.seat import Seat


class Rig:
    """Calls and listening, noted."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.calls = Calls(
            *(lambda name=name: self.heard.append(name) for name in ("tell", "reload", "stop", "now"))
        )

    async def cover(self, whom: int, sockets: Sequence[socket.socket]) -> None:
        self.heard.append((whom, len(sockets)))

    def uncover(self, whom: int) -> None:
        self.heard.append(whom)

    async def until(self, *heard: object) -> None:
        async with asyncio.timeout(20):
            while self.heard != list(heard):  # noqa: ASYNC110 - it comes over a socket
                await asyncio.sleep(0)


async def test_alone_it_has_the_lock_and_speaks_at_once(tmp_path: Path) -> None:
    rig = Rig()
    async with AsyncExitStack() as stack:
        alone = stand(tmp_path, None, stack)
        assert (alone.seat, alone.part, alone.count, alone.sockets) == (Seat(tmp_path), None, 1, None)
        with pytest.raises(ConfigError, match="Another gateway"):
            stand(tmp_path, None, stack)
        assert alone.listening(Listening()) == Listening()
        alone.began("127.0.0.1", 4100, rig.calls, rig)
        running = read_running(tmp_path)
        assert running is not None
        assert (running.port, running.token) == (4100, alone.token)
        assert rig.heard == ["tell"]
    assert read_running(tmp_path) is None


async def test_among_workers_it_does_what_it_is_told(tmp_path: Path) -> None:
    rig = Rig()
    ours, theirs = socket.socketpair()
    mine, other = socket.socket(), socket.socket()
    with ours, theirs, mine, other:
        async with AsyncExitStack() as stack:
            part = Part(2, 2, {1: [other], 2: [mine]}, theirs, "token", tmp_path)
            among = stand(tmp_path, part, stack)
            assert (among.seat, among.count, among.sockets) == (Seat(tmp_path, 2), 2, [mine])
            assert (among.part, among.token) == (part, "token")
            assert not among.listening(Listening()).signals
            among.began("127.0.0.1", 4100, rig.calls, rig)
            assert ours.recv(9) == READY
            ours.send(cover(1, True))
            await rig.until((1, 1))
            ours.send(cover(1, False))
            await rig.until((1, 1), 1)
            ours.send(STOP)
            await rig.until((1, 1), 1, "stop")
            assert (other.fileno(), mine.fileno() >= 0) == (-1, True), (
                "nobody is kept waiting at another's door"
            )
