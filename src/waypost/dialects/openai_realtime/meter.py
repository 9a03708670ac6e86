"""Counts what a session uses, beside its events. No I/O, no prices.

A provider reports at the end of each response. For one that has not ended, what was delivered is counted: a token per
piece of text, and sound by its length. Sound is PCM of 24 kHz and 16 bit, 20 tokens a second from the model and 10 from
the client, unless another format was agreed: https://platform.openai.com/docs/guides/realtime-costs (2026-11-25).
"""

from __future__ import annotations

import msgspec

from waypost.core.usage import Usage, sum_usage
from waypost.dialects.openai.estimate import IMAGE_TOKENS
from waypost.dialects.openai_realtime.events import Sent, transcriber_of
from waypost.dialects.openai_realtime.usage import parse_usage

#: Characters of base64 for one token of sound: 48,000 bytes are a second.
_MADE_PER_TOKEN = 3200
_HEARD_PER_TOKEN = 6400
#: Bytes of any other JSON for one token.
_TEXT_PER_TOKEN = 4
#: Responses under way in one session, which providers bound to fewer. Further ones are counted when they report.
_OPEN_MAX = 64

_HEARD = "input_audio_buffer.append"
_ITEM = "conversation.item.create"
_TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
_SESSIONS = frozenset(
    ("session.created", "session.updated", "transcription_session.created", "transcription_session.updated")
)


class _Response(msgspec.Struct):
    id: str | None = None
    usage: msgspec.Raw = msgspec.Raw()


class _Typed(msgspec.Struct):
    type: str


class _Responded(msgspec.Struct):
    response: _Response


class _Delta(msgspec.Struct):
    response_id: str
    delta: str


class _Transcribed(msgspec.Struct):
    usage: msgspec.Raw = msgspec.Raw()


class _Session(msgspec.Struct):
    session: msgspec.Raw


class _Part(msgspec.Struct):
    audio: msgspec.Raw = msgspec.Raw()
    image_url: msgspec.Raw = msgspec.Raw()


class _Item(msgspec.Struct):
    content: list[_Part] = []


class _Created(msgspec.Struct):
    item: _Item


_TYPED = msgspec.json.Decoder(_Typed)
_RESPONDED = msgspec.json.Decoder(_Responded)
_DELTA = msgspec.json.Decoder(_Delta)
_TRANSCRIPTION = msgspec.json.Decoder(_Transcribed)
_SESSION = msgspec.json.Decoder(_Session)
_CREATED = msgspec.json.Decoder(_Created)


class Used(msgspec.Struct, frozen=True):
    """One report. `transcription`: it is not of the session's model, but of the one that transcribes what is heard."""

    usage: Usage
    transcription: bool = False


class Meter:
    """Of one session. Feed it every event, both ways."""

    __slots__ = ("_asked", "_heard", "_open", "context", "deltas", "transcriber")

    def __init__(self) -> None:
        self._open: dict[str, list[int]] = {}
        #: Responses that were asked for and have neither begun nor been refused.
        self._asked = 0
        #: Sound that makes no whole token yet: it comes in pieces that are shorter than one.
        self._heard = 0
        #: An estimate of the input tokens that the next response begins with.
        self.context = 0
        #: Pieces of content so far.
        self.deltas = 0
        #: The model that transcribes what is heard, as the provider names it.
        self.transcriber: str | None = None

    @property
    def open(self) -> tuple[str, ...]:
        """Ids of the responses that have begun and not ended."""
        return tuple(self._open)

    @property
    def busy(self) -> bool:
        """Something is under way, or about to be, that has yet to be reported."""
        return bool(self._open) or self._asked > 0

    def sent(self, event: Sent) -> None:
        """An event went to the provider."""
        if event.type == _HEARD:
            tokens, self._heard = divmod(self._heard + len(event.data), _HEARD_PER_TOKEN)
            self.context += tokens
            return
        self.context += (
            _item_tokens(event.data) if event.type == _ITEM else len(event.data) // _TEXT_PER_TOKEN
        )
        if event.type == "response.create":
            self._asked += 1

    def read(self, data: bytes) -> Used | None:
        """An event of the provider's; what it reports. One that can not be read says nothing."""
        try:
            kind = _TYPED.decode(data).type
            if kind.endswith(".delta"):
                if kind.startswith("response."):
                    self._count(kind, _DELTA.decode(data))
            elif kind == "error":
                # It may be about something else: then one response too few is waited for, and none is lost that began.
                self._asked = max(0, self._asked - 1)
            elif kind == "response.created":
                self._asked = max(0, self._asked - 1)
                self._begin(_RESPONDED.decode(data).response)
            elif kind == "response.done":
                return self._done(_RESPONDED.decode(data).response)
            elif kind == _TRANSCRIBED:
                usage = parse_usage(_TRANSCRIPTION.decode(data).usage)
                return None if usage is None else Used(usage, transcription=True)
            elif kind in _SESSIONS:
                self.transcriber = transcriber_of(_SESSION.decode(data).session) or self.transcriber
        except (ValueError, RecursionError):
            return None
        return None

    def partial(self) -> Usage | None:
        """What responses that have not ended have used by now, as far as it can be counted; None when there are
        none that delivered anything."""
        found: Usage | None = None
        for text, sound in self._open.values():
            if text or sound:
                made = self._estimate(text, sound)
                found = made if found is None else sum_usage(found, made)
        return found

    def _begin(self, response: _Response) -> None:
        if response.id is not None and len(self._open) < _OPEN_MAX:
            self._open[response.id] = [0, 0]

    def _count(self, kind: str, piece: _Delta) -> None:
        self.deltas += 1
        counts = self._open.get(piece.response_id)
        if counts is None:
            return
        if kind.endswith("audio.delta"):
            counts[1] += len(piece.delta)
        else:
            counts[0] += 1

    def _done(self, response: _Response) -> Used | None:
        text, sound = self._open.pop(response.id or "", (0, 0))
        usage = parse_usage(response.usage)
        if usage is None:
            if not (text or sound):
                return None
            usage = self._estimate(text, sound)
        self.context = usage.input + usage.output
        return Used(usage)

    def _estimate(self, text: int, sound: int) -> Usage:
        heard = -(-sound // _MADE_PER_TOKEN)
        return Usage(input=self.context, output=text + heard, audio_output=heard, source="partial")


def _item_tokens(data: bytes) -> int:
    """Of an item that the client adds: its sound by its length, a picture as one, the rest as text."""
    try:
        parts = _CREATED.decode(data).item.content
    except (ValueError, RecursionError):
        return len(data) // _TEXT_PER_TOKEN
    sound = sum(len(bytes(part.audio)) for part in parts)
    pictures = [len(bytes(part.image_url)) for part in parts if bytes(part.image_url)]
    text = len(data) - sound - sum(pictures)
    return sound // _HEARD_PER_TOKEN + len(pictures) * IMAGE_TOKENS + text // _TEXT_PER_TOKEN
