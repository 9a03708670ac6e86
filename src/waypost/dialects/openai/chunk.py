"""One event of an OpenAI stream, read as far as metering needs."""

from __future__ import annotations

import re

import msgspec

_EMPTY = frozenset({b"", b"null", b'""', b"[]", b"{}", b"false"})
#: Fields of a delta that carry nothing a reader would see.
_NOT_CONTENT = frozenset({"role", "name", "provider_specific_fields"})

_START = b"data: {"
_END = b"}\n\n"
_BETWEEN = b"}\n\ndata: {"
_TEXT = b'"content":"'
_BACKSLASH = 92
#: How often a stream's frame is learnt anew before that is given up.
_LESSONS = 4
# A usage, finish reason or error that is not null; an empty string; a CR, which is a line end of its own.
_RARE = re.compile(rb'"(?:"|(?:usage|finish_reason|error)"\s*:\s*(?!null)[^\s])')


#: A field that was not sent: `Raw | None` is no type that msgspec can decode.
ABSENT = msgspec.Raw()


class Choice(msgspec.Struct, gc=False):
    """One choice of a chunk. `delta` is chat's, `text` that of completions."""

    index: int = 0
    delta: dict[str, msgspec.Raw] | None = None
    text: str | None = None
    finish_reason: str | None = None

    def content_size(self) -> int:
        """Bytes of content in it; 0: none (a role, a ping, an end)."""
        if self.text:
            return len(self.text.encode())
        if not self.delta:
            return 0
        size = 0
        for name, raw in self.delta.items():
            if name not in _NOT_CONTENT:
                value = bytes(raw)
                if value not in _EMPTY:
                    size += max(1, len(value) - 2)
        return size


class Chunk(msgspec.Struct, gc=False):
    """One chunk. What is only passed on stays unread."""

    choices: list[Choice] | None = None
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT
    service_tier: msgspec.Raw = ABSENT
    id: msgspec.Raw = ABSENT
    object: msgspec.Raw = ABSENT
    created: msgspec.Raw = ABSENT
    model: msgspec.Raw = ABSENT

    def has_error(self) -> bool:
        """It carries an error that is not null."""
        return bytes(self.error) not in _EMPTY

    def has_usage(self) -> bool:
        """It carries a usage object."""
        return bytes(self.usage) not in _EMPTY


class Frame:
    """What the ordinary events of one stream have in common: all but the text between two quotes.

    Learnt from an event that `count_ordinary` has looked at, so that those after it need no second look: another text
    without a quote in the same place makes no other event of it.
    """

    __slots__ = ("_after", "_before", "_left", "_length", "_start")

    def __init__(self) -> None:
        self._before = self._after = b"\n"  # no event begins with it
        self._start = self._length = 1
        self._left = _LESSONS

    def learn(self, event: bytes) -> None:
        """Take the frame of an ordinary event. Only a few times: in some streams every event has another one."""
        start = event.find(_TEXT)
        if start < 0 or not self._left:
            return
        self._left -= 1
        start += len(_TEXT)
        end = event.find(b'"', start)
        self._before, self._after = event[:start], event[end:]
        self._start, self._length = start, len(event) - end

    def holds(self, event: bytes) -> bool:
        """Whether the event is in the frame, and so ordinary."""
        if not event.startswith(self._before) or not event.endswith(self._after):
            return False
        start, end = self._start, len(event) - self._length
        return (
            event.find(b'"', start) == end > start
            and event[end - 1] != _BACKSLASH
            and event.find(b"\n", start, end) < 0
            and event.find(b"\r", start, end) < 0
        )


def count_ordinary(chunk: bytes) -> int:
    """How many events `chunk` has when all of them are ordinary content deltas, else 0.

    Ordinary: whole events of one `data: {…}` line each and nothing between them, without a usage, a finish reason,
    an error or an empty string. Such bytes need no parsing: they are sent on as they are.
    """
    if not chunk.startswith(_START) or not chunk.endswith(_END):
        return 0
    if chunk.find(b"\n") == len(chunk) - 2:
        count = 1
    else:
        count = chunk.count(_BETWEEN) + 1
        if chunk.count(b"\n") != 2 * count:
            return 0
    if b"\r" in chunk or _RARE.search(chunk) is not None:
        return 0
    return count
