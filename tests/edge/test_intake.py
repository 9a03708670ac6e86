from __future__ import annotations

import asyncio

import pytest

from edge.rig import Rig, post
from waypost.edge.asgi import Receive, Scope, Send
from waypost.edge.intake import Arrival


async def test_an_arrival_that_is_there_is_not_waited_for() -> None:
    arrival = Arrival()
    arrival.set()
    step = arrival.wait()
    with pytest.raises(StopIteration):
        step.send(None)


async def test_an_arrival_is_waited_for_again_once_it_was_cleared() -> None:
    arrival = Arrival()
    arrival.set()
    arrival.clear()
    waiting = asyncio.ensure_future(arrival.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    arrival.set()
    arrival.set()
    await asyncio.wait_for(waiting, 5)


async def test_one_who_gave_up_waiting_harms_nobody() -> None:
    arrival = Arrival()
    waiting = asyncio.ensure_future(arrival.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    arrival.set()
    await arrival.wait()


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/v1/chat/completions", "/v1/chat/completions", b""),
        (b"/v1/chat/completions?a=1&b=%20", "/v1/chat/completions", b"a=1&b=%20"),
        (b"/v1%2Fmodels/a%20b", "/v1/models/a b", b""),
        (b"/?", "/", b""),
    ],
)
async def test_the_scope_is_what_the_specification_asks_for(target: bytes, path: str, query: bytes) -> None:
    """https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope (2026-11-25)."""
    seen: list[Scope] = []
    rig = Rig()
    async with rig.serving() as rig:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope)
            await rig.edge(scope, receive, send)

        assert rig.server is not None
        rig.server.config.loaded_app = app
        client = await rig.connect()
        for _ in range(2):  # the second time it is remembered
            client.send(post(b"{}", target.decode()))
            await client.answer()
    assert len(seen) == 2
    for scope in seen:
        assert (scope["type"], scope["method"], scope["http_version"]) == ("http", "POST", "1.1")
        assert (scope["path"], scope["raw_path"], scope["query_string"]) == (
            path,
            target.split(b"?")[0],
            query,
        )
        assert (scope["scheme"], scope["root_path"], scope["asgi"]["spec_version"]) == ("http", "", "2.3")
        assert (b"content-length", b"2") in scope["headers"]
        assert scope["client"][0] == scope["server"][0] == "127.0.0.1"
        assert scope["state"] == {}
