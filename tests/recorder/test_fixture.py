from __future__ import annotations

import msgspec
import pytest

from recorder.taking import answered, asked, scrub, streamed
from waypost.recorder.fixture import Content, chunk_of, content_of, decode_fixture, encode_fixture


def test_it_is_read_as_it_was_written() -> None:
    fixture = scrub(asked({"a": 1.50}), streamed(b"data: \xc3", b"\xa9\n\n"))
    again = decode_fixture(encode_fixture(fixture))
    assert encode_fixture(again) == encode_fixture(fixture)
    assert again.response.data() == "data: é\n\n".encode()
    assert [chunk.base64 for chunk in again.response.chunks or ()] == ["ZGF0YTogww==", "qQoK"]


def test_numbers_stay_as_they_came() -> None:
    assert b"1.50" in encode_fixture(scrub(asked(b'{"a": 1.50}'), answered(b'{"b": 10.0}')))


def test_bytes() -> None:
    assert content_of(b"\xc3\xa9") == Content(text="é")
    assert content_of(b"\xff").data() == b"\xff"
    assert Content(size=3, sha256="x").data() is None
    assert chunk_of(5, b"\xff").data() == b"\xff"
    with pytest.raises(ValueError):
        Content(base64="!").data()


def test_another_version() -> None:
    text = encode_fixture(scrub(asked(), answered({})))
    with pytest.raises(msgspec.ValidationError, match="not 1"):
        decode_fixture(text.replace(b'"waypost_fixture": 1', b'"waypost_fixture": 2'))
