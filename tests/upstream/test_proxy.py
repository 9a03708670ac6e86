"""Tunnels, and proxies that give none."""

from __future__ import annotations

import pytest

from upstream.conftest import MakeClient, MakeServer
from upstream.wire import BODY, CLOSE, HEAD, HOLD, OK
from waypost.core.origin import Deadlines, Origin, Proxy
from waypost.errors import Unavailable

GRANTED = b"HTTP/1.1 200 Connection established\r\nvia: x\r\n\r\n"


async def test_a_tunnel(client: MakeClient, serve: MakeServer) -> None:
    server = await serve(["request", GRANTED, "request", OK, "request", OK, HOLD])
    proxy = Proxy("127.0.0.1", server.port, "Basic dTpw")
    origin = Origin("http", "api.example", 8080, proxy=proxy)
    upstream = client()
    for _ in range(2):
        answer = await upstream.send(origin, HEAD, BODY, Deadlines())
        assert answer.body == b"hi"
    assert server.requests[0] == (
        b"CONNECT api.example:8080 HTTP/1.1\r\nhost: api.example:8080\r\nproxy-authorization: Basic dTpw\r\n\r\n"
    )
    assert server.requests[1:] == [HEAD + BODY] * 2


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (b"HTTP/1.1 407 Auth\r\n\r\n", "407"),
        (b"HTTP/1.1 403 No\r\n\r\n", "does not allow"),
        (b"HTTP/1.0 502 Bad\r\n\r\n", "status 502"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "does not speak HTTP"),
        (GRANTED + b"early", "before the tunnel"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 5000, "no end"),
        (b"HTTP/1.1 200", "closed the connection"),
    ],
)
async def test_a_tunnel_refused(client: MakeClient, serve: MakeServer, reply: bytes, says: str) -> None:
    server = await serve(["request", reply, CLOSE])
    upstream = client()
    origin = Origin("http", "api.example", 80, proxy=Proxy("127.0.0.1", server.port, "Basic dTpw"))
    with pytest.raises(Unavailable, match=says) as caught:
        await upstream.send(origin, HEAD, BODY, Deadlines())
    assert not caught.value.may_have_billed
    assert "dTpw" not in caught.value.message
    assert upstream.stats()[0].open == 0
