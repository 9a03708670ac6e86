"""A recorder in front of the simulator, both in this process."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest_asyncio

from edge.asgi_rig import Exchange
from recorder.taking import asked
from simulated import FixedClock, chat
from waypost.config.credentials import render_keyed
from waypost.config.targets import Credential, Provider
from waypost.core.origin import Origin
from waypost.recorder.fixture import Fixture, decode_fixture, encode_fixture
from waypost.recorder.folder import Folder
from waypost.recorder.record import Recorder, Settings, client_secrets
from waypost.recorder.serving import Desk, Told
from waypost.simulator.run import Simulator, SimulatorSettings, start
from waypost.telemetry.logs import Log
from waypost.upstream.client import HttpUpstream

KEY = "prov-CANARY-0123456789"
MINE = "sk-client-CANARY-555"
HEADERS = [
    (b"authorization", f"Bearer {MINE}".encode()),
    (b"x-b", b"1"),
    (b"cookie", b"session=CANARYCOOKIE"),
]


class Bench:
    """The recorder, and what it told."""

    def __init__(
        self, simulator: Simulator, upstream: HttpUpstream, out: Path, limit: int | None = None
    ) -> None:
        line = render_keyed(KEY, "authorization")
        assert line is not None
        provider = Provider(
            name="sim",
            dialects=("openai_chat",),
            origin=Origin("http", "127.0.0.1", simulator.port, private=True),
            path="/v1",
            credential=Credential(line),
            headers=b"x-own: 1\r\n",
            query="api-version=7",
        )
        self.told: list[Told] = []
        self.full = 0
        self.out = out
        recorder = Recorder(
            provider,
            upstream,
            Folder(out),
            FixedClock(),
            Settings(note="a note", limit=limit),
            secrets=["env-CANARY-987654321"],
            prepare=self._nothing,
            tell=self.told.append,
            full=self._stop,
        )
        self.desk = Desk(recorder, Log(io.StringIO(), lambda: 0.0), local=False)

    async def _nothing(self) -> None:
        return

    def _stop(self) -> None:
        self.full += 1

    async def ask(self, body: object, query: bytes = b"") -> Exchange:
        exchange = Exchange(self.desk, "POST", "/v1/chat/completions", msgspec.json.encode(body), HEADERS)  # type: ignore[arg-type]
        exchange.scope["query_string"] = query
        return await exchange.run()

    def fixtures(self) -> list[Fixture]:
        return [decode_fixture(file.read_bytes()) for file in sorted(self.out.iterdir())]


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[Simulator]:
    running = await start(SimulatorSettings(seed=1, key=KEY), clock=FixedClock())
    yield running
    await running.stop()


@pytest_asyncio.fixture
async def upstream() -> AsyncIterator[HttpUpstream]:
    made = HttpUpstream(asyncio.get_running_loop())
    yield made
    await made.aclose()


async def test_an_exchange_becomes_a_fixture(
    simulator: Simulator, upstream: HttpUpstream, tmp_path: Path
) -> None:
    bench = Bench(simulator, upstream, tmp_path, limit=2)
    answer = await bench.ask(
        chat("sim-fast", content=f"{MINE} env-CANARY-987654321 {KEY}"), b"key=CANARYQUERY1&a=1"
    )
    assert answer.status == 200
    (fixture,) = bench.fixtures()
    assert (fixture.provider, fixture.dialect, fixture.note) == ("sim", "openai_chat", "a note")
    assert fixture.date == "2027-01-15"
    assert fixture.request.path == "/v1/chat/completions?key=***&a=1"
    assert fixture.request.headers == (
        "host: localhost",
        "authorization: Bearer ***",
        "x-b: 1",
        "cookie: ***",
    )
    assert b"CANARY" not in encode_fixture(fixture)
    assert [told.file is not None for told in bench.told] == [True]
    assert bench.full == 0
    await bench.ask(chat("sim-fast"))
    assert bench.full == 1


async def test_what_the_provider_is_sent(
    simulator: Simulator, upstream: HttpUpstream, tmp_path: Path
) -> None:
    answer = await Bench(simulator, upstream, tmp_path).ask(chat("sim-fast"), b"key=CANARYQUERY1&a=1")
    assert answer.status == 200, "the provider wants its own key"
    sent = simulator.asks.show(1).decode()
    assert '"path":"/v1/chat/completions","query":"a=1&api-version=7"' in sent
    assert "x-own" in sent
    assert MINE not in sent
    assert "CANARYCOOKIE" not in sent
    assert "CANARYQUERY" not in sent


async def test_a_stream_is_passed_on_and_kept(
    simulator: Simulator, upstream: HttpUpstream, tmp_path: Path
) -> None:
    bench = Bench(simulator, upstream, tmp_path)
    answer = await bench.ask(chat("sim-fast", stream=True))
    (fixture,) = bench.fixtures()
    assert fixture.response.chunks is not None
    assert fixture.response.complete
    assert (fixture.response.data() or b"").count(b"data:") == answer.body.count(b"data:")


async def test_a_stream_that_the_provider_breaks_off(
    simulator: Simulator, upstream: HttpUpstream, tmp_path: Path
) -> None:
    bench = Bench(simulator, upstream, tmp_path)
    await bench.ask(chat("fault-reset-stream", stream=True))
    (fixture,) = bench.fixtures()
    assert not fixture.response.complete


async def test_without_an_answer_there_is_no_fixture(
    simulator: Simulator, upstream: HttpUpstream, tmp_path: Path
) -> None:
    bench = Bench(simulator, upstream, tmp_path)
    assert (await bench.ask(chat("fault-drop"))).status == 502
    assert bench.fixtures() == []


def test_whatever_a_client_proves_itself_with() -> None:
    signed = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/2025/eu/bedrock/aws4_request, SignedHeaders=host, Signature=0a1b"
    request = asked(
        None, ("authorization", signed), ("x-api-key", "k1"), ("cookie", "a=c1; b=c2"), ("x-ratelimit-tokens", "5"),
        ("x-my-token", "t1"), target="/x?api_key=q1&b=2",
    )  # fmt: skip
    assert client_secrets(request) == ["AKIDEXAMPLE", "0a1b", "k1", "c1", "c2", "t1", "q1"]
