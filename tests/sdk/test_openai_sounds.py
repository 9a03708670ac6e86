"""OpenAI's speech and transcriptions at providers of other formats, with the official client and the simulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from gateway import GatewayProcess
from process.books import settle
from sdk.targets import last_ask
from simulated import SimulatorProcess, simulating

pytestmark = pytest.mark.process

CONFIG = """
providers:
  - {{name: eleven, preset: elevenlabs, base_url: "{root}/v1", api_key: env:SIMULATED, discover: false, retries: 0,
      models: [eleven_v3, scribe_v2]}}
  - {{name: deep, preset: deepgram, base_url: "{root}/v1", api_key: env:SIMULATED, retries: 0,
      models: [aura-2, aura-2-thalia-en, nova-3]}}
models:
  - {{name: speaks, targets: [{{provider: eleven, model: eleven_v3, priority: 1}},
      {{provider: deep, model: aura-2, priority: 2}}]}}
discovery: {{environment: false, local: false, local_model: "off"}}
"""


@pytest.fixture(scope="module")
def sounds() -> Iterator[SimulatorProcess]:
    with simulating() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(sounds: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    config = CONFIG.format(root=sounds.root)
    with GatewayProcess(tmp_path_factory.mktemp("sounds"), config, {"SIMULATED": "the-key"}) as running:
        yield running


@pytest.fixture(scope="module")
def client(gateway: GatewayProcess) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, timeout=20) as made:
        yield made


def asked_for(sound: bytes) -> Any:
    assert sound.startswith(b"ID3")
    return json.loads(sound[3:])


def test_speech_of_elevenlabs(client: OpenAI, sounds: SimulatorProcess) -> None:
    made = client.audio.speech.with_raw_response.create(
        model="eleven/eleven_v3", voice="voice-1", input="Hello.", speed=1.1, instructions="Slowly."
    )
    assert asked_for(made.content) == {
        "voice": "voice-1",
        "model": "eleven_v3",
        "output_format": "mp3_44100_128",
        "text": "Hello.",
    }
    assert made.headers["content-type"] == "audio/mpeg"
    assert made.headers["x-waypost-dropped"] == "instructions"
    ask = last_ask(sounds)
    assert ask["body"]["voice_settings"] == {"speed": 1.1}
    assert "xi-api-key" in ask["headers"]
    assert "authorization" not in ask["headers"]


def test_speech_of_deepgram(client: OpenAI, sounds: SimulatorProcess) -> None:
    made = client.audio.speech.create(
        model="deep/aura-2", voice="thalia-en", input="Hello.", response_format="wav"
    )
    assert asked_for(made.content) == {
        "model": "aura-2-thalia-en",
        "encoding": "linear16",
        "container": "wav",
        "sample_rate": "24000",
        "text": "Hello.",
    }
    assert last_ask(sounds)["headers"]["authorization"].startswith("Token ")


def test_a_sound_is_streamed(client: OpenAI) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="deep/aura-2-thalia-en", voice="thalia", input="Hello."
    ) as made:
        assert asked_for(b"".join(made.iter_bytes()))["text"] == "Hello."


@pytest.mark.parametrize("model", ["eleven/scribe_v2", "deep/nova-3"])
def test_transcripts(client: OpenAI, sounds: SimulatorProcess, model: str) -> None:
    file = ("a.wav", b"Hello there. How are you?", "audio/wav")
    raw = client.audio.transcriptions.with_raw_response.create(model=model, file=file, prompt="Names.")
    made = raw.parse()
    assert made.text == "Hello there. How are you?"
    assert raw.headers["x-waypost-dropped"] == "prompt"
    usage: Any = made.usage
    assert (usage.type, usage.seconds) == ("duration", 3)
    whole = client.audio.transcriptions.create(
        model=model,
        file=file,
        response_format="verbose_json",
        timestamp_granularities=["word"],
        language="en",
    )
    assert (whole.text, whole.duration) == (made.text, 2.5)
    assert whole.words is not None
    assert [word.word for word in whole.words] == made.text.split()
    assert whole.segments is not None
    assert [segment.text for segment in whole.segments] == ["Hello there.", "How are you?"]
    subtitles = client.audio.transcriptions.create(model=model, file=file, response_format="srt")
    assert subtitles.startswith("1\n00:00:00,000 --> 00:00:01,000\nHello there.\n\n")
    text = client.audio.transcriptions.create(model=model, file=file, response_format="text")
    assert text == "Hello there. How are you?\n"


def test_the_next_provider_speaks_where_the_first_can_not(client: OpenAI) -> None:
    """ElevenLabs writes no FLAC."""
    made = client.audio.speech.create(
        model="speaks", voice="thalia-en", input="Hello.", response_format="flac"
    )
    assert asked_for(made.content)["encoding"] == "flac"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": "aac"}, "response_format"),
        ({"stream_format": "sse"}, "stream_format"),
        ({"voice": "../x"}, "voice"),
    ],
)
def test_what_can_not_be_said_is_refused_by_name(client: OpenAI, fields: dict[str, Any], param: str) -> None:
    said = {"model": "eleven/eleven_v3", "voice": "v", "input": "Hello.", **fields}
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.speech.create(**said)
    assert caught.value.param == param


def test_a_refusal_of_the_provider(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.audio.speech.create(model="eleven/eleven_v3", voice="missing", input="Hello.")
    assert "voice_id missing" in caught.value.message


def test_it_is_in_the_log_without_a_price(client: OpenAI, gateway: GatewayProcess) -> None:
    client.audio.speech.create(model="deep/aura-2", voice="thalia-en", input="Hello.")
    settle(gateway)
    rows = gateway.query(
        "select operation, outcome, cost_nusd from exchanges order by started_us desc limit 1"
    )
    assert rows == [("speech", "ok", None)]
