from __future__ import annotations

import struct
from base64 import b64encode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.embed import Vector
from waypost.dialects.vectors import base64_of, numbers_of, read_vector
from waypost.errors import Garbled

FLOATS = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=64)


def packed(values: list[float]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(b64encode(struct.pack(f"<{len(values)}f", *values)).decode()))


@given(FLOATS)
def test_floats_to_base64_and_back_are_the_same(values: list[float]) -> None:
    vector = read_vector(msgspec.Raw(msgspec.json.encode(values)))
    text = base64_of(vector)
    again = read_vector(msgspec.Raw(msgspec.json.encode(text)))
    assert msgspec.json.decode(numbers_of(again)) == values
    assert base64_of(again) == text


@given(FLOATS)
def test_base64_to_numbers_and_back_is_the_same(values: list[float]) -> None:
    raw = packed(values)
    vector = read_vector(raw)
    again = read_vector(numbers_of(vector))
    assert msgspec.json.decode(raw) == base64_of(vector) == base64_of(again)


def test_numbers_pass_as_they_are_written() -> None:
    raw = msgspec.Raw(b"[0.10, -2e-3 ,\n7]")
    assert numbers_of(read_vector(raw)) is raw


def test_base64_is_little_endian() -> None:
    assert base64_of(Vector(numbers=msgspec.Raw(b"[1,-0.5]"))) == "AACAPwAAAL8="
    assert bytes(numbers_of(read_vector(msgspec.Raw(b'"AACAPwAAAL8="')))) == b"[1.0,-0.5]"


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"[ ]",
        b"[[1]]",
        b"[null]",
        b"[true]",
        b'["a"]',
        b"{}",
        b"7",
        b"null",
        b'""',
        b'"AAA"',
        b'"AAAA"',
        b'"*"',
    ],
)
def test_what_is_no_vector(raw: bytes) -> None:
    with pytest.raises(Garbled):
        read_vector(msgspec.Raw(raw))


def test_numbers_that_are_too_large_for_base64() -> None:
    with pytest.raises(Garbled):
        base64_of(Vector(numbers=msgspec.Raw(b"[1e300]")))


def test_floats_that_json_has_no_word_for() -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(Garbled):
            numbers_of(Vector(floats=struct.pack("<f", value)))
