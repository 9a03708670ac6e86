"""Vectors on the wire: as JSON numbers, or as base64 of little-endian 32-bit floats.

The second is OpenAI's `encoding_format: base64` as its SDKs read it (openai-python 3.52,
`resources/embeddings.py`, 2026-11-25).
"""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from math import isfinite

import msgspec

from waypost.core.embed import Vector
from waypost.dialects.taking import TEXT
from waypost.errors import Garbled

_NUMBERS: msgspec.json.Decoder[list[float]] = msgspec.json.Decoder(list[float])
#: What an array of numbers is made of, but for its brackets.
_DIGITS = b"0123456789+-.eE, \t\r\n"
_FLOAT_BYTES = 4


def read_vector(raw: msgspec.Raw) -> Vector:
    """An array of numbers, or base64. Raises Garbled for anything else."""
    text = bytes(raw)
    if text[:1] == b'"':
        return _read_base64(raw)
    # The JSON was checked already, and text of this alphabet in one pair of brackets can be nothing else.
    if text.translate(None, _DIGITS) != b"[]" or len(text.strip(b"[] \t\r\n")) == 0:
        raise _garbled()
    return Vector(numbers=raw)


def _read_base64(raw: msgspec.Raw) -> Vector:
    try:
        floats = b64decode(TEXT.decode(raw), validate=True)
    except ValueError:
        raise _garbled() from None
    if not floats or len(floats) % _FLOAT_BYTES:
        raise _garbled()
    return Vector(floats=floats)


def numbers_of(vector: Vector) -> msgspec.Raw:
    """A JSON array of numbers: as it came, or exactly what its floats are. Raises Garbled for floats that are none."""
    if vector.numbers is not None:
        return vector.numbers
    floats = vector.floats or b""
    values = struct.unpack(f"<{len(floats) // _FLOAT_BYTES}f", floats)
    if not all(map(isfinite, values)):
        raise _garbled()
    return msgspec.Raw(msgspec.json.encode(values))


def base64_of(vector: Vector) -> str:
    """Base64 of 32-bit floats: as they came, or the nearest to its numbers. Raises Garbled for numbers too large."""
    floats = vector.floats
    if floats is None:
        try:
            values = _NUMBERS.decode(vector.numbers or b"[]")
            floats = struct.pack(f"<{len(values)}f", *values)
        except (ValueError, OverflowError):
            raise _garbled() from None
    return b64encode(floats).decode()


def _garbled() -> Garbled:
    return Garbled(
        "The provider's answer has an embedding that is no list of numbers. Try again, or another model."
    )
