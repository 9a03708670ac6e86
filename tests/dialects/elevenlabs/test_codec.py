from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.audio import SpeechRequest, SpokenWord, Transcript, TranscriptRequest
from waypost.core.loss import Loss
from waypost.dialects.elevenlabs.codec import ELEVENLABS_SPEECH as SPEECH
from waypost.dialects.elevenlabs.codec import ELEVENLABS_TRANSCRIPTIONS as TRANSCRIPTIONS
from waypost.dialects.forms import FormPart, parse_form
from waypost.errors import Failed, Garbled, InvalidRequest, QuotaSpent, Unrepresentable

HI = SpeechRequest("eleven_v3", "Hi", "JBFqnCBsd6RMkjVDRZzb")


def test_the_voice_and_the_format_stand_in_the_path() -> None:
    loss = Loss()
    onward = SPEECH.render_speech(HI, loss)
    assert onward.path == "/text-to-speech/JBFqnCBsd6RMkjVDRZzb?output_format=mp3_44100_128"
    assert msgspec.json.decode(onward.body) == {"text": "Hi", "model_id": "eleven_v3"}
    assert loss.names == ()


@pytest.mark.parametrize("voice", ["..", "a/b", "", "a b", "a?b", "é"])
def test_a_voice_that_is_no_id_is_refused(voice: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        SPEECH.render_speech(msgspec.structs.replace(HI, voice=voice), Loss())
    assert caught.value.param == "voice"


@pytest.mark.parametrize(
    ("sound", "said"), [("opus", "opus_48000_128"), ("wav", "wav_24000"), ("pcm", "pcm_24000")]
)
def test_formats(sound: Any, said: str) -> None:
    assert SPEECH.render_speech(msgspec.structs.replace(HI, sound=sound), Loss()).path.endswith(f"={said}")


@pytest.mark.parametrize("sound", ["aac", "flac"])
def test_formats_that_it_does_not_write_are_refused(sound: Any) -> None:
    with pytest.raises(Unrepresentable) as caught:
        SPEECH.render_speech(msgspec.structs.replace(HI, sound=sound), Loss())
    assert caught.value.param == "response_format"


def test_settings_of_speech() -> None:
    loss = Loss()
    onward = SPEECH.render_speech(msgspec.structs.replace(HI, speed=1.1, instructions="Whisper."), loss)
    assert msgspec.json.decode(onward.body)["voice_settings"] == {"speed": 1.1}
    assert loss.names == ("instructions",)


def test_the_sound_goes_in_a_form() -> None:
    loss = Loss()
    request = TranscriptRequest("scribe_v2", b"RIFF", "a.wav", b"audio/wav", "de", "Names.", 0.5)
    onward = TRANSCRIPTIONS.render_transcription(request, loss)
    assert onward.content_type.startswith(b"multipart/form-data; boundary=waypost")
    assert parse_form(onward.body) == [
        FormPart("model_id", b"scribe_v2"),
        FormPart("tag_audio_events", b"false"),
        FormPart("language_code", b"de"),
        FormPart("temperature", b"0.5"),
        FormPart("file", b"RIFF", "a.wav", b"audio/wav"),
    ]
    assert loss.names == ("prompt",)
    least = TRANSCRIPTIONS.render_transcription(TranscriptRequest("scribe_v2", b"x"), Loss())
    assert [part.name for part in parse_form(least.body)] == ["model_id", "tag_audio_events", "file"]


def test_a_transcript() -> None:
    body = {
        "language_code": "eng",
        "language_probability": 0.9,
        "text": "Hi there.",
        "words": [
            {"text": "Hi", "start": 0.1, "end": 0.4, "type": "word", "logprob": -0.1},
            {"text": " ", "start": 0.4, "end": 0.5, "type": "spacing"},
            {"text": "there.", "start": 0.5, "end": 0.9, "type": "word"},
            {"text": "(laughter)", "start": 1.0, "end": 2.0, "type": "audio_event"},
            {"text": "lost", "start": None, "end": None, "type": "word"},
        ],
        "audio_duration_secs": 2.5,
    }
    words = (SpokenWord("Hi", 0.1, 0.4), SpokenWord("there.", 0.5, 0.9))
    found = TRANSCRIPTIONS.parse_transcript(msgspec.json.encode(body))
    assert found == Transcript("Hi there.", words, "eng", 2.5)
    assert TRANSCRIPTIONS.parse_reply(msgspec.json.encode(body)).transcript == found


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", Garbled),
        (b"[]", Garbled),
        (b"{}", Garbled),
        (b'{"detail":"No."}', Failed),
        (b'{"detail":{"status":"quota_exceeded","message":"No."}}', QuotaSpent),
    ],
)
def test_what_is_no_answer(body: bytes, kind: type[Exception]) -> None:
    for parse in (TRANSCRIPTIONS.parse_transcript, SPEECH.parse_reply):
        with pytest.raises(kind):
            parse(body)


def test_a_transcript_of_a_wrong_shape() -> None:
    with pytest.raises(Garbled):
        TRANSCRIPTIONS.parse_transcript(b'{"text":7}')


def test_paths() -> None:
    assert SPEECH.onward_path("m", True) == "/text-to-speech"
    assert TRANSCRIPTIONS.onward_path("m", False) == "/speech-to-text"
