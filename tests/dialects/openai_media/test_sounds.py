from __future__ import annotations

import msgspec
import pytest

from waypost.core.asked import Asked
from waypost.core.audio import SpeechRequest, SpokenWord, Transcript, TranscriptRequest
from waypost.dialects.forms import FormPart, render_form
from waypost.dialects.openai_media.codec import SPEECH, TRANSCRIPTIONS
from waypost.dialects.openai_media.sounds import (
    parse_speech,
    parse_transcription,
    render_transcript,
    transcript_type,
)
from waypost.errors import InvalidRequest, Unrepresentable

SAID = Transcript(
    "Hello there. How are you?",
    (
        SpokenWord("Hello", 0.0, 0.4),
        SpokenWord("there.", 0.5, 0.9),
        SpokenWord("How", 1.0, 1.2),
        SpokenWord("are", 1.2, 1.3),
        SpokenWord("you?", 3.0, 3661.5),
    ),
    "en",
    3661.52,
)


def speech(**fields: object) -> SpeechRequest:
    return parse_speech(
        SPEECH.parse_ask(msgspec.json.encode({"model": "m", "input": "Hi", "voice": "v", **fields}))
    )


def form(*parts: FormPart, **fields: str) -> Asked:
    texts = [FormPart(name, text.encode()) for name, text in {"model": "m", **fields}.items()]
    file = FormPart("file", b"RIFF", "a.wav", b"audio/wav")
    return TRANSCRIPTIONS.parse_ask(render_form([*texts, file, *parts], b"x"))


def test_a_request_for_speech() -> None:
    assert speech() == SpeechRequest("m", "Hi", "v")
    full = speech(
        voice={"id": "w"}, response_format="wav", speed=1.5, instructions="Slowly.", stream_format="audio"
    )
    assert (full.voice, full.sound, full.speed, full.instructions) == ("w", "wav", 1.5, "Slowly.")
    assert full.extras is not None
    assert set(full.extras.fields) == {"stream_format"}


@pytest.mark.parametrize(
    ("fields", "param", "kind"),
    [
        ({"voice": None}, "voice", InvalidRequest),
        ({"voice": {}}, "voice", InvalidRequest),
        ({"input": ""}, "input", InvalidRequest),
        ({"response_format": "midi"}, "response_format", InvalidRequest),
        ({"speed": "fast"}, "speed", InvalidRequest),
        ({"stream_format": "sse"}, "stream_format", Unrepresentable),
    ],
)
def test_speech_that_can_not_be_asked_for(
    fields: dict[str, object], param: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as caught:
        speech(**fields)
    assert getattr(caught.value, "param") == param  # noqa: B009 - either error has one


def test_a_request_for_a_transcript() -> None:
    words = FormPart("timestamp_granularities[]", b"word")
    found = parse_transcription(
        form(words, language="de", prompt="Names.", temperature="0.2", chunking_strategy="auto")
    )
    assert found == TranscriptRequest("m", b"RIFF", "a.wav", b"audio/wav", "de", "Names.", 0.2, found.extras)
    assert found.extras is not None
    assert set(found.extras.fields) == {"chunking_strategy", "timestamp_granularities[]"}


@pytest.mark.parametrize(
    ("fields", "param", "kind"),
    [
        ({"stream": "true"}, "stream", Unrepresentable),
        ({"response_format": "diarized_json"}, "response_format", Unrepresentable),
        ({"response_format": "docx"}, "response_format", InvalidRequest),
        ({"temperature": "hot"}, "temperature", InvalidRequest),
    ],
)
def test_transcripts_that_can_not_be_asked_for(
    fields: dict[str, str], param: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as caught:
        parse_transcription(form(**fields))
    assert getattr(caught.value, "param") == param  # noqa: B009 - either error has one


def test_a_sound_has_to_be_a_file() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_transcription(TRANSCRIPTIONS.parse_ask(b'{"model":"m","file":"hi"}'))
    assert caught.value.param == "file"


def written(asked: Asked, transcript: Transcript = SAID) -> bytes:
    return render_transcript(transcript, asked, 1_500_000_000)


def test_json() -> None:
    usage = {"type": "duration", "seconds": 3662, "cost": 1.5}
    assert msgspec.json.decode(written(form())) == {"text": SAID.text, "usage": usage}
    assert transcript_type(form()) == b"application/json"
    assert msgspec.json.decode(written(form(), Transcript("a"))) == {"text": "a"}
    unpriced = msgspec.json.decode(render_transcript(SAID, form(), None))
    assert unpriced["usage"]["cost"] is None


def test_verbose_json() -> None:
    found = msgspec.json.decode(written(form(response_format="verbose_json")))
    assert (found["task"], found["language"], found["duration"]) == ("transcribe", "en", 3661.52)
    assert [(each["id"], each["text"]) for each in found["segments"]] == [
        (0, "Hello there."),
        (1, "How are"),
        (2, "you?"),
    ]
    assert "words" not in found
    words = FormPart("timestamp_granularities[]", b"word")
    found = msgspec.json.decode(written(form(words, response_format="verbose_json")))
    assert found["words"][1] == {"word": "there.", "start": 0.5, "end": 0.9}


def test_subtitles() -> None:
    assert written(form(response_format="text")) == b"Hello there. How are you?\n"
    srt = written(form(response_format="srt")).decode()
    assert srt.startswith("1\n00:00:00,000 --> 00:00:00,900\nHello there.\n\n2\n")
    assert srt.endswith("3\n00:00:03,000 --> 01:01:01,500\nyou?\n\n")
    vtt = written(form(response_format="vtt")).decode()
    assert vtt.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:00.900\nHello there.\n\n")
    for kind in ("text", "srt", "vtt"):
        assert transcript_type(form(response_format=kind)) == b"text/plain; charset=utf-8"


def test_subtitles_without_times_of_words() -> None:
    whole = written(form(response_format="srt"), Transcript("a --> b", seconds=2.0))
    assert whole == b"1\n00:00:00,000 --> 00:00:02,000\na -> b\n\n"
    assert written(form(response_format="srt"), Transcript("")) == b""


def test_long_speech_is_cut() -> None:
    words = tuple(SpokenWord("w", at / 10, at / 10 + 0.1) for at in range(30))
    found = msgspec.json.decode(written(form(response_format="verbose_json"), Transcript("w", words)))
    assert [len(each["text"].split()) for each in found["segments"]] == [14, 14, 2]
