from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from waypost.core.audio import SpeechRequest, SpokenWord, Transcript, TranscriptRequest
from waypost.core.loss import Loss
from waypost.dialects.deepgram.codec import DEEPGRAM_SPEECH as SPEECH
from waypost.dialects.deepgram.codec import DEEPGRAM_TRANSCRIPTIONS as TRANSCRIPTIONS
from waypost.errors import Failed, Garbled, QuotaSpent


def query(path: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}


@pytest.mark.parametrize(
    ("model", "voice", "asked", "dropped"),
    [
        ("aura-2-thalia-en", "thalia", "aura-2-thalia-en", ()),
        ("aura-2-thalia-en", "alloy", "aura-2-thalia-en", ("voice",)),
        ("aura-2", "thalia-en", "aura-2-thalia-en", ()),
        ("aura", "luna-en", "aura-luna-en", ()),
    ],
)
def test_a_model_is_a_voice(model: str, voice: str, asked: str, dropped: tuple[str, ...]) -> None:
    loss = Loss()
    onward = SPEECH.render_speech(SpeechRequest(model, "Hi & bye", voice), loss)
    assert onward.path.startswith("/speak?")
    assert query(onward.path) == {"model": asked, "encoding": "mp3"}
    assert msgspec.json.decode(onward.body) == {"text": "Hi & bye"}
    assert loss.names == dropped


@pytest.mark.parametrize(
    ("sound", "asked"),
    [
        ("mp3", {"encoding": "mp3"}),
        ("opus", {"encoding": "opus", "container": "ogg"}),
        ("aac", {"encoding": "aac"}),
        ("flac", {"encoding": "flac"}),
        ("wav", {"encoding": "linear16", "sample_rate": "24000", "container": "wav"}),
        ("pcm", {"encoding": "linear16", "sample_rate": "24000", "container": "none"}),
    ],
)
def test_every_format_can_be_said(sound: Any, asked: dict[str, str]) -> None:
    onward = SPEECH.render_speech(SpeechRequest("aura", "a", "x", sound), Loss())
    assert query(onward.path) == {"model": "aura-x", **asked}


def test_settings_of_speech() -> None:
    loss = Loss()
    request = SpeechRequest("aura", "a", "x", speed=1.25, instructions="Whisper.")
    assert query(SPEECH.render_speech(request, loss).path)["speed"] == "1.25"
    assert loss.names == ("instructions",)
    plain = SPEECH.render_speech(msgspec.structs.replace(request, speed=1.0), Loss())
    assert "speed" not in query(plain.path)


def test_a_model_of_the_path_stays_in_its_place() -> None:
    onward = SPEECH.render_speech(SpeechRequest("a&b=c#d/../e", "a", "x"), Loss())
    assert query(onward.path)["model"] == "a&b=c#d/../e"
    assert onward.path.count("&") == 1


def test_the_sound_is_the_body() -> None:
    loss = Loss()
    request = TranscriptRequest("nova-3", b"RIFF", "a.wav", b"audio/wav", "de", "Names.", 0.5)
    onward = TRANSCRIPTIONS.render_transcription(request, loss)
    assert (onward.body, onward.content_type) == (b"RIFF", b"audio/wav")
    assert query(onward.path) == {"model": "nova-3", "smart_format": "true", "language": "de"}
    assert loss.names == ("prompt", "temperature")


@pytest.mark.parametrize("kind", [None, b"", b"a/b; c=d\xff", b"audio"])
def test_a_type_that_is_none_is_not_sent_on(kind: bytes | None) -> None:
    onward = TRANSCRIPTIONS.render_transcription(TranscriptRequest("m", b"x", None, kind), Loss())
    assert onward.content_type == b"application/octet-stream"
    assert query(onward.path)["detect_language"] == "true"


def test_a_transcript() -> None:
    body = {
        "metadata": {"duration": 2.5, "new": 1},
        "results": {
            "channels": [
                {
                    "detected_language": "en",
                    "alternatives": [
                        {
                            "transcript": "Hi there.",
                            "words": [
                                {"word": "hi", "punctuated_word": "Hi", "start": 0.1, "end": 0.4},
                                {"word": "there", "start": 0.5, "end": 0.9},
                            ],
                        }
                    ],
                }
            ]
        },
    }
    words = (SpokenWord("Hi", 0.1, 0.4), SpokenWord("there", 0.5, 0.9))
    found = TRANSCRIPTIONS.parse_transcript(msgspec.json.encode(body))
    assert found == Transcript("Hi there.", words, "en", 2.5)
    assert TRANSCRIPTIONS.parse_reply(msgspec.json.encode(body)).transcript == found
    assert TRANSCRIPTIONS.parse_transcript(b'{"results":{"channels":[]}}') == Transcript("")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", Garbled),
        (b"[]", Garbled),
        (b'{"results":7}', Garbled),
        (b"{}", Garbled),
        (b'{"err_code":"X","err_msg":"No."}', Failed),
        (b'{"err_code":"ASR_PAYMENT_REQUIRED","err_msg":"No."}', QuotaSpent),
    ],
)
def test_what_is_no_transcript(body: bytes, kind: type[Exception]) -> None:
    for parse in (TRANSCRIPTIONS.parse_transcript, SPEECH.parse_reply):
        if parse == SPEECH.parse_reply and body == b'{"results":7}':
            continue
        with pytest.raises(kind):
            parse(body)


def test_paths() -> None:
    assert (SPEECH.onward_path("m", True), TRANSCRIPTIONS.onward_path("m", False)) == ("/speak", "/listen")
