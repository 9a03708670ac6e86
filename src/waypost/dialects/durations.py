"""How long a sound is, by the head of its container. Nothing is decoded, and a large file costs no more than a small
one.

RFC 2361 (WAV), RFC 9639 (FLAC), RFC 3533 and 7845 (Ogg, Opus), ISO 14496-12 (MP4), RFC 9559 (Matroska); MPEG's frames
as http://www.mp3-tech.org/programmer/frame_header.html has them (2026-11-26).

A head can be wrong, or made to be: what is held for a request goes by it, and what is billed by what the provider says.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from math import ceil
from typing import Annotated

import msgspec

#: A length as providers tell it.
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]

#: A longer sound is not believed: eleven days.
_MOST_MS = 1_000_000_000
#: Where nothing is known of it: 8 kbit/s, of which speech can hardly be told from noise.
_BYTES_PER_MS = 1

_OGG_TAIL = 65_536 + 512
_WEBM_HEAD = 4096
_FRAMES = 64
#: Parts of a container that are looked through for the one that tells.
_PARTS = 64
_ID3 = b"ID3"
#: kbit/s of layer III, by the index in a frame's head: MPEG 1, and MPEG 2 and 2.5.
_BITRATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_RATES = (44_100, 48_000, 32_000)


def milliseconds(sound: bytes) -> int:
    """The length as its container tells it, rounded up; else the most that so many bytes can be."""
    for begins, offset, read in _KINDS:
        if sound.startswith(begins, offset):
            try:
                found = read(sound)
            except (struct.error, IndexError, ZeroDivisionError, OverflowError):
                found = None
            if found is not None and found >= 0:
                return min(found, _MOST_MS)
            break
    return min(len(sound) * _BYTES_PER_MS, _MOST_MS)


def whole_ms(seconds: float) -> int:
    """Rounded up; what is less than a thousandth of a millisecond is the noise of a float."""
    return ceil(round(seconds * 1000, 3))


def _ms(count: int, per_second: int) -> int:
    return -(-count * 1000 // per_second)


def _wav(sound: bytes) -> int | None:
    at, per_second = 12, 0
    for _ in range(_PARTS):
        name, size = sound[at : at + 4], struct.unpack_from("<I", sound, at + 4)[0]
        if name == b"fmt ":
            kind, channels, frequency, rate, _, bits = struct.unpack_from("<HHIIHH", sound, at + 8)
            # What is not compressed says its size in every sample; the field for it is only needed for the rest.
            per_second = frequency * channels * bits // 8 if kind in (1, 3, 0xFFFE) else rate
        elif name == b"data":
            # A recorder that writes to a pipe does not know the size yet.
            left = len(sound) - at - 8
            return _ms(min(size or left, left), per_second)
        at += 8 + size + (size & 1)
    return None


def _flac(sound: bytes) -> int | None:
    packed = int.from_bytes(sound[18:26], "big")
    samples = packed & 0xF_FFFF_FFFF
    return _ms(samples, packed >> 44) if samples else None


def _ogg(sound: bytes) -> int | None:
    body = 27 + sound[26]
    if sound.startswith(b"OpusHead", body):
        rate, skipped = 48_000, struct.unpack_from("<H", sound, body + 10)[0]
    elif sound.startswith(b"\x01vorbis", body):
        rate, skipped = struct.unpack_from("<I", sound, body + 12)[0], 0
    else:
        return None
    last = sound.rfind(b"OggS", max(0, len(sound) - _OGG_TAIL))
    position = -1 if last < 0 else struct.unpack_from("<q", sound, last + 6)[0]
    return _ms(position - skipped, rate) if position >= skipped else None


def _mp4(sound: bytes) -> int | None:
    at = 0
    for _ in range(_PARTS):
        size, name = struct.unpack_from(">I4s", sound, at)
        head = 8
        if size == 1:
            size, head = struct.unpack_from(">Q", sound, at + 8)[0], 16
        if name == b"moov":
            return _mvhd(sound, at + head)
        if size < head:
            return None
        at += size
    return None


def _mvhd(sound: bytes, at: int) -> int | None:
    if sound[at + 4 : at + 8] != b"mvhd":
        return None
    form = ">IQ" if sound[at + 8] == 1 else ">II"
    per_second, length = struct.unpack_from(form, sound, at + (28 if form == ">IQ" else 20))
    return _ms(length, per_second)


def _webm(sound: bytes) -> int | None:
    head = sound[:_WEBM_HEAD]
    at = head.find(b"\x44\x89")
    if at < 0:  # a browser that records does not know it
        return None
    wide = head[at + 2] == 0x88
    length: float = struct.unpack_from(">d" if wide else ">f", head, at + 3)[0]
    scaled, scale = head.find(b"\x2a\xd7\xb1"), 1_000_000
    if scaled >= 0:
        size = head[scaled + 3] & 0x0F
        scale = int.from_bytes(head[scaled + 4 : scaled + 4 + size], "big")
    # Not a number, or no end of it, is no length.
    return -int(-length * scale // 1_000_000) if 0 <= length < _MOST_MS else None


def _mp3(sound: bytes) -> int | None:
    at = _behind_id3(sound)
    first = _frame(sound, at)
    if first is None:
        return None
    size, kbits, samples, rate = first
    for tag, skip in ((b"Xing", 8), (b"Info", 8), (b"VBRI", 14)):
        place = sound.find(tag, at, at + min(size, 256))
        # Xing's flags say whether there is a number of frames.
        if place >= 0 and (tag == b"VBRI" or sound[place + 7] & 1):
            frames = struct.unpack_from(">I", sound, place + skip)[0]
            return _ms(frames * samples, rate)
    lowest = kbits
    begin = at
    for _ in range(_FRAMES):
        at += size
        following = _frame(sound, at)
        if following is None:
            break
        size = following[0]
        lowest = min(lowest, following[1])
    if lowest != kbits:
        lowest = _BITRATES[0 if samples == 1152 else 1][1]
    return -(-(len(sound) - begin) * 8 // lowest)


def _behind_id3(sound: bytes) -> int:
    if not sound.startswith(_ID3) or len(sound) < 10:
        return 0
    size = 0
    for byte in sound[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _frame(sound: bytes, at: int) -> tuple[int, int, int, int] | None:
    """A frame's bytes, kbit/s, samples and sample rate; None where none begins."""
    if at + 4 > len(sound) or sound[at] != 0xFF or sound[at + 1] & 0xE6 != 0xE2:
        return None
    version, bits, rate = sound[at + 1] >> 3 & 3, sound[at + 2] >> 4, sound[at + 2] >> 2 & 3
    if version == 1 or bits in (0, 15) or rate == 3:
        return None
    older = version != 3
    kbits = _BITRATES[older][bits]
    frequency = _RATES[rate] >> (0, 1, 2)[(3, 2, 0).index(version)]
    samples = 576 if older else 1152
    return samples * kbits * 125 // frequency + (sound[at + 2] >> 1 & 1), kbits, samples, frequency


#: How a sound begins, where, and what reads it.
_KINDS: tuple[tuple[bytes, int, Callable[[bytes], int | None]], ...] = (
    (b"RIFF", 0, _wav),
    (b"fLaC", 0, _flac),
    (b"OggS", 0, _ogg),
    (b"ftyp", 4, _mp4),
    (b"\x1a\x45\xdf\xa3", 0, _webm),
    (_ID3, 0, _mp3),
    (b"\xff", 0, _mp3),
)
