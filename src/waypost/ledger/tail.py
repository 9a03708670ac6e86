"""Follows the intents files as they grow, record by record, from where the journal has them.

A file ends where the last line feed is: what stands behind it is a write under way, or one that a full disk cut and
that the gateway cuts off. A newer file is begun before the older one is left, so an older file that has been read to
its end after a newer one was seen gets no more.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from waypost.core.record import Exchange
from waypost.ledger.segments import Kind, checked, listed, number_of

_READ_BYTES: Final = 512 * 1024
_SETTLED: Final = Kind.SETTLED.value
#: Their check sums are of no interest here: only recovery reads these.
_OTHERS: Final = frozenset(kind.value for kind in Kind if kind is not Kind.SETTLED)


class Piece(msgspec.Struct):
    """The settled records of one stretch of one segment."""

    segment: str
    number: int
    """Of the segment."""
    upto: int
    """The last record of the stretch, whatever its kind."""
    handled: int
    """Settled records of the segment up to there, those that the journal had before included."""
    settled: list[tuple[int, Exchange]]
    """Those that the journal lacks, each with its record number."""
    damaged: list[int]
    """Record numbers of lines that can not be read."""
    more: bool
    """There is more behind it; else it was all that there was when it was read."""


class Tail:
    """Reads one folder. Raises OSError when a file can not be read."""

    def __init__(self, folder: Path, applied: Mapping[str, int]) -> None:
        self._folder = folder
        self._applied = applied
        self._decode = msgspec.json.Decoder(Exchange).decode
        self._fd = -1
        self._name = ""
        self._number = -1
        self._offset = 0
        self._records = 0
        self._handled = 0

    def read(self) -> Piece | None:
        """The next stretch, at most about 512 KB; None when there is no whole record that was not read."""
        data, whole = self._rest()
        while not data:
            newer = self._newer()
            if newer is None:
                return None
            data, whole = self._rest()  # after the newer file was seen: what was written in between
            if not data:
                self._turn_to(newer)
                data, whole = self._rest()
        return self._taken(data, whole and self._newer() is None)

    def close(self) -> None:
        """Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _rest(self) -> tuple[bytes, bool]:
        """Whole lines that were not read, up to a bound; and whether that is all that the file has now."""
        if self._fd < 0:
            return b"", True
        size = _READ_BYTES
        while True:
            data = os.pread(self._fd, size, self._offset)
            end = data.rfind(b"\n") + 1
            if end or len(data) < size:
                return data[:end], len(data) < size
            size *= 2  # one line is longer than that

    def _newer(self) -> Path | None:
        for path in listed(self._folder):
            number = number_of(path.name)
            if number is not None and number > self._number:
                return path
        return None

    def _turn_to(self, path: Path) -> None:
        self.close()
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._name = path.name
        self._number = number_of(path.name) or 0
        self._offset = self._records = self._handled = 0

    def _taken(self, data: bytes, last: bool) -> Piece:
        applied = self._applied.get(self._name, 0)
        settled: list[tuple[int, Exchange]] = []
        damaged: list[int] = []
        number, handled = self._records, self._handled
        for line in data[:-1].split(b"\n"):
            number += 1
            kind = line[9:10]
            if kind == _SETTLED:
                handled += 1
                if number > applied:
                    try:
                        settled.append((number, self._decode(checked(line))))
                    except ValueError:  # msgspec's DecodeError is one
                        damaged.append(number)
            elif kind not in _OTHERS:
                damaged.append(number)
        self._offset += len(data)
        self._records, self._handled = number, handled
        return Piece(self._name, self._number, number, handled, settled, damaged, not last)
