"""Sounds as their containers begin, built by hand after the standards."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.dialects.durations import milliseconds


def chunk(name: bytes, data: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(data) if size is None else size) + data + b"\0" * (len(data) & 1)


def wav(
    seconds: float, *, size: int | None = None, kind: int = 1, rate: int = 32_000, first: bytes = b""
) -> bytes:
    form = chunk(b"fmt ", struct.pack("<HHIIHH", kind, 1, 16_000, rate, 2, 16))
    data = chunk(b"data", bytes(round(seconds * 32_000)), size)
    return b"RIFF\0\0\0\0WAVE" + first + form + data


def flac(samples: int, rate: int = 44_100) -> bytes:
    packed = (rate << 44 | 1 << 41 | 15 << 36 | samples).to_bytes(8, "big")
    return b"fLaC\0\0\0\x22" + bytes(10) + packed + bytes(16) + bytes(999)


def page(position: int, data: bytes) -> bytes:
    return b"OggS\0\0" + struct.pack("<qIII", position, 1, 0, 0) + b"\x01" + bytes([len(data)]) + data


def opus(seconds: float) -> bytes:
    head = b"OpusHead\x01\x01" + struct.pack("<HIhB", 312, 16_000, 0, 0)
    return page(0, head) + page(24_000, b"x" * 200) + page(round(seconds * 48_000) + 312, b"y" * 99)


def vorbis(seconds: int) -> bytes:
    head = b"\x01vorbis" + struct.pack("<IBI", 0, 2, 44_100) + bytes(14)
    return page(0, head) + page(seconds * 44_100, b"y" * 99)


def atom(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(data), name) + data


def m4a(seconds: int, *, wide: bool = False, behind: bool = True) -> bytes:
    if wide:
        mvhd = b"\x01\0\0\0" + struct.pack(">QQIQ", 0, 0, 1000, seconds * 1000)
    else:
        mvhd = b"\0\0\0\0" + struct.pack(">IIII", 0, 0, 44_100, seconds * 44_100)
    moov, mdat = atom(b"moov", atom(b"mvhd", mvhd)), atom(b"mdat", bytes(5000))
    large = struct.pack(">I4sQ", 1, b"free", 32) + bytes(16)
    return atom(b"ftyp", b"M4A \0\0\0\0") + large + (mdat + moov if behind else moov + mdat)


def webm(seconds: float, scale: int = 1_000_000) -> bytes:
    ticks = struct.pack(">d", seconds * 1_000_000_000 / scale)
    info = b"\x2a\xd7\xb1\x83" + scale.to_bytes(3, "big") + b"\x44\x89\x88" + ticks
    return b"\x1a\x45\xdf\xa3\x9f" + bytes(31) + info + bytes(2000)


def frame(bits: int = 5, *, tag: bytes = b"") -> bytes:
    """MPEG 1, layer III, 44.1 kHz; index 5 is 64 kbit/s."""
    size = 1152 * (0, 32, 40, 48, 56, 64, 80, 96, 112, 128)[bits] * 125 // 44_100
    body = bytes(32) + tag
    return bytes([0xFF, 0xFB, bits << 4, 0]) + body + bytes(max(0, size - 4 - len(body)))


def id3(data: bytes) -> bytes:
    return b"ID3\x04\0\0" + bytes([0, 0, len(data) >> 7, len(data) & 0x7F]) + data


XING = b"Xing" + struct.pack(">II", 1, 1000)
ONE_FRAME_MS = 1152 * 1000 / 44_100


@pytest.mark.parametrize(
    ("sound", "found"),
    [
        (wav(1.5), 1500),
        (wav(2, size=0xFFFFFFFF), 2000),
        (wav(2, size=0), 2000),
        (wav(2, kind=17, rate=16_000), 4000),
        (wav(1, first=chunk(b"LIST", b"odd")), 1000),
        (flac(44_100 * 7 + 1), 7001),
        (opus(12.25), 12_250),
        (vorbis(9), 9000),
        (m4a(61), 61_000),
        (m4a(61, wide=True, behind=False), 61_000),
        (webm(3.5), 3500),
        (webm(3.5, scale=1000), 3500),
        (id3(b"x" * 300) + frame(tag=XING) + frame() * 3, 26_123),
        (frame(tag=XING), 26_123),
        (frame(tag=b"Info" + bytes(8)) + frame() * 99, -(-len(frame()) * 100 // 8)),
        (frame() * 100, -(-len(frame()) * 100 // 8)),
    ],
)
def test_a_container_tells_how_long_it_is(sound: bytes, found: int) -> None:
    assert milliseconds(sound) == found


def test_a_constant_bitrate_is_as_long_as_its_frames() -> None:
    """These frames are without padding, and so up to a byte short of it."""
    assert (
        abs(milliseconds(id3(b"x" * 300) + frame() * 100) - 100 * ONE_FRAME_MS) < 0.005 * 100 * ONE_FRAME_MS
    )


def test_a_bitrate_that_changes_is_taken_for_the_lowest() -> None:
    sound = frame(5) + frame(1) + frame(9) * 50
    assert milliseconds(sound) == -(-len(sound) * 8 // 32)
    assert milliseconds(sound) >= 52 * ONE_FRAME_MS


@pytest.mark.parametrize(
    "sound",
    [
        b"",
        b"no sound",
        b"\xff\xf1 AAC has another head" * 9,
        b"RIFF",
        b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 1000,
        wav(1).replace(b"fmt ", b"FMT "),
        flac(0),
        page(0, b"\x80theora"),
        page(0, b"OpusHead\x01\x01" + struct.pack("<HIhB", 312, 16_000, 0, 0)),
        atom(b"ftyp", b"M4A ") + atom(b"free", b"") * 1000,
        atom(b"ftyp", b"M4A ") + struct.pack(">I4s", 0, b"mdat") + bytes(100),
        m4a(1).replace(b"mvhd", b"trak"),
        m4a(1).replace(struct.pack(">I", 44_100), bytes(4)),
        webm(float("nan")),
        webm(1).replace(b"\x44\x89", b"\x44\x88"),
        frame(0),
        frame(5)[:3],
    ],
)
def test_what_does_not_tell_is_no_longer_than_its_bytes_allow(sound: bytes) -> None:
    assert milliseconds(sound) == len(sound)


def test_a_head_that_is_absurd_is_bounded() -> None:
    assert milliseconds(m4a(1, wide=True).replace(struct.pack(">Q", 1000), b"\xff" * 8)) == 1_000_000_000


@given(
    st.sampled_from([wav(0.01), flac(5), opus(1), vorbis(1), m4a(1), webm(1), frame(tag=XING) + frame() * 2]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
    st.integers(0, 2000),
)
def test_nothing_a_client_sends_breaks_it(sound: bytes, changes: list[tuple[int, int]], size: int) -> None:
    garbled = bytearray(sound)
    for place, value in changes:
        garbled[place % len(garbled)] = value
    assert 0 <= milliseconds(bytes(garbled[:size])) <= 1_000_000_000
