"""Look-up, the race of addresses, and what can go wrong before a request."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import pytest

from upstream.conftest import MakeClient, MakeServer
from upstream.wire import BODY, HEAD, HOLD, OK
from waypost.core.origin import Deadlines, Origin
from waypost.errors import TimedOut, Unavailable
from waypost.upstream.connect import Connector
from waypost.upstream.limits import Limits

SOON = Deadlines(connect_s=0.05)


async def test_nothing_listens(client: MakeClient) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        upstream = client()
        with pytest.raises(Unavailable, match="nothing accepts connections") as caught:
            await upstream.send(Origin("http", "127.0.0.1", port, private=True), HEAD, BODY, Deadlines())
    assert not caught.value.may_have_billed
    assert "127.0.0.1" not in caught.value.message
    assert upstream.stats()[0].open == 0


class Slow:
    """A resolver that never answers."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return ()


async def test_a_slow_look_up(client: MakeClient) -> None:
    origin = Origin("http", "api.example", 80)
    with pytest.raises(TimedOut) as caught:
        await client(resolver=Slow()).send(origin, HEAD, BODY, SOON)
    assert (caught.value.phase, caught.value.may_have_billed) == ("connect", False)
    with pytest.raises(Unavailable, match="not looked up in time"):
        await client(Limits(resolve_s=0.01), resolver=Slow()).send(origin, HEAD, BODY, Deadlines())


class Both:
    """A name with a dead address first."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        return ("::1", "127.0.0.2", "127.0.0.1")


async def test_the_next_address_is_tried(client: MakeClient, serve: MakeServer) -> None:
    server = await serve(["request", OK, HOLD])
    upstream = client(resolver=Both())
    answer = await upstream.send(server.origin(host="lab.example"), HEAD, BODY, Deadlines())
    assert answer.body == b"hi"
    assert upstream.stats()[0].open == 1


async def test_a_black_hole_does_not_stop_the_race(
    client: MakeClient, serve: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach = Connector._reach

    async def patched(self: Connector, address: str, port: int) -> socket.socket:
        if address != "127.0.0.1":
            await asyncio.Event().wait()
        return await reach(self, address, port)

    monkeypatch.setattr(Connector, "_reach", patched)
    server = await serve(["request", OK, HOLD])
    upstream = client(Limits(stagger_s=0.01), resolver=Both())
    answer = await upstream.send(server.origin(host="lab.example"), HEAD, BODY, Deadlines())
    assert answer.body == b"hi"
