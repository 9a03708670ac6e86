"""The input file of a batch: checked once, then read a line at a time. Blocking; raises StoreUnavailable."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from pathlib import Path

import msgspec

from waypost.core.batch import Fault
from waypost.dialects.openai_batch.lines import InputLine, read_line
from waypost.errors import StoreUnavailable

#: Faults that are told of; a file with more is as wrong as one with these.
FAULTS_MAX = 100


class Limits(msgspec.Struct, frozen=True):
    """How large a file may be."""

    lines_max: int
    line_max_bytes: int


class Checked(msgspec.Struct, frozen=True):
    """An input file that was read through. A line's number counts from 1, empty lines included."""

    faults: tuple[Fault, ...]
    numbers: array[int]
    """Of the lines that hold a request."""
    offsets: array[int]
    """Where each of these begins."""
    by_custom_id: dict[str, int]
    """The number of each."""


#: For a file that was found good before: what may be now changes nothing about it.
UNLIMITED = Limits(lines_max=1 << 40, line_max_bytes=1 << 40)


def check_file(path: Path, endpoint: str, limits: Limits) -> Checked:
    """Read an input file through."""
    faults: list[Fault] = []
    numbers, offsets = array("Q"), array("Q")
    by_custom_id: dict[str, int] = {}
    if not path.exists():
        faults.append(Fault("missing_file", "The input file is gone."))
        return Checked(tuple(faults), numbers, offsets, by_custom_id)
    for number, offset, line in _lines(path, limits.line_max_bytes):
        if len(faults) >= FAULTS_MAX:
            break
        if len(numbers) >= limits.lines_max:
            faults.append(
                Fault("too_many_lines", f"A batch may have {limits.lines_max} lines. Split it.", number)
            )
            break
        if line is None:
            faults.append(Fault("line_too_large", f"A line may have {limits.line_max_bytes} bytes.", number))
            continue
        found = read_line(line, number, endpoint)
        if isinstance(found, Fault):
            faults.append(found)
        elif found.custom_id in by_custom_id:
            first = by_custom_id[found.custom_id]
            words = f"Line {first} has the same `custom_id`. Each line needs one of its own."
            faults.append(Fault("duplicate_custom_id", words, number, "custom_id"))
        else:
            by_custom_id[found.custom_id] = number
            numbers.append(number)
            offsets.append(offset)
    if not faults and not numbers:
        faults.append(Fault("empty_file", "The file holds no request."))
    return Checked(tuple(faults), numbers, offsets, by_custom_id)


def read_at(path: Path, number: int, offset: int, endpoint: str, limits: Limits) -> InputLine | Fault:
    """One line of a file that was checked; a fault when it is not any more what it was."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            line = file.readline(limits.line_max_bytes + 2)
    except OSError as error:
        raise _lost(error) from None
    return read_line(line, number, endpoint)


def _lines(path: Path, most: int) -> Iterator[tuple[int, int, bytes | None]]:
    """Number, offset and text of each line that is not empty; no text for one of more than `most` bytes."""
    offset = 0
    number = 0
    try:
        with path.open("rb") as file:
            while line := file.readline(most + 2):
                number += 1
                size, long = len(line), len(line.rstrip(b"\r\n")) > most
                while long and not line.endswith(b"\n") and (line := file.readline(most)):
                    size += len(line)
                if long:
                    yield number, offset, None
                elif line.strip():
                    yield number, offset, line
                offset += size
    except OSError as error:
        raise _lost(error) from None


def _lost(error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"The input file of a batch can not be read ({os.strerror(error.errno or 5)}). Check the data folder's disk.",
        retry_after_s=1.0,
    )
