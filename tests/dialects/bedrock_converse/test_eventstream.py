from __future__ import annotations

import struct
from binascii import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waypost.dialects.bedrock_converse.eventstream import (
    BYTE,
    BYTES,
    FALSE,
    INTEGER,
    LONG,
    SHORT,
    STRING,
    TIMESTAMP,
    TRUE,
    UUID,
    Frame,
    FrameSplitter,
    Header,
    decode_frame,
    encode_frame,
)
from waypost.errors import Garbled

name = st.text(min_size=1, max_size=12)
header = st.one_of(
    st.builds(Header, name, st.text(max_size=20), st.just(STRING)),
    st.builds(Header, name, st.binary(max_size=20), st.just(BYTES)),
    st.builds(Header, name, st.just(True), st.just(TRUE)),
    st.builds(Header, name, st.just(False), st.just(FALSE)),
    st.builds(Header, name, st.integers(-128, 127), st.just(BYTE)),
    st.builds(Header, name, st.integers(-(2**15), 2**15 - 1), st.just(SHORT)),
    st.builds(Header, name, st.integers(-(2**31), 2**31 - 1), st.just(INTEGER)),
    st.builds(Header, name, st.integers(-(2**63), 2**63 - 1), st.sampled_from([LONG, TIMESTAMP])),
    st.builds(Header, name, st.binary(min_size=16, max_size=16), st.just(UUID)),
)
frame = st.builds(Frame, st.lists(header, max_size=4).map(tuple), st.binary(max_size=60))


@settings(deadline=None)
@given(frame)
def test_a_message_there_and_back(message: Frame) -> None:
    assert decode_frame(encode_frame(message.headers, message.payload)) == message


@settings(deadline=None)
@given(st.lists(frame, max_size=4), st.lists(st.integers(0, 5000), max_size=8))
def test_any_split_gives_the_same_messages(messages: list[Frame], cuts: list[int]) -> None:
    raws = [encode_frame(message.headers, message.payload) for message in messages]
    stream = b"".join(raws)
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    splitter = FrameSplitter()
    found = [raw for i in range(len(edges) - 1) for raw in splitter.feed(stream[edges[i] : edges[i + 1]])]
    assert found == raws
    assert splitter.flush() == b""
    assert not splitter.overflow


@settings(deadline=None)
@given(frame, st.data())
def test_a_flipped_bit_is_always_seen(message: Frame, data: st.DataObject) -> None:
    raw = bytearray(encode_frame(message.headers, message.payload))
    at = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[at // 8] ^= 1 << at % 8
    with pytest.raises(Garbled):
        decode_frame(bytes(raw))


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_garbled(raw: bytes) -> None:
    splitter = FrameSplitter()
    for found in splitter.feed(raw):
        with pytest.raises(Garbled):
            decode_frame(found)


def test_a_bad_prelude_is_handed_out_and_ends_the_stream() -> None:
    splitter = FrameSplitter()
    good = encode_frame((Header("a", "b"),), b"x")
    assert splitter.feed(good + b"<html>not a stream</html>" + good) == [good, b"<html>not a "]
    assert splitter.feed(good) == []


def test_a_message_over_the_cap() -> None:
    splitter = FrameSplitter(cap=64)
    raw = encode_frame((), b"x" * 60)
    assert splitter.feed(raw[:12]) == []
    assert splitter.overflow
    assert splitter.feed(raw[12:]) == []


def test_lengths_that_lie() -> None:
    prelude = struct.pack("!II", 20, 9)
    raw = prelude + struct.pack("!I", crc32(prelude)) + b"\0" * 4
    raw += struct.pack("!I", crc32(raw))
    assert len(raw) == 20
    with pytest.raises(Garbled, match="lengths"):
        decode_frame(raw)
    assert FrameSplitter().feed(raw) == [raw[:12]]


@pytest.mark.parametrize(
    "head", [b"\x01a\x0a", b"\x05a", b"\x01a\x07\x00\x09b", b"\x01\xff\x00", b"\x01a\x04\x00"]
)
def test_headers_that_can_not_be_read(head: bytes) -> None:
    prelude = struct.pack("!II", 16 + len(head), len(head))
    raw = prelude + struct.pack("!I", crc32(prelude)) + head
    raw += struct.pack("!I", crc32(raw))
    with pytest.raises(Garbled):
        decode_frame(raw)


def test_what_has_no_room_is_refused() -> None:
    for bad in (Header("", "x"), Header("x" * 256, "x"), Header("a", 3, BYTES), Header("a", "x" * 200_000)):
        with pytest.raises((ValueError, struct.error)):
            encode_frame((bad,), b"")


def test_the_text_of_a_header() -> None:
    message = Frame((Header("a", 1, INTEGER), Header("b", "x")), b"")
    assert (message.text("b"), message.text("a"), message.text("c")) == ("x", "", "")
