"""Realtime sessions by the official SDK, through the real gateway: what is billed is booked, however they end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openai import AsyncOpenAI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway import GatewayProcess, config_for
from process.books import (
    bill,
    get,
    memory_kib,
    metrics,
    one_row_each,
    settle,
    simulating,
    sums_exact,
    until,
)
from simulated import SimulatorProcess

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

MORE = """
server: {drain: 5s}
"""
LIMIT_S = 30.0


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with simulating() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(
    simulator: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    config = config_for(simulator.url, more=MORE)
    with GatewayProcess(tmp_path_factory.mktemp("realtime"), config) as running:
        yield running


@pytest.fixture(autouse=True)
def books(gateway: GatewayProcess, simulator: SimulatorProcess) -> Iterator[None]:
    yield
    if gateway.process is not None:
        settle(gateway, simulator)
        one_row_each(gateway)
        sums_exact(gateway)


def client_for(gateway: GatewayProcess, key: str | None = None) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=gateway.url + "/v1", api_key=key or gateway.key, max_retries=0)


@contextlib.asynccontextmanager
async def talking(
    gateway: GatewayProcess, model: str = "sim-fast", key: str | None = None, **options: Any
) -> AsyncIterator[Any]:
    async with (
        asyncio.timeout(LIMIT_S),
        client_for(gateway, key) as client,
        client.realtime.connect(model=model, **options) as connection,
    ):
        yield connection


async def say(connection: Any, text: str = "hello there", **simulate: object) -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    await connection.conversation.item.create(item=item)
    await connection.send({"type": "response.create", "simulate": simulate})


async def until_type(connection: Any, kind: str) -> list[Any]:
    events = []
    async for event in connection:
        events.append(event)
        if event.type == kind:
            return events
    raise AssertionError(f"the session ended without {kind}: {[event.type for event in events]}")


def raw(gateway: GatewayProcess, query: str = "model=sim-fast", **options: Any) -> connect:
    url = gateway.url.replace("http", "ws", 1) + "/v1/realtime?" + query
    options.setdefault("additional_headers", {"authorization": f"Bearer {gateway.key}"})
    return connect(url, proxy=None, max_size=None, **options)


async def ends(connection: ClientConnection) -> tuple[list[dict[str, Any]], int | None]:
    """Every event to the end, and the close code."""
    events = []
    try:
        while True:
            events.append(msgspec.json.decode(await connection.recv()))
    except ConnectionClosed:
        return events, connection.close_code


RESPOND = b'{"type":"response.create"}'


def respond(**simulate: object) -> bytes:
    return msgspec.json.encode({"type": "response.create", "simulate": simulate})


def last(gateway: GatewayProcess) -> tuple[Any, ...]:
    rows = gateway.query(
        "select operation, outcome, status, error, cost_nusd from exchanges order by started_us desc limit 1"
    )
    return rows[0]


def line(gateway: GatewayProcess, columns: str) -> tuple[object, ...]:
    """Of the ledger's newest line."""
    return gateway.query(
        f"select {columns} from lines join exchanges using (exchange_id) order by started_us desc limit 1"
    )[0]


async def test_a_conversation_is_priced_as_it_is_billed(
    gateway: GatewayProcess, simulator: SimulatorProcess
) -> None:
    before = bill(simulator).total_nusd
    async with talking(gateway) as connection:
        (created,) = await until_type(connection, "session.created")
        assert created.session.model == "sim-fast"
        usages = []
        for text in ("hello there", "and what else is there to say"):
            await say(connection, text, tokens=5)
            events = await until_type(connection, "response.done")
            kinds = [event.type for event in events]
            assert kinds.count("response.output_text.delta") == 5
            usages.append(events[-1].response.usage)
        assert usages[1].input_tokens > usages[0].input_tokens
    settle(gateway, simulator)
    page = bill(simulator)
    assert last(gateway) == ("realtime", "ok", 101, None, page.total_nusd - before)
    row = line(gateway, "input_tokens, output_tokens")
    assert row == (sum(usage.input_tokens for usage in usages), sum(usage.output_tokens for usage in usages))


async def test_sound_and_the_cache_have_their_own_prices(
    gateway: GatewayProcess, simulator: SimulatorProcess
) -> None:
    before = bill(simulator).total_nusd
    async with talking(gateway, "sim-audio") as connection:
        await connection.input_audio_buffer.append(audio="A" * 64_000)
        await connection.input_audio_buffer.commit()
        await say(connection, "word " * 30, cached_percent=50)
        (*_, done) = await until_type(connection, "response.done")
        assert done.response.usage.output_token_details.audio_tokens == 8
    settle(gateway, simulator)
    assert last(gateway)[4] == bill(simulator).total_nusd - before
    row = line(gateway, "audio_input_tokens, audio_output_tokens, cache_read_tokens")
    assert row[0] == 11
    assert row[1] == 8
    assert int(str(row[2])) > 0


@pytest.mark.parametrize(
    ("key", "query", "status", "code"),
    [
        ("sk-wp-nonsense", "model=sim-fast", 401, "invalid_api_key"),
        ("", "model=sim-fast", 401, "invalid_api_key"),
        (None, "model=nothing", 404, "model_not_found"),
        (None, "", 400, "invalid_request"),
        (None, "call_id=rtc_1&model=sim-fast", 400, "invalid_request"),
        (None, "model=sim/fault-500", 502, "upstream_unavailable"),
        (None, "model=sim/fault-401", 502, "upstream_credential_refused"),
    ],
)
async def test_refusals_come_before_the_upgrade(
    gateway: GatewayProcess, key: str | None, query: str, status: int, code: str
) -> None:
    given = gateway.key if key is None else key
    headers = {"authorization": f"Bearer {given}"} if given else {}
    with pytest.raises(InvalidStatus) as refused:
        async with raw(gateway, query, additional_headers=headers):
            pass
    assert refused.value.response.status_code == status
    body = msgspec.json.decode(refused.value.response.body)
    assert body["error"]["code"] == code


async def test_a_key_as_subprotocol(gateway: GatewayProcess) -> None:
    offered = ["realtime", f"openai-insecure-api-key.{gateway.key}", "openai-beta.realtime-v1"]
    async with raw(gateway, additional_headers={}, subprotocols=offered) as connection:
        assert connection.subprotocol == "realtime"
        assert msgspec.json.decode(await connection.recv())["type"] == "session.created"


async def test_the_provider_sees_the_gateway_and_not_the_client(
    gateway: GatewayProcess, simulator: SimulatorProcess
) -> None:
    headers = {"authorization": f"Bearer {gateway.key}", "openai-beta": "realtime=v1", "openai-project": "p"}
    async with raw(gateway, "model=sim/sim-fast&x=1", additional_headers=headers) as connection:
        await connection.recv()
    asked = msgspec.json.decode(get(simulator.root + "/asks?last=1"))["asks"][0]
    assert asked["path"] == "/v1/realtime"
    assert asked["query"] == "model=sim-fast"
    assert asked["headers"]["openai-beta"] == "realtime=v1"
    assert not {"authorization", "openai-project", "sec-websocket-protocol"} & set(asked["headers"])


async def test_another_model_inside_the_session_is_refused(gateway: GatewayProcess) -> None:
    async with talking(gateway) as connection:
        await until_type(connection, "session.created")
        await connection.session.update(session={"type": "realtime", "model": "sim-slow"}, event_id="e1")
        (error,) = await until_type(connection, "error")
        assert (error.error.code, error.error.event_id) == ("permission_denied", "e1")
        await connection.session.update(
            session={"type": "realtime", "instructions": "be kind", "model": "sim-fast"}
        )
        (updated,) = await until_type(connection, "session.updated")
        assert updated.session.instructions == "be kind"


async def test_a_budget_that_is_spent_ends_the_session(
    gateway: GatewayProcess, simulator: SimulatorProcess
) -> None:
    # A response of sim-fast with 4,096 tokens costs $0.008192 at most, which is what is held.
    key = gateway.create_key("--name", "small", "--budget", "0.0083")
    headers = {"authorization": f"Bearer {key}"}
    done = 0
    async with raw(gateway, additional_headers=headers) as connection:
        for _ in range(40):
            with contextlib.suppress(ConnectionClosed):
                await connection.send(respond(tokens=20), text=True)
                while msgspec.json.decode(await connection.recv())["type"] != "response.done":
                    pass
                done += 1
                continue
            break
        assert connection.close_code == 1008
    assert 1 <= done < 10
    settle(gateway, simulator)
    assert last(gateway)[:4] == ("realtime", "cut", 101, "budget_exceeded")
    assert int(last(gateway)[4]) <= 8_300_000


async def test_the_error_of_a_spent_budget_is_told(gateway: GatewayProcess) -> None:
    key = gateway.create_key("--name", "smaller", "--budget", "0.00820")
    headers = {"authorization": f"Bearer {key}"}
    async with raw(gateway, additional_headers=headers) as connection:
        await connection.send(respond(tokens=50), text=True)
        events, code = await ends(connection)
    assert code == 1008
    assert events[-2]["type"] == "response.done"
    assert events[-1]["type"] == "error"
    assert events[-1]["error"]["code"] == "budget_exceeded"


async def test_a_provider_that_breaks_off(gateway: GatewayProcess, simulator: SimulatorProcess) -> None:
    async with raw(gateway) as connection:
        await connection.send(respond(fault="reset-stream", k=3), text=True)
        events, code = await ends(connection)
    assert code == 1011
    assert events[-1]["error"]["code"] == "upstream_truncated"
    settle(gateway, simulator)
    assert last(gateway)[:4] == ("realtime", "cut", 101, "upstream_truncated")
    row = line(gateway, "output_tokens")
    assert row == (3,)


async def test_a_client_that_leaves_in_the_middle_is_booked_exactly(
    gateway: GatewayProcess, simulator: SimulatorProcess
) -> None:
    before = bill(simulator).total_nusd
    async with raw(gateway) as connection:
        await connection.send(respond(tokens=400, tps=50), text=True)
        for _ in range(6):
            await connection.recv()
        connection.transport.abort()
        with contextlib.suppress(ConnectionClosed):
            await connection.recv()
    settle(gateway, simulator)
    assert last(gateway) == (
        "realtime",
        "disconnected",
        101,
        "client_disconnected",
        bill(simulator).total_nusd - before,
    )


async def test_a_message_that_is_too_large(gateway: GatewayProcess) -> None:
    connection = await raw(gateway)
    await connection.recv()
    fine = b'{"type":"input_audio_buffer.append","audio":"%b"}' % (b"A" * (15 << 20))
    await connection.send(fine, text=True)
    await connection.send(RESPOND, text=True)
    while msgspec.json.decode(await connection.recv())["type"] != "response.done":
        pass
    with contextlib.suppress(ConnectionClosed):
        await connection.send(b"x" * ((16 << 20) + 1), text=True)
    _, code = await ends(connection)
    assert code == 1009


async def test_a_slow_client_makes_the_provider_wait(gateway: GatewayProcess) -> None:
    async with raw(gateway, "model=sim-audio", max_queue=1) as connection:
        await connection.send(respond(audio=6000, tokens=1), text=True)
        sound = 0
        before = memory_kib(gateway.pid)
        await asyncio.sleep(1.0)
        assert memory_kib(gateway.pid) - before < 8 * 1024
        while True:
            event = msgspec.json.decode(await connection.recv())
            sound += event["type"] == "response.output_audio.delta"
            if event["type"] == "response.done":
                break
    assert sound == 6000


async def test_nonsense_does_not_go_on(gateway: GatewayProcess) -> None:
    async with raw(gateway) as connection:
        await connection.recv()
        for message in (b"nonsense", b"[]", b"\xff\xfe", b'{"type":"session.update","session":7}'):
            await connection.send(message, text=False)
            assert msgspec.json.decode(await connection.recv())["error"]["code"] == "invalid_request"


async def test_a_crash_settles_what_was_reported(simulator: SimulatorProcess, tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, config_for(simulator.url)) as gateway:
        before = bill(simulator).total_nusd
        connection = await raw(gateway)
        for _ in range(2):
            await connection.send(respond(tokens=7), text=True)
            while msgspec.json.decode(await connection.recv())["type"] != "response.done":
                pass
        gateway.kill()
        await connection.wait_closed()
        gateway.start()
        settle(gateway, simulator)
        one_row_each(gateway)
        assert last(gateway)[4] == bill(simulator).total_nusd - before


async def test_zz_a_stop_lets_a_response_end(gateway: GatewayProcess, simulator: SimulatorProcess) -> None:
    quiet = await raw(gateway)
    busy = await raw(gateway)
    await quiet.recv()
    await busy.send(respond(tokens=40, tps=40), text=True)
    for _ in range(4):
        await busy.recv()
    until(lambda: metrics(gateway)["waypost_exchanges_active"] == 2, "two sessions")
    stopping = asyncio.get_running_loop().run_in_executor(None, gateway.stop)
    events, code = await ends(quiet)
    assert (events[-1]["error"]["code"], code) == ("draining", 1012)
    events, code = await ends(busy)
    assert events[-2]["type"] == "response.done"
    assert (events[-1]["error"]["code"], code) == ("draining", 1012)
    assert await stopping == 0
    rows = gateway.query("select outcome, error from exchanges order by started_us desc limit 2")
    assert rows == [("cut", "draining")] * 2
