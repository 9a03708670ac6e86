from __future__ import annotations

import io

import pytest

from edge.asgi_rig import Exchange
from waypost.edge.client import EdgeClient
from waypost.errors import ConfigError, Unavailable
from waypost.recorder.exchange import Asked
from waypost.recorder.serving import Desk, check_host, is_loopback
from waypost.telemetry.logs import Log

LOCAL = (b"host", b"127.0.0.1:4190")


class Answer:
    """Says what was asked, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked: list[Asked] = []

    async def __call__(self, asked: Asked, client: EdgeClient) -> None:
        self.asked.append(asked)
        if self.error is not None:
            raise self.error
        await client.reply(200, [], asked.body)


async def ask(
    answer: Answer, *headers: tuple[bytes, bytes], method: str = "POST", local: bool = True
) -> Exchange:
    log = Log(io.StringIO(), lambda: 0.0)
    exchange = Exchange(Desk(answer, log, local=local), method, "/v1/x", b"{}", list(headers))  # type: ignore[arg-type]
    exchange.scope["headers"] = list(headers)
    exchange.scope["query_string"] = b"a=1"
    return await exchange.run()


async def test_a_request_is_handed_on_as_it_came() -> None:
    answer = Answer()
    assert (await ask(answer, LOCAL, (b"x-b", b"1"), (b"x-a", b"2"))).body == b"{}"
    (asked,) = answer.asked
    assert (asked.target, asked.headers[1:]) == ("/v1/x?a=1", (("x-b", "1"), ("x-a", "2")))


@pytest.mark.parametrize(
    "headers", [[LOCAL, (b"origin", b"https://evil.example")], [(b"host", b"evil.example")], [(b"host", b"")]]
)
async def test_web_pages_are_refused(headers: list[tuple[bytes, bytes]]) -> None:
    answer = Answer()
    assert (await ask(answer, *headers)).status == 403
    assert answer.asked == []


async def test_another_host_is_served_where_that_is_allowed() -> None:
    assert (await ask(Answer(), (b"host", b"box.lan"), local=False)).status == 200


async def test_errors_are_answered_in_json() -> None:
    assert (await ask(Answer(Unavailable("down")), LOCAL)).status == 502
    told = await ask(Answer(ValueError("sk-secret")), LOCAL)
    assert (told.status, b"sk-secret" in told.body) == (500, False)
    assert (await ask(Answer(), LOCAL, method="HEAD")).status == 405


async def test_websockets_are_closed() -> None:
    exchange = Exchange(Desk(Answer(), Log(io.StringIO(), lambda: 0.0), local=True), "GET", "/")  # type: ignore[arg-type]
    exchange.scope["type"] = "websocket"
    assert (await exchange.run()).sent[0]["code"] == 1008


def test_addresses() -> None:
    assert [is_loopback(each) for each in ("localhost", "127.0.0.2", "::1", "0.0.0.0", "box.lan")] == [
        True, True, True, False, False
    ]  # fmt: skip
    check_host("0.0.0.0", allowed=True)
    with pytest.raises(ConfigError, match="--allow-remote"):
        check_host("0.0.0.0", allowed=False)
