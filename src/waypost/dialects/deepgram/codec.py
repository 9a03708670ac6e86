"""The dialects `deepgram_speech` and `deepgram_transcriptions`.

https://developers.deepgram.com/reference/text-to-speech/speak-request and …/speech-to-text/listen-pre-recorded, as
deepgram-python-sdk has them at 7da415db (`speak/v1/audio/raw_client.py`, `listen/v1/media/raw_client.py`,
`types/listen_v1response*.py`; 2026-11-26). All settings stand in the query.

| of the core | here |
|---|---|
| `model` | `model`, which is a voice; a family (`aura-2`) is completed by the `voice` (`thalia-en`) |
| another `voice` | dropped and named |
| `sound` | `encoding`, `container` and `sample_rate` |
| `speed` | `speed` |
| `language` | `language`; without one `detect_language` |
| `instructions`, `prompt`, `temperature` | dropped and named |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlencode

import msgspec

from waypost.core.asked import Onward, Reply
from waypost.core.audio import SoundFormat, SpeechRequest, SpokenWord, Transcript, TranscriptRequest
from waypost.core.loss import Loss
from waypost.dialects.audio import OutgoingAudio
from waypost.dialects.deepgram.errors import parse_error, parse_instead
from waypost.dialects.durations import Seconds
from waypost.dialects.fields import Fields, parse_object
from waypost.dialects.refusals import Headers
from waypost.errors import Garbled, UpstreamError

_SPEAK, _LISTEN = "/speak", "/listen"
_LINEAR = {"encoding": "linear16", "sample_rate": "24000"}
_FORMATS: Mapping[SoundFormat, dict[str, str]] = MappingProxyType(
    {
        "mp3": {"encoding": "mp3"},
        "opus": {"encoding": "opus", "container": "ogg"},
        "aac": {"encoding": "aac"},
        "flac": {"encoding": "flac"},
        "wav": {**_LINEAR, "container": "wav"},
        "pcm": {**_LINEAR, "container": "none"},
    }
)
#: A family of voices, whose models are called after it and a voice.
_FAMILY = re.compile(r"aura(?:-\d+)?")
_TYPE = re.compile(rb"[\w.+-]{1,64}/[\w.+-]{1,64}")
_UNKNOWN_TYPE = b"application/octet-stream"


class _Word(msgspec.Struct, gc=False):
    word: str
    start: float = 0.0
    end: float = 0.0
    punctuated_word: str | None = None


class _Alternative(msgspec.Struct, gc=False):
    transcript: str = ""
    words: list[_Word] = []


class _Channel(msgspec.Struct, gc=False):
    alternatives: list[_Alternative] = []
    detected_language: str | None = None


class _Results(msgspec.Struct, gc=False):
    channels: list[_Channel]


class _Metadata(msgspec.Struct, gc=False):
    duration: Seconds | None = None


class _Heard(msgspec.Struct, gc=False):
    results: _Results
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


_HEARD = msgspec.json.Decoder(_Heard)


class DeepgramSpeech(OutgoingAudio):
    """A `Dialect` and a `SpeechTarget`. Immutable."""

    __slots__ = ()

    def onward_path(self, model: str, stream: bool) -> str:
        """The settings follow: see `render_speech`."""
        return _SPEAK

    def render_speech(self, request: SpeechRequest, loss: Loss) -> Onward:
        """See `SpeechTarget`."""
        model = request.model
        if _FAMILY.fullmatch(model):
            model = f"{model}-{request.voice}"
        elif request.voice not in model:
            loss.setting("voice")
        if request.instructions is not None:
            loss.setting("instructions")
        asked = {"model": model, **_FORMATS[request.sound]}
        if request.speed is not None and request.speed != 1:
            asked["speed"] = f"{request.speed:g}"
        return Onward(msgspec.json.encode({"text": request.text}), path=f"{_SPEAK}?{urlencode(asked)}")

    def parse_reply(self, body: bytes) -> Reply:
        """A body where a sound was to come. Raises UpstreamError."""
        raise parse_instead(_object(body))

    def parse_error(self, status: int, headers: Headers, body: bytes) -> UpstreamError:
        """See `errors.parse_error`."""
        return parse_error(status, headers, body)


class DeepgramTranscriptions(OutgoingAudio):
    """A `Dialect` and a `TranscriptTarget`. Immutable."""

    __slots__ = ()

    def onward_path(self, model: str, stream: bool) -> str:
        """The settings follow: see `render_transcription`."""
        return _LISTEN

    def render_transcription(self, request: TranscriptRequest, loss: Loss) -> Onward:
        """See `TranscriptTarget`. The sound is the body. Its texts have punctuation, as OpenAI's do."""
        if request.prompt is not None:
            loss.setting("prompt")
        if request.temperature:
            loss.setting("temperature")
        asked = {"model": request.model, "smart_format": "true"}
        if request.language is None:
            asked["detect_language"] = "true"
        else:
            asked["language"] = request.language
        given = request.content_type or _UNKNOWN_TYPE
        kind = given if _TYPE.fullmatch(given) else _UNKNOWN_TYPE
        return Onward(request.sound, content_type=kind, path=f"{_LISTEN}?{urlencode(asked)}")

    def parse_reply(self, body: bytes) -> Reply:
        """Raises UpstreamError."""
        return Reply(fields={}, usage=None, transcript=self.parse_transcript(body))

    def parse_transcript(self, body: bytes) -> Transcript:
        """See `TranscriptTarget`. Of several channels, which are only told apart where that is asked for, the first."""
        fields = _object(body)
        if "results" not in fields:
            raise parse_instead(fields)
        try:
            heard = _HEARD.decode(body)
        except ValueError:
            raise _garbled() from None
        channel = heard.results.channels[0] if heard.results.channels else _Channel()
        best = channel.alternatives[0] if channel.alternatives else _Alternative()
        words = tuple(
            SpokenWord(word.punctuated_word or word.word, word.start, word.end) for word in best.words
        )
        return Transcript(best.transcript, words, channel.detected_language, heard.metadata.duration)

    def parse_error(self, status: int, headers: Headers, body: bytes) -> UpstreamError:
        """See `errors.parse_error`."""
        return parse_error(status, headers, body)


def _object(body: bytes) -> Fields:
    try:
        return parse_object(body)
    except ValueError:
        raise _garbled() from None


def _garbled() -> Garbled:
    return Garbled(
        "The provider's answer is neither a sound nor a transcript. Try again, or another model; if it stays, check "
        "the provider's base URL."
    )


DEEPGRAM_SPEECH = DeepgramSpeech("deepgram_speech", "speech")
DEEPGRAM_TRANSCRIPTIONS = DeepgramTranscriptions("deepgram_transcriptions", "transcriptions")
