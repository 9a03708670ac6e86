"""Server-sent events, sans-io. Rules: https://html.spec.whatwg.org/multipage/server-sent-events.html (2026-11-21)."""

from __future__ import annotations

import re

import msgspec

from waypost.errors import Garbled

#: Bytes of one event, its line ends included, that are still taken for an event.
EVENT_CAP = 1024 * 1024

_BOM = b"\xef\xbb\xbf"
_CR = 13
# The end of a line and a blank line after it. Atomic, so that one CRLF is never read as two line ends. After a bare
# CR only another CR is a border: `\r\r\n` then leaves its LF to the next event, however the bytes were split.
_BORDER = re.compile(rb"\r\n(?>\r\n|\r|\n)|\n(?>\r\n|\r|\n)|\r\r")
_LINE_END = re.compile(rb"\r\n|\r|\n")


class SseEvent(msgspec.Struct, frozen=True, gc=False):
    """One event. `raw` has every byte of it, the closing blank line included."""

    raw: bytes
    event: str | None = None
    data: bytes | None = None
    """The data lines joined by LF; None when there was none (a comment, a ping)."""
    event_id: str | None = None
    retry_ms: int | None = None
    comment: bool = False
    """Nothing but comments and blank lines."""


class EventSplitter:
    """Cuts a byte stream into whole events, in time linear in its length, however it is split."""

    __slots__ = ("_cap", "_scan", "_started", "buffer", "overflow")

    def __init__(self, cap: int = EVENT_CAP) -> None:
        #: Bytes of an unfinished event; read it, do not change it.
        self.buffer = bytearray()
        self._scan = 0
        self._cap = cap
        self._started = False
        #: An event went over the cap: nothing more will be returned.
        self.overflow = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that this chunk completes, each as its raw bytes. A leading byte-order mark is left out."""
        if self.overflow:
            return []
        buffer = self.buffer
        size = len(chunk)
        if (
            self._started
            and not buffer
            and chunk.find(b"\n\n") == size - 2
            and 2 <= size <= self._cap
            and b"\r" not in chunk
        ):
            return [chunk]  # one whole event, as a provider that flushes each one sends it
        buffer += chunk
        if not self._started:
            if len(buffer) < 3 and _BOM.startswith(buffer):
                return []
            self._started = True
            if buffer.startswith(_BOM):
                del buffer[:3]
        return self._cut(buffer)

    def _cut(self, buffer: bytearray) -> list[bytes]:
        events: list[bytes] = []
        start = 0
        ends = [found.end() for found in _BORDER.finditer(buffer, self._scan)]
        # A CR at the very end may be half of a CRLF: wait for the next byte.
        if ends and ends[-1] == len(buffer) and buffer[-1] == _CR and buffer[-2:] != b"\r\r":
            ends.pop()
        for end in ends:
            if end - start > self._cap:
                break
            events.append(bytes(buffer[start:end]))
            start = end
        if start:
            del buffer[:start]
        if (ends and start != ends[-1]) or len(buffer) > self._cap:
            self.overflow = True
            buffer.clear()
        self._scan = max(0, len(buffer) - 3)
        return events

    def flush(self) -> bytes:
        """At the end of the stream: the bytes of an event that had no blank line after it, or b""."""
        rest = bytes(self.buffer)
        self.buffer.clear()
        self._scan = 0
        return rest


def parse_event(raw: bytes) -> SseEvent:
    """Reads the fields of one event; unknown fields are ignored."""
    data: list[bytes] = []
    event = event_id = retry = None
    fields = False
    for line in raw.split(b"\n") if b"\r" not in raw else _LINE_END.split(raw):
        if not line:
            continue
        name, _, value = line.partition(b":")
        if not name:
            continue
        fields = True
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            event_id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit() and len(value) < 12:
            retry = int(value)
    joined = (data[0] if len(data) == 1 else b"\n".join(data)) if data else None
    return SseEvent(raw, event, joined, event_id, retry, not fields)


class SseParser:
    """Bytes to events. Empty events (blank lines alone) are left out; comments are kept."""

    __slots__ = ("_splitter",)

    def __init__(self, cap: int = EVENT_CAP) -> None:
        self._splitter = EventSplitter(cap)

    @property
    def pending(self) -> bool:
        """Whether bytes of an unfinished event wait for the rest of it."""
        return bool(self._splitter.buffer)

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Raises Garbled for an event over the cap, once the events before it were handed out."""
        events = [parse_event(raw) for raw in self._splitter.feed(chunk)]
        if self._splitter.overflow and not events:
            raise Garbled(
                "The provider sent a stream event over the size limit. Try again, or another model."
            )
        return [event for event in events if event.raw.strip(b"\r\n")]


def render(data: bytes, event: str | None = None) -> bytes:
    """One event; `data` may have several lines."""
    head = f"event: {event}\n".encode() if event else b""
    if b"\n" in data or b"\r" in data:
        data = b"\ndata: ".join(_LINE_END.split(data))
    return head + b"data: " + data + b"\n\n"
