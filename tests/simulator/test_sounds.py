"""ElevenLabs' and Deepgram's sounds as the simulator makes them."""

import msgspec
import pytest

from simulated import ask, request_bytes, simulator
from waypost.simulator.run import Simulator, SimulatorSettings, start

__all__ = ["simulator"]


async def post(port: int, path: str, body: object, *headers: tuple[str, str]) -> tuple[int, bytes]:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\n{lines}content-length: {len(raw)}\r\n\r\n"
    status, _, got = await ask(port, head.encode() + raw)
    return status, got


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/text-to-speech/v?output_format=pcm_24000", {"text": "hi", "model_id": "m"}, 200),
        ("/v1/text-to-speech/v?output_format=midi_1", {"text": "hi", "model_id": "m"}, 400),
        ("/v1/text-to-speech/missing", {"text": "hi"}, 404),
        ("/v1/text-to-speech/v", {}, 422),
        ("/v1/speak?model=aura-2-thalia-en", {"text": "hi"}, 200),
        ("/v1/speak?encoding=midi", {"text": "hi"}, 400),
        ("/v1/speak", b"no", 400),
        ("/v1/listen?model=nova-3", b"hi there", 200),
        ("/v1/listen", b"", 400),
        ("/v1/speech-to-text", b"no form", 422),
    ],
)
async def test_paths(simulator: Simulator, path: str, body: object, status: int) -> None:
    assert (await post(simulator.port, path, body))[0] == status


async def test_other_methods(simulator: Simulator) -> None:
    assert (await ask(simulator.port, request_bytes(None, "/v1/speak", method="GET")))[0] == 405


async def test_keys() -> None:
    running = await start(SimulatorSettings(seed=1, key="k"))
    try:
        for path, good, bad in (
            ("/v1/speak", ("authorization", "Token k"), ("authorization", "Bearer k")),
            ("/v1/text-to-speech/v", ("xi-api-key", "k"), ("xi-api-key", "x")),
        ):
            assert (await post(running.port, path, {"text": "hi"}, good))[0] == 200
            status, body = await post(running.port, path, {"text": "hi"}, bad)
            assert status == 401
            assert b"Invalid API key" in body
    finally:
        await running.stop()
