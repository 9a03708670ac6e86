"""Speech and transcripts between OpenAI's format and another one, through the core.

Clients ask in OpenAI's format only; the others are spoken to targets and have no paths. What comes out of a text is a
sound and passes as it comes, so only its request crosses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from waypost.core.asked import Asked, Onward, PathAsk, Reply, Stamp
from waypost.core.audio import SpeechRequest, Transcript, TranscriptRequest
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.usage import Units, Usage
from waypost.dialects.cross import foreign_fields, parse_cross_error
from waypost.dialects.dialect import NO_PATH, ChatCodec, Dialect, EmbedCodec, Entry, Pricer, StreamRelay
from waypost.dialects.durations import whole_ms
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai.errors import render_error
from waypost.dialects.openai_media.codec import SPEECH, TRANSCRIPTIONS
from waypost.dialects.openai_media.relay import BytesRelay
from waypost.dialects.openai_media.sounds import (
    NEUTRAL,
    parse_speech,
    parse_transcription,
    render_transcript,
)
from waypost.errors import Bug, GatewayError, UpstreamError


@runtime_checkable
class SpeechTarget(Protocol):
    """A dialect that texts are sent to."""

    def render_speech(self, request: SpeechRequest, loss: Loss) -> Onward:
        """`Onward.dropped` is the lane's to fill. Raises InvalidRequest and Unrepresentable, with `param`."""
        ...


@runtime_checkable
class TranscriptTarget(Protocol):
    """A dialect that sounds are sent to."""

    def render_transcription(self, request: TranscriptRequest, loss: Loss) -> Onward:
        """As `SpeechTarget.render_speech`."""
        ...

    def parse_transcript(self, body: bytes) -> Transcript:
        """Raises UpstreamError."""
        ...


class OutgoingAudio:
    """What the audio dialects without a client have in common: a `Dialect` whose own requests nobody sends."""

    __slots__ = ("codec", "entries", "family", "forwarded", "name", "operation", "passed")

    embed_codec: EmbedCodec | None = None

    def __init__(self, name: str, operation: str) -> None:
        self.name = self.family = name
        self.operation = operation
        self.entries: tuple[Entry, ...] = ()
        self.forwarded: tuple[bytes, ...] = ()
        self.passed: tuple[bytes, ...] = ()
        self.codec: ChatCodec | None = None

    def stream_type(self, asked: Asked) -> bytes:
        """What the provider says a sound is."""
        return b""

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """Raises Bug: no path leads here."""
        raise self._no_client()

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """Raises Bug: no client's request is in this dialect."""
        raise self._no_client()

    def render_reply(self, reply: Reply, cost_nusd: int | None) -> bytes:
        """Raises Bug: no client is answered in this dialect."""
        raise self._no_client()

    def stream_relay(self, asked: Asked, price: Pricer) -> StreamRelay:
        """A sound, as it comes."""
        return BytesRelay(asked)

    def estimate_output(self, asked: Asked, reply: Reply) -> Usage:
        """What went in, as it was estimated; these providers count no tokens."""
        return Usage(input=asked.input_estimate, source="estimated")

    def render_error(self, error: GatewayError) -> bytes:
        """OpenAI's: that is the format of whoever asked."""
        return render_error(error)

    def _no_client(self) -> Bug:
        return Bug(
            f"{self.name} is only spoken to providers, and a client was to be served in it. Report this."
        )


class SpeechLane:
    """A `Lane` from OpenAI's speech: the request crosses, and the sound passes."""

    __slots__ = ("_target", "forwarded", "passed", "target")

    def __init__(self, target: Dialect, codec: SpeechTarget) -> None:
        self.target = target
        self._target = codec
        self.forwarded: tuple[bytes, ...] = ()
        self.passed: tuple[bytes, ...] = ()

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """Raises InvalidRequest and Unrepresentable."""
        request = msgspec.structs.replace(parse_speech(asked), model=model)
        loss = _losses(asked, request, self.target)
        onward = self._target.render_speech(request, loss)
        return msgspec.structs.replace(onward, dropped=loss.names)

    def parse_reply(self, body: bytes) -> Reply:
        """A body where a sound was to come. Raises UpstreamError."""
        return self.target.parse_reply(body)

    def render_reply(self, asked: Asked, reply: Reply, cost_nusd: int | None, stamp: Stamp) -> bytes:
        """Raises Bug: sounds are streams."""
        return self.target.render_reply(reply, cost_nusd)

    def stream_relay(self, asked: Asked, price: Pricer, stamp: Stamp) -> StreamRelay:
        """The sound, as it comes."""
        return self.target.stream_relay(asked, price)

    def estimate_output(self, asked: Asked, reply: Reply) -> Usage:
        """See `OutgoingAudio.estimate_output`."""
        return self.target.estimate_output(asked, reply)

    def parse_error(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> UpstreamError:
        """See `cross.parse_cross_error`."""
        return parse_cross_error(self.target, status, headers, body)


class TranscriptLane(SpeechLane):
    """A `Lane` from OpenAI's transcriptions: the request crosses, and the transcript comes back."""

    __slots__ = ("_codec",)

    def __init__(self, target: Dialect, codec: TranscriptTarget) -> None:
        self.target = target
        self._codec = codec
        self.forwarded = self.passed = ()

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """Raises InvalidRequest and Unrepresentable."""
        request = msgspec.structs.replace(parse_transcription(asked), model=model)
        loss = _losses(asked, request, self.target)
        onward = self._codec.render_transcription(request, loss)
        return msgspec.structs.replace(onward, dropped=loss.names)

    def parse_reply(self, body: bytes) -> Reply:
        """Raises UpstreamError."""
        transcript = self._codec.parse_transcript(body)
        seconds = transcript.seconds
        usage = None if seconds is None else Usage(units=Units(audio_ms=whole_ms(seconds)))
        return Reply(fields={}, usage=usage, transcript=transcript)

    def render_reply(self, asked: Asked, reply: Reply, cost_nusd: int | None, stamp: Stamp) -> bytes:
        """In the form that was asked for."""
        assert reply.transcript is not None  # noqa: S101 - parse_reply set it
        return render_transcript(reply.transcript, asked, cost_nusd)


def audio_lane(client: Dialect, known: Iterable[Dialect]) -> SpeechLane | None:
    """The lane to the first of a provider's dialects that a client's speech or transcription crosses to."""
    for target in known:
        if target.operation != client.operation:
            continue
        if client.name == SPEECH.name and isinstance(target, SpeechTarget):
            return SpeechLane(target, target)
        if client.name == TRANSCRIPTIONS.name and isinstance(target, TranscriptTarget):
            return TranscriptLane(target, target)
    return None


def _losses(asked: Asked, request: SpeechRequest | TranscriptRequest, target: Dialect) -> Loss:
    loss = Loss(drop=asked.drop_content)
    for name in foreign_fields(request.extras, NEUTRAL, target.family, ""):
        loss.setting(name)
    return loss
