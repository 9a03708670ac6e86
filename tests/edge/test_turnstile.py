"""What is turned away unparsed, and that nothing but the plainest request is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.rig import OpenGate, Rig, ScriptedPipeline, Socket, StepClock, get, post, until
from waypost.config.snapshot import Settings
from waypost.core.key import Key
from waypost.dialects.registry import DIALECTS
from waypost.edge.protocol import EdgeProtocol
from waypost.edge.routes import Routes
from waypost.edge.turnstile import Turnstile, write_held
from waypost.policy.overload import LoadGauge

KEY = Key("k", "k", b"", "", 0.0)
VIP = Key("v", "v", b"", "", 0.0, priority="high")
AUTH = b"Authorization: Bearer sk-Known\r\n"


def full(gauge: LoadGauge) -> None:
    """All but high priorities are turned away."""
    gauge.measured(100.0, active=0, memory_used=99, memory_limit=100, waiting=0, oldest_s=0.0)


def turnstile() -> Turnstile:
    gauge, pipeline = LoadGauge(100, random=lambda: 0.5), ScriptedPipeline()
    pipeline.keys = {b"sk-Known": KEY, b"sk-Vip": VIP}
    full(gauge)
    return Turnstile(
        gauge, Routes(DIALECTS.values()), pipeline, OpenGate(Settings()), lambda: "wp-1", StepClock()
    )


def test_a_plain_request_is_answered_from_its_bytes() -> None:
    subject = turnstile()
    answer = subject.look(post(b'{"model":"m"}', extra=AUTH))
    assert answer is not None
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines)
    assert status == b"HTTP/1.1 503 Service Unavailable"
    assert headers[b"x-request-id"] == headers[b"x-waypost-request-id"] == b"wp-1"
    assert (headers[b"retry-after"], headers[b"retry-after-ms"]) == (b"2", b"1500")
    assert headers[b"x-should-retry"] == b"true"
    assert int(headers[b"content-length"]) == len(body)
    assert msgspec.json.decode(body)["error"]["code"] == "overloaded"
    assert subject.load.shed["memory"] == 1
    assert subject.look(post(b"{}", extra=AUTH)) is not None
    assert len(subject._answers) == 1


@pytest.mark.parametrize(
    ("path", "extra", "told"),
    [
        ("/v1/messages", b"X-Api-Key: sk-Known\r\n", b'"type":"overloaded_error"'),
        (
            "/v1beta/models/gemini-3:generateContent",
            b"x-goog-api-key: sk-Known\r\n",
            b'"status":"UNAVAILABLE"',
        ),
        ("/v1beta/models/gemini-3:streamGenerateContent?alt=sse", AUTH, b'"status":"UNAVAILABLE"'),
        ("/v1/embeddings", b"api-key: sk-Known\r\n", b'"code":"overloaded"'),
    ],
)
def test_in_each_dialect_and_with_each_ones_key(path: str, extra: bytes, told: bytes) -> None:
    answer = turnstile().look(post(b"{}", path, extra))
    assert answer is not None
    assert told in answer


def test_a_key_with_room_goes_on_to_the_parser() -> None:
    subject = turnstile()
    assert subject.look(post(b"{}", extra=b"authorization: Bearer sk-Vip\r\n")) == b""
    assert subject.load.shed["memory"] == 0


PLAIN = post(b"{}", extra=AUTH)


@pytest.mark.parametrize(
    "data",
    [
        get("/v1/models", AUTH),
        post(b"{}"),
        PLAIN[:-1],
        PLAIN + b"{",
        PLAIN + PLAIN,
        PLAIN[:40],
        PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
        PLAIN.replace(b"/v1/chat/completions", b"/nowhere"),
        PLAIN.replace(b"/v1/chat/completions", b"/v1/%63hat/completions"),
        PLAIN.replace(b"/v1/chat/completions", b"/v1/models"),
        PLAIN.replace(b"/v1/chat/completions", "/v1/chät".encode()),
        PLAIN.replace(b"Content-Length: 2", b"Content-Length: +2"),
        PLAIN.replace(b"Content-Length: 2", b"Content-Length: 00000000002"),
        PLAIN.replace(b"Content-Length: 2", b"Content-Length: 2\r\ncontent-length: 2"),
        PLAIN.replace(b"Content-Length: 2", b"Content-Length : 2"),
        post(b"{}", extra=AUTH + b"Transfer-Encoding: chunked\r\n"),
        post(b"{}", extra=AUTH + b"Transfer-Encoding : chunked\r\n"),
        post(b"{}", extra=AUTH + b"Expect: 100-continue\r\n"),
        post(b"{}", extra=AUTH + b"Upgrade: h2c\r\n"),
        post(b"{}", extra=AUTH + b"Origin: https://app.example.com\r\n"),
        post(b"{}", extra=AUTH + b"Connection: close\r\n"),
        post(b"{}", extra=AUTH + b"Connection: keep-alive, upgrade\r\n"),
        post(b"{}", extra=AUTH + b"X-Long: a\r\n b\r\n"),
        post(b"{}", extra=AUTH + b"X-Bare: a\nContent-Length: 0\r\n"),
        post(b"{}", extra=AUTH + b"x-api-key: sk-Other\r\n"),
        post(b"{}", extra=b"x-api-key: sk-Known\r\napi-key: sk-Other\r\n"),
        post(b"{}", extra=b"Authorization: Basic abc\r\nx-api-key: sk-Known\r\n"),
        post(b"{}", extra=b"Authorization: Bearer \r\n"),
    ],
)
def test_whatever_is_unusual_is_left_to_the_parser(data: bytes) -> None:
    assert turnstile().look(data) is None


def test_what_was_read_of_a_head_holds_for_every_length() -> None:
    subject = turnstile()
    for body in (b"{}", b'{"a":1}', b"[]" * 40):
        assert subject.look(post(body, extra=AUTH))
        assert subject.look(post(body, extra=AUTH) + b"x") is None
    assert (len(subject._rests), len(subject._heads)) == (1, 3)
    assert subject.look(post(b"{}", extra=AUTH.replace(b"Known", b"Vip"))) == b""


def test_it_remembers_only_so_many_heads_and_no_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waypost.edge.turnstile._HEADS_MAX", 2)
    subject = turnstile()
    for number in range(5):
        assert subject.look(post(b"{}", extra=AUTH + b"X-N: %d\r\n" % number))
        assert 1 <= len(subject._heads) <= 2
        assert 1 <= len(subject._rests) <= 2
    assert subject.look(post(b"{}", extra=AUTH + b"X-N: " + b"n" * 5000 + b"\r\n")) is None


def test_keep_alive_is_usual() -> None:
    assert turnstile().look(post(b"{}", extra=AUTH + b"Connection: keep-alive\r\n"))


def test_while_draining_everything_is_left_to_the_parser() -> None:
    subject = turnstile()
    subject._gate.draining = True
    assert subject.look(PLAIN) is None


@given(st.integers(0, len(PLAIN) - 1), st.binary(max_size=3))
def test_no_byte_makes_it_answer_what_is_not_one_whole_request(at: int, instead: bytes) -> None:
    """What it answers has one length, which is the body's, and an empty line before it."""
    data = PLAIN[:at] + instead + PLAIN[at + 1 :]
    if turnstile().look(data) is not None:
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        assert [int(line.partition(b":")[2]) for line in lengths] == [len(body)]


async def test_a_connection_goes_on_after_it_was_turned_away() -> None:
    rig = Rig()
    rig.pipeline.keys = {b"sk-Known": KEY}
    gauge = rig.edge._load
    async with rig.serving():
        client = await rig.connect()
        client.send(post(b'{"n":1}', extra=AUTH))
        assert (await client.answer()).body == b'{"n":1}'
        full(gauge)
        for _ in range(3):
            client.send(PLAIN)
            answer = await client.answer()
            assert answer.status == 503
            assert msgspec.json.decode(answer.body)["dialect"] == "test_chat"
        client.send(PLAIN[:-1])  # not whole: the parser takes it, and the edge refuses it by its head
        slow = await client.answer()
        assert (slow.status, slow.headers[b"connection"]) == (503, b"close")
        gauge.measured(101.0, active=0, memory_used=1, memory_limit=100, waiting=0, oldest_s=0.0)
        again = await rig.connect()
        again.send(post(b'{"n":2}', extra=AUTH))
        assert (await again.answer()).body == b'{"n":2}'
    assert len(rig.pipeline.calls) == 2
    assert gauge.shed["memory"] == 4


async def test_whoever_is_let_in_is_counted_once() -> None:
    rig = Rig()
    rig.pipeline.keys = {b"sk-Known": KEY}
    gauge = rig.edge._load
    gauge.late(100.0, 1.0, 1.0)  # shares are counted from here on
    async with rig.serving():
        client = await rig.connect()
        for count in (1, 2, 3):
            client.send(PLAIN)
            assert (await client.answer()).status == 200
            assert gauge._shares._let_in == count


async def test_a_request_behind_one_under_way_is_left_to_the_parser() -> None:
    rig = Rig()
    rig.pipeline.keys = {b"sk-Known": KEY}
    async with rig.serving():
        client = await rig.connect()
        client.send(post(b"{}", extra=AUTH)[:-1])
        await until(lambda: rig.edge.active == 1)
        full(rig.edge._load)
        client.send(b"}")
        assert (await client.answer()).status == 200  # it was let in before


# --- who does not wait ----------------------------------------------------------------------------------------------


class Hammering:
    """A connection, and what was written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.gone = False
        self.held: bytes | None = None
        self.refused_at = float("-inf")
        self.transport = cast(asyncio.Transport, self)

    def write(self, data: bytes) -> None:
        self.written.append(data)


class Later:
    """A loop's timers, by hand."""

    def __init__(self) -> None:
        self.planned: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, delay_s: float, call: Callable[[], None]) -> None:
        self.planned.append((delay_s, call))


def sharing() -> tuple[Turnstile, Later, StepClock]:
    """Keys are held to their shares, which are nothing."""
    subject, later, clock = turnstile(), Later(), StepClock()
    subject._monotonic, subject._loop = clock.monotonic, cast(asyncio.AbstractEventLoop, later)
    nothing_for_anybody(subject.load, 100.0)
    return subject, later, clock


def nothing_for_anybody(gauge: LoadGauge, now: float) -> None:
    gauge.measured(now, active=0, memory_used=1, memory_limit=100, waiting=0, oldest_s=0.0)
    for _ in range(4):
        gauge.late(now, 1.0, 1.0)
    gauge._shares.level = 1e-6
    assert gauge.sharing
    while gauge.refuses(KEY, now) is None:
        pass


def asks(subject: Turnstile, connection: Hammering) -> None:
    write_held(connection)
    answer = subject.look(PLAIN)
    assert answer
    subject.tell(connection, answer)


def test_who_asks_again_at_once_is_told_so_a_little_later() -> None:
    subject, later, clock = sharing()
    one, other = Hammering(), Hammering()
    for connection in (one, other):
        asks(subject, connection)
        assert len(connection.written) == 1, "the first time at once"
    clock.now += 0.1
    asks(subject, one)
    clock.now += 0.01
    asks(subject, other)
    assert (len(one.written), len(other.written), len(later.planned)) == (1, 1, 1)
    clock.now += 0.016
    later.planned.pop()[1]()
    assert (len(one.written), len(other.written)) == (2, 1)
    delay_s, call = later.planned.pop()
    assert delay_s == pytest.approx(0.009)
    clock.now += 0.01
    call()
    assert (len(one.written), len(other.written), later.planned) == (2, 2, [])
    clock.now += 1.1
    asks(subject, one)
    assert len(one.written) == 3, "who waited is told at once"


def test_what_is_kept_back_is_written_before_anything_else_and_once() -> None:
    subject, later, clock = sharing()
    connection = Hammering()
    asks(subject, connection)
    asks(subject, connection)
    asks(subject, connection)
    assert len(connection.written) == 2
    clock.now += 1.0
    later.planned.pop()[1]()
    later_answers = len(connection.written)
    write_held(connection)
    assert later_answers == len(connection.written) == 3
    asks(subject, connection)
    asks(subject, gone := Hammering())
    asks(subject, gone)
    gone.gone = True
    clock.now += 1.0
    later.planned.pop()[1]()
    assert len(gone.written) == 1


def test_for_another_cause_nobody_is_kept_waiting() -> None:
    subject = turnstile()
    connection = Hammering()
    for times in range(1, 4):
        asks(subject, connection)
        assert len(connection.written) == times


async def test_a_hammering_client_gets_its_answers_in_order() -> None:
    rig = Rig()
    rig.pipeline.keys = {b"sk-Known": KEY, b"sk-Vip": VIP}
    async with rig.serving():
        client = await rig.connect()
        nothing_for_anybody(rig.edge._load, rig.edge.turnstile._monotonic())  # type: ignore[union-attr]
        names = []
        for _ in range(4):
            client.send(PLAIN)
        for _ in range(4):
            answer = await client.answer()
            assert answer.status == 503
            names.append(answer.headers[b"x-request-id"])
        assert names == sorted(names)
        client.send(PLAIN)
        client.send(PLAIN[:-1])
        assert (await client.answer()).status == 503
        client.send(PLAIN[-1:])
        assert (await client.answer()).status == 503


async def kept_back(rig: Rig) -> tuple[Socket, EdgeProtocol]:
    """A client that was told no and asked again at once, and its connection, which keeps the second answer back."""
    assert rig.server is not None
    assert rig.edge.turnstile is not None
    client = await rig.connect()
    nothing_for_anybody(rig.edge._load, rig.edge.turnstile._monotonic())
    client.send(PLAIN)
    assert (await client.answer()).status == 503
    client.send(PLAIN)
    (connection,) = rig.server.server_state.connections
    assert isinstance(connection, EdgeProtocol)
    await until(lambda: connection.held is not None)
    return client, connection


@pytest.mark.parametrize("meanwhile", ["it is over", "the client reads slowly"])
async def test_an_answer_that_is_kept_back_is_never_overtaken(meanwhile: str) -> None:
    """Else the next answer would be taken for this one's."""
    rig = Rig()
    rig.pipeline.keys = {b"sk-Known": KEY}
    async with rig.serving():
        client, connection = await kept_back(rig)
        rig.edge._load.shedding = False
        rig.edge._load.unquestioned = 10
        if meanwhile == "the client reads slowly":
            rig.edge._load.shedding = True
            connection.flow.write_paused = True
        client.send(post(b'{"n":1}', extra=AUTH))
        await until(lambda: bool(rig.pipeline.calls) or connection.held is None)
        connection.flow.write_paused = False
        assert (await client.answer()).status == 503
        answer = await client.answer()
        assert (answer.status, answer.body) == (200, b'{"n":1}')


async def test_a_drain_does_not_swallow_what_is_kept_back() -> None:
    rig = Rig()
    rig.pipeline.keys = {b"sk-Known": KEY}
    async with rig.serving():
        client, connection = await kept_back(rig)
        connection.shutdown()
        assert (await client.answer()).status == 503
        assert await client.rest() == b""
