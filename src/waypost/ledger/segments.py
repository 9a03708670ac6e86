"""The format of the intents files: one record per line, `<crc32 of the rest> <kind> <json>`.

JSON never holds a raw line feed, so a line is a record and a record's number is its line's number, from 1. Files are
called `<number>.intents`; numbers only grow.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Final
from zlib import crc32

import msgspec

SUFFIX: Final = ".intents"
DAMAGED_SUFFIX: Final = ".damaged"


class Kind(Enum):
    """What a record says."""

    DISPATCH = b"D"
    """An attempt is about to be sent: `DispatchMark`."""
    CHECKPOINT = b"C"
    """What a running stream has used so far: `Checkpoint`."""
    SETTLED = b"S"
    """The end of an exchange: `Exchange`, without its content."""
    NOTE = b"N"
    """Nothing: written to learn whether the disk takes writes again."""

    # A member is only itself, and `Enum`'s own is written in Python: it cost more than the lookup.
    __hash__ = object.__hash__


#: Per kind: the form of its lines, and the check sum of what stands before the payload.
_STARTS: Final = {kind: (b"%%08x %b %%b\n" % kind.value, crc32(kind.value + b" ")) for kind in Kind}


class Segment:
    """One intents file of this process, with what keeps it from being deleted.

    `open` counts the attempts under way that have a mark or a checkpoint in it. `first` is how many settled records
    the process had appended before the file was begun, `settled` how many are in it: the journal has all of it once it
    has `first + settled`.
    """

    __slots__ = ("fd", "first", "name", "number", "open", "path", "records", "sealed", "settled", "size")

    def __init__(self, path: Path, number: int, fd: int, first: int) -> None:
        self.name = path.name
        self.path = path
        self.number = number
        self.fd = fd
        self.first = first
        self.size = 0
        self.records = 0
        self.settled = 0
        self.open = 0
        self.sealed = False


class Line(msgspec.Struct, frozen=True):
    """One line as read back. `kind` None: the line is damaged, and `payload` says nothing."""

    number: int
    kind: Kind | None
    payload: bytes
    last: bool
    """True for what follows the last line feed: a write that did not end."""


def render(kind: Kind, payload: bytes) -> bytes:
    """One line, with its line feed."""
    form, start = _STARTS[kind]
    return form % (crc32(payload, start), payload)


def parse(data: bytes) -> Iterator[Line]:
    """The lines of a whole file, damaged ones included."""
    start = number = 0
    end = len(data)
    while start < end:
        stop = data.find(b"\n", start)
        whole = stop >= 0
        if not whole:
            stop = end
        number += 1
        kind = _kind(data[start:stop]) if whole else None
        yield Line(number, kind, data[start + 11 : stop] if kind else b"", last=not whole)
        start = stop + 1


def checked(line: bytes) -> bytes:
    """The payload of a line without its line feed. Raises ValueError when it is not what was written."""
    if line[8:9] != b" " or line[10:11] != b" " or line[:8] != b"%08x" % crc32(line[9:]):
        raise ValueError("a damaged line")
    return line[11:]


def _kind(line: bytes) -> Kind | None:
    try:
        checked(line)
        return Kind(line[9:10])
    except ValueError:
        return None


def path_of(folder: Path, number: int) -> Path:
    """Where segment `number` lives."""
    return folder / f"{number:010d}{SUFFIX}"


def number_of(name: str) -> int | None:
    """The number in a segment's file name, damaged and set aside or not; None for any other name."""
    stem = name.removesuffix(DAMAGED_SUFFIX)
    if not stem.endswith(SUFFIX):
        return None
    digits = stem.removesuffix(SUFFIX)
    return int(digits) if digits.isdecimal() else None


def listed(folder: Path) -> list[Path]:
    """The segments of a folder, oldest first, without those set aside as damaged."""
    found = [entry for entry in os.listdir(folder) if entry.endswith(SUFFIX) and number_of(entry) is not None]
    return [folder / name for name in sorted(found, key=lambda name: number_of(name) or 0)]


def next_number(folder: Path, applied: dict[str, int]) -> int:
    """A number no segment has had, as far as the folder and the journal remember."""
    names = [*os.listdir(folder), *applied]
    return 1 + max((number_of(name) or 0 for name in names), default=0)
