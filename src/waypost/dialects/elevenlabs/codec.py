"""The dialects `elevenlabs_speech` and `elevenlabs_transcriptions`.

https://elevenlabs.io/docs/api-reference/text-to-speech/convert and …/speech-to-text/convert, as elevenlabs-python has
them at 54e58995 (`text_to_speech/raw_client.py`, `speech_to_text/raw_client.py`; 2026-11-26).

| of the core | here |
|---|---|
| `voice` | in the path: an id of a voice |
| `sound` | `output_format`; AAC and FLAC are refused |
| `speed` | `voice_settings.speed` |
| `instructions`, `prompt` | dropped and named |
| `language`, `temperature` | `language_code`, `temperature` |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType

import msgspec

from waypost.core.asked import Onward, Reply
from waypost.core.audio import SoundFormat, SpeechRequest, SpokenWord, Transcript, TranscriptRequest
from waypost.core.loss import Loss
from waypost.dialects.audio import OutgoingAudio
from waypost.dialects.durations import Seconds
from waypost.dialects.elevenlabs.errors import parse_error, parse_instead
from waypost.dialects.fields import Fields, parse_object
from waypost.dialects.forms import FormPart, render_form
from waypost.dialects.refusals import Headers
from waypost.dialects.taking import Json, put
from waypost.errors import Garbled, InvalidRequest, Unrepresentable, UpstreamError

_SPEAK = "/text-to-speech"
#: The rates that OpenAI's formats have, where there is a choice; larger ones need a larger plan.
_FORMATS: Mapping[SoundFormat, str] = MappingProxyType(
    {"mp3": "mp3_44100_128", "opus": "opus_48000_128", "wav": "wav_24000", "pcm": "pcm_24000"}
)
_VOICE = re.compile(r"[A-Za-z0-9_-]{1,128}")


class _Word(msgspec.Struct, gc=False):
    text: str
    start: float | None = None
    end: float | None = None
    type: str = "word"


class _Said(msgspec.Struct, gc=False):
    text: str
    words: list[_Word] = []
    language_code: str | None = None
    audio_duration_secs: Seconds | None = None


_SAID = msgspec.json.Decoder(_Said)


class ElevenLabsSpeech(OutgoingAudio):
    """A `Dialect` and a `SpeechTarget`. Immutable."""

    __slots__ = ()

    def onward_path(self, model: str, stream: bool) -> str:
        """The voice and the format follow: see `render_speech`."""
        return _SPEAK

    def render_speech(self, request: SpeechRequest, loss: Loss) -> Onward:
        """See `SpeechTarget`."""
        if _VOICE.fullmatch(request.voice) is None:
            raise InvalidRequest("`voice` has to be the id of a voice of ElevenLabs.", param="voice")
        sound = _FORMATS.get(request.sound)
        if sound is None:
            raise Unrepresentable(
                f"ElevenLabs writes no {request.sound}. Take {', '.join(_FORMATS)}, or another model.",
                param="response_format",
            )
        if request.instructions is not None:
            loss.setting("instructions")
        out: Json = {"text": request.text, "model_id": request.model}
        if request.speed not in (None, 1):
            out["voice_settings"] = {"speed": request.speed}
        path = f"{_SPEAK}/{request.voice}?output_format={sound}"
        return Onward(msgspec.json.encode(out), path=path)

    def parse_reply(self, body: bytes) -> Reply:
        """A body where a sound was to come. Raises UpstreamError."""
        raise parse_instead(_object(body))

    def parse_error(self, status: int, headers: Headers, body: bytes) -> UpstreamError:
        """See `errors.parse_error`."""
        return parse_error(status, headers, body)


class ElevenLabsTranscriptions(OutgoingAudio):
    """A `Dialect` and a `TranscriptTarget`. Immutable."""

    __slots__ = ()

    def onward_path(self, model: str, stream: bool) -> str:
        """Always the same."""
        return "/speech-to-text"

    def render_transcription(self, request: TranscriptRequest, loss: Loss) -> Onward:
        """See `TranscriptTarget`. Laughter and footsteps are not asked for: OpenAI's transcripts are words."""
        if request.prompt is not None:
            loss.setting("prompt")
        settings = put(
            {"model_id": request.model, "tag_audio_events": "false"},
            language_code=request.language,
            temperature=None if request.temperature is None else f"{request.temperature:g}",
        )
        parts = [FormPart(name, str(value).encode()) for name, value in settings.items()]
        parts.append(FormPart("file", request.sound, request.filename or "sound", request.content_type))
        boundary = b"waypost" + sha256(request.sound).hexdigest()[:48].encode()
        return Onward(render_form(parts, boundary), content_type=b"multipart/form-data; boundary=" + boundary)

    def parse_reply(self, body: bytes) -> Reply:
        """Raises UpstreamError."""
        return Reply(fields={}, usage=None, transcript=self.parse_transcript(body))

    def parse_transcript(self, body: bytes) -> Transcript:
        """See `TranscriptTarget`."""
        fields = _object(body)
        if "text" not in fields:
            raise parse_instead(fields)
        try:
            said = _SAID.decode(body)
        except ValueError:
            raise _garbled() from None
        words = tuple(
            SpokenWord(word.text.strip(), word.start, word.end)
            for word in said.words
            if word.type == "word" and word.start is not None and word.end is not None
        )
        return Transcript(said.text, words, said.language_code, said.audio_duration_secs)

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


ELEVENLABS_SPEECH = ElevenLabsSpeech("elevenlabs_speech", "speech")
ELEVENLABS_TRANSCRIPTIONS = ElevenLabsTranscriptions("elevenlabs_transcriptions", "transcriptions")
