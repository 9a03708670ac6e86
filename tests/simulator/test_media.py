"""OpenAI's sounds and pictures as the simulator makes and bills them."""

from __future__ import annotations

import msgspec
import pytest

from simulated import ask, simulator
from waypost.dialects.forms import FormPart, render_form
from waypost.simulator.bill import Tokens
from waypost.simulator.run import Simulator, SimulatorSettings, start

__all__ = ["simulator"]

SAID = FormPart("file", b"Hello there, you.", "a.wav")


async def post(port: int, path: str, body: bytes, *headers: str) -> tuple[int, bytes]:
    lines = "".join(f"{line}\r\n" for line in headers)
    head = f"POST /v1{path} HTTP/1.1\r\nhost: x\r\n{lines}content-length: {len(body)}\r\n\r\n"
    status, _, got = await ask(port, head.encode() + body)
    return status, got


def form(**fields: str) -> bytes:
    parts = [FormPart(name, value.encode()) for name, value in fields.items()]
    return render_form([*parts, SAID], b"x")


@pytest.mark.parametrize(
    ("path", "body", "used", "nusd"),
    [
        (
            "/audio/speech",
            b'{"model":"sim-tts","input":"Hi \xc3\xbc","voice":"v"}',
            Tokens(characters=4),
            60_000,
        ),
        ("/audio/transcriptions", form(model="sim-whisper"), Tokens(audio_ms=2000), 200_000),
        ("/audio/translations", form(model="sim-whisper"), Tokens(audio_ms=2000), 200_000),
        ("/images/generations", b'{"model":"sim-image","prompt":"a","n":2}', Tokens(images=2), 80_000_000),
        (
            "/images/generations",
            b'{"model":"sim-image","prompt":"a","quality":"hd"}',
            Tokens(hd_images=1),
            80_000_000,
        ),
    ],
)
async def test_what_is_made_is_billed(
    simulator: Simulator, path: str, body: bytes, used: Tokens, nusd: int
) -> None:
    assert (await post(simulator.port, path, body))[0] == 200
    await simulator.idle()
    (line,) = simulator.bill.lines
    assert (line.tokens, line.nusd, line.end) == (used, nusd, "done")


async def test_transcripts(simulator: Simulator) -> None:
    told = [
        (
            await post(
                simulator.port, "/audio/transcriptions", form(model="sim-whisper", response_format=each)
            )
        )[1]
        for each in ("json", "verbose_json", "text")
    ]
    short, long = (msgspec.json.decode(body) for body in told[:2])
    assert short == {"text": "Hello there, you.", "usage": {"type": "duration", "seconds": 2}}
    assert (long["duration"], long["usage"]) == (1.5, short["usage"])
    assert told[2] == b"Hello there, you.\n"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/audio/speech", b'{"model":"sim-fast","input":"x","voice":"v"}', 404),
        ("/audio/speech", b"{}", 400),
        ("/audio/transcriptions", b"no form", 400),
        ("/audio/transcriptions", form(model="tiny"), 404),
        ("/images/generations", b'{"model":"sim-image","prompt":"a","n":0}', 400),
        ("/images/generations", b'{"model":"sim-image"}', 400),
    ],
)
async def test_what_is_refused_is_not_billed(
    simulator: Simulator, path: str, body: bytes, status: int
) -> None:
    got, told = await post(simulator.port, path, body)
    assert got == status
    assert b'"error"' in told
    assert simulator.bill.count == 0


async def test_keys() -> None:
    running = await start(SimulatorSettings(seed=1, key="k"))
    body = b'{"model":"sim-tts","input":"x","voice":"v"}'
    try:
        assert (await post(running.port, "/audio/speech", body, "authorization: Bearer k"))[0] == 200
        assert (await post(running.port, "/audio/speech", body, "authorization: Bearer x"))[0] == 401
    finally:
        await running.stop()
