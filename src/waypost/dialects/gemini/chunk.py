"""One answer, or one event of a stream, read as far as metering needs."""

from __future__ import annotations

import msgspec

_EMPTY = frozenset({b"", b"null", b'""', b"[]", b"{}"})
#: Fields of a part that carry nothing a reader would see.
_NOT_CONTENT = frozenset({"thought", "thoughtSignature", "partMetadata"})
#: The reason of a candidate that has not ended yet.
_UNSET = "FINISH_REASON_UNSPECIFIED"
#: A field that was not sent: `Raw | None` is no type that msgspec can decode.
ABSENT = msgspec.Raw()
_TEXT = b'"text"'


class Content(msgspec.Struct, gc=False):
    """Parts stay unread but for their size."""

    parts: list[dict[str, msgspec.Raw]] | None = None


class Candidate(msgspec.Struct, rename="camel", gc=False):
    """One answer of a chunk."""

    index: int = 0
    content: Content | None = None
    finish_reason: str | None = None

    def content_size(self) -> int:
        """Bytes of content in it; 0: none (a signature, an end)."""
        size = 0
        for part in (self.content and self.content.parts) or ():
            for name, raw in part.items():
                if name not in _NOT_CONTENT and bytes(raw) not in _EMPTY:
                    size += max(1, len(bytes(raw)) - 2)
        return size

    def ended(self) -> bool:
        """It has a finish reason."""
        return bool(self.finish_reason) and self.finish_reason != _UNSET


class Feedback(msgspec.Struct, rename="camel", gc=False):
    """What was found in the prompt."""

    block_reason: str | None = None


class Chunk(msgspec.Struct, rename="camel", gc=False):
    """One `GenerateContentResponse`. What is only passed on stays unread."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT

    def has_error(self) -> bool:
        """It carries an error that is not null."""
        return bytes(self.error) not in _EMPTY

    def has_usage(self) -> bool:
        """It carries a usage object."""
        return bytes(self.usage_metadata) not in _EMPTY

    def finish_reason(self) -> str | None:
        """Why the first candidate ended, or why there is none: the prompt was blocked."""
        for candidate in self.candidates or ():
            if candidate.index == 0 and candidate.ended():
                return candidate.finish_reason
        feedback = self.prompt_feedback
        return feedback.block_reason if feedback is not None and not self.candidates else None


CHUNK = msgspec.json.Decoder(Chunk)


def is_ordinary(raw: bytes) -> bool:
    """Whether an event is one line of data with a text in it and nothing that has to be read: no end, no error, no
    empty text. Such bytes need no parsing, they are sent on as they are. Each search is one pass of `memmem`."""
    return (
        raw.startswith(b"data: {")
        and raw.endswith(b"}\n\n")
        and raw.find(b"\n") == len(raw) - 2
        and _TEXT in raw
        and b'"finishReason"' not in raw
        and b'""' not in raw
        and b'"error"' not in raw
        and b'"promptFeedback"' not in raw
        and b"\r" not in raw
    )
