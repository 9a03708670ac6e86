"""Bodies and streams as texts that can be exchanged, and where the cuts of a stream lie afterwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import msgspec

from waypost.dialects.bedrock_converse.eventstream import Frame, decode_frame, encode_frame
from waypost.errors import Garbled
from waypost.recorder.literals import Slot, literals

_LINE = re.compile(r"[^\r\n]+")
_NAMING = ("event:", "retry:")


class Edit(msgspec.Struct, frozen=True):
    """Bytes `start` to `end` of the old document became `new`."""

    start: int
    end: int
    new: bytes


class Document(Protocol):
    """Something that holds texts."""

    @property
    def slots(self) -> Sequence[Slot]:
        """In order."""
        ...

    def edits(self, texts: Sequence[str]) -> list[Edit]:
        """What changes when each slot holds the text of the same place in `texts`."""
        ...


class TextDocument:
    """A text with slots in it: JSON, server-sent events, or one slot that is all of it."""

    __slots__ = ("_text", "slots")

    def __init__(self, text: str, slots: Sequence[Slot]) -> None:
        self._text = text
        self.slots: Sequence[Slot] = slots

    def edits(self, texts: Sequence[str]) -> list[Edit]:
        made: list[Edit] = []
        at = size = 0
        for slot, new in zip(self.slots, texts, strict=True):
            if new == slot.text:
                continue
            start = size + len(self._text[at : slot.start].encode())
            end = start + len(self._text[slot.start : slot.end].encode())
            made.append(Edit(start, end, slot.render(new).encode()))
            at, size = slot.end, end
        return made


class FrameDocument:
    """Amazon's event stream: each message is written anew, with its checksums, when a text of it changes."""

    __slots__ = ("_frames", "slots")

    def __init__(self, raw: bytes) -> None:
        """Raises Garbled."""
        self._frames: list[tuple[int, int, Frame, TextDocument]] = []
        at = 0
        while at < len(raw):
            end = at + max(16, int.from_bytes(raw[at : at + 4], "big"))
            frame = decode_frame(raw[at:end])
            self._frames.append((at, end, frame, text_document(frame.payload.decode("utf-8", "replace"))))
            at = end
        self.slots: Sequence[Slot] = [slot for _, _, _, inner in self._frames for slot in inner.slots]

    def edits(self, texts: Sequence[str]) -> list[Edit]:
        made: list[Edit] = []
        at = 0
        for start, end, frame, inner in self._frames:
            count = len(inner.slots)
            changes = inner.edits(texts[at : at + count])
            at += count
            if changes:
                made.append(Edit(start, end, encode_frame(frame.headers, apply(frame.payload, changes))))
        return made


def text_document(text: str) -> TextDocument:
    """JSON, or a text that is all one slot."""
    found = literals(text)
    if found is None:
        found = [Slot(text, 0, len(text), quoted=False)] if text else []
    return TextDocument(text, found)


def event_document(text: str) -> TextDocument:
    """Server-sent events: the texts in their data, and whatever else their lines say."""
    slots: list[Slot] = []
    for line in _LINE.finditer(text):
        name, _, data = line[0].partition(":")
        inside = None
        if name == "data":
            inside = literals(data, line.end() - len(data))
        if inside is not None:
            slots += inside
        elif not line[0].startswith(_NAMING):
            slots.append(Slot(line[0], line.start(), line.end(), quoted=False))
    return TextDocument(text, slots)


def stream_document(raw: bytes, content_type: str) -> Document | None:
    """The texts of a stream; None when its bytes are of no form that is known."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == "application/vnd.amazon.eventstream":
            return FrameDocument(raw)
        return event_document(raw.decode())
    except (Garbled, UnicodeDecodeError):
        return None


def apply(raw: bytes, edits: Sequence[Edit]) -> bytes:
    """The document after its edits."""
    parts: list[bytes] = []
    at = 0
    for edit in edits:
        parts += (raw[at : edit.start], edit.new)
        at = edit.end
    return b"".join((*parts, raw[at:]))


def cut(raw: bytes, edits: Sequence[Edit], sizes: Sequence[int]) -> list[bytes]:
    """The edited document in as many pieces as the old one came in, cut at the same places; `sizes` are those of the
    old pieces. A cut inside of what changed moves no further than it has to."""
    new = apply(raw, edits)
    pieces: list[bytes] = []
    at = place = 0
    for size in sizes:
        place += size
        end = _moved(raw, edits, place)
        pieces.append(new[at:end])
        at = end
    return pieces


def _moved(raw: bytes, edits: Sequence[Edit], place: int) -> int:
    shift = 0
    for edit in edits:
        if place <= edit.start:
            break
        if place >= edit.end:
            shift += len(edit.new) - (edit.end - edit.start)
            continue
        return edit.start + shift + _inside(raw[edit.start : edit.end], edit.new, place - edit.start)
    return place + shift


def _inside(old: bytes, new: bytes, place: int) -> int:
    """Where a cut at `place` of the old bytes lies in the new ones: at the same bytes where both have them."""
    least = min(len(old), len(new))
    head = next((at for at in range(least) if old[at] != new[at]), least)
    tail = next((at for at in range(least - head) if old[-1 - at] != new[-1 - at]), least - head)
    if place <= head:
        return place
    if place >= len(old) - tail:
        return len(new) - (len(old) - place)
    return max(head, min(place, len(new) - tail))
