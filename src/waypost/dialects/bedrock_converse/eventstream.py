"""AWS's binary event stream, sans-io: `application/vnd.amazon.eventstream`.

One message is a prelude (its length, the length of its headers, a CRC-32 of both), the headers, the payload and a
CRC-32 of all that; numbers are big-endian.
https://smithy.io/2.0/aws/amazon-eventstream.html (2026-11-25).
"""

from __future__ import annotations

import struct
from binascii import crc32
from collections.abc import Sequence
from typing import Final

import msgspec

from waypost.errors import Garbled

CONTENT_TYPE: Final = b"application/vnd.amazon.eventstream"
#: Bytes of one message; the format's own limit is 24 MiB of payload.
FRAME_CAP: Final = 16 * 1024 * 1024
#: Bytes of the headers of one message.
HEADERS_CAP: Final = 128 * 1024

_PRELUDE: Final = 12
_LEAST: Final = 16
_HEAD: Final = struct.Struct("!III")
_CRC: Final = struct.Struct("!I")
_SIZE: Final = struct.Struct("!H")

TRUE, FALSE, BYTE, SHORT, INTEGER, LONG, BYTES, STRING, TIMESTAMP, UUID = range(10)
#: Kinds of a fixed size, as numbers.
_NUMBERS: Final = {
    BYTE: struct.Struct("!b"),
    SHORT: struct.Struct("!h"),
    INTEGER: struct.Struct("!i"),
    LONG: struct.Struct("!q"),
    TIMESTAMP: struct.Struct("!q"),
}
_UUID_SIZE: Final = 16


class Header(msgspec.Struct, frozen=True, gc=False):
    """One header. `kind` is the number of its type on the wire; a timestamp is in Unix milliseconds, a UUID its 16
    bytes."""

    name: str
    value: bool | int | str | bytes
    kind: int = STRING


class Frame(msgspec.Struct, frozen=True):
    """One message."""

    headers: tuple[Header, ...]
    payload: bytes

    def text(self, name: str) -> str:
        """The value of a text header, or ""."""
        for header in self.headers:
            if header.name == name and isinstance(header.value, str):
                return header.value
        return ""


def encode_frame(headers: Sequence[Header], payload: bytes) -> bytes:
    """One message. Raises ValueError for what the format has no room for."""
    head = b"".join(map(_encode_header, headers))
    total = _LEAST + len(head) + len(payload)
    if len(head) > HEADERS_CAP or total > FRAME_CAP:
        raise ValueError("the message is over the size limit")
    prelude = struct.pack("!II", total, len(head))
    message = b"".join((prelude, _CRC.pack(crc32(prelude)), head, payload))
    return message + _CRC.pack(crc32(message))


def _encode_header(header: Header) -> bytes:
    name = header.name.encode()
    if not 0 < len(name) < 256:
        raise ValueError("a header's name has to have 1 to 255 bytes")
    start = bytes((len(name),)) + name + bytes((header.kind,))
    kind, value = header.kind, header.value
    if kind in (TRUE, FALSE):
        return start
    number = _NUMBERS.get(kind)
    if number is not None:
        return start + number.pack(value)
    body = value.encode() if isinstance(value, str) else value
    if not isinstance(body, bytes):
        raise ValueError("the header's value is not of its kind")
    return start + body if kind == UUID else start + _SIZE.pack(len(body)) + body


def decode_frame(raw: bytes) -> Frame:
    """One whole message. Raises Garbled: a checksum or a length is wrong, or a header is of no known kind."""
    size = len(raw)
    if size < _LEAST:
        raise _broken("it is shorter than a message can be")
    total, head, check = _HEAD.unpack_from(raw)
    if crc32(raw[:8]) != check:
        raise _broken("the checksum of its prelude is wrong")
    if total != size or head > size - _LEAST:
        raise _broken("its lengths do not fit")
    if crc32(raw[:-4]) != _CRC.unpack_from(raw, size - 4)[0]:
        raise _broken("its checksum is wrong")
    end = _PRELUDE + head
    try:
        return Frame(_decode_headers(raw, end), raw[end:-4])
    except (struct.error, IndexError, UnicodeDecodeError):
        raise _broken("its headers can not be read") from None


def _decode_headers(raw: bytes, end: int) -> tuple[Header, ...]:
    headers: list[Header] = []
    at = _PRELUDE
    while at < end:
        name_end = at + 1 + raw[at]
        name, kind = raw[at + 1 : name_end].decode(), raw[name_end]
        value, at = _decode_value(raw, name_end + 1, kind)
        headers.append(Header(name, value, kind))
    if at != end:
        raise _broken("its headers do not end where they should")
    return tuple(headers)


def _decode_value(raw: bytes, at: int, kind: int) -> tuple[bool | int | str | bytes, int]:
    """The value, and where the next header begins."""
    if kind in (STRING, BYTES):
        start = at + 2
        end = start + _SIZE.unpack_from(raw, at)[0]
        piece = raw[start:end]
        return (piece.decode() if kind == STRING else piece), end
    if kind in (TRUE, FALSE):
        return kind == TRUE, at
    number = _NUMBERS.get(kind)
    if number is not None:
        value: int = number.unpack_from(raw, at)[0]
        return value, at + number.size
    if kind == UUID:
        return raw[at : at + _UUID_SIZE], at + _UUID_SIZE
    raise _broken("one of its headers is of no known type")


def _broken(why: str) -> Garbled:
    return Garbled(
        f"The provider sent a stream message that can not be read: {why}. Try again, or another model."
    )


def is_lost(raw: bytes) -> bool:
    """Whether what the splitter handed out is a prelude that can not be trusted: where the next message begins is not
    known."""
    return len(raw) < _LEAST


class FrameSplitter:
    """A `beside.Splitter`. Cuts a byte stream into whole messages, however it is split.

    A prelude with a wrong checksum says nothing of where the next message begins: it is handed out as it is, for
    `decode_frame` to refuse, and nothing comes after it.
    """

    __slots__ = ("_buffer", "_cap", "_lost", "overflow")

    def __init__(self, cap: int = FRAME_CAP) -> None:
        self._buffer = bytearray()
        self._cap = cap
        self._lost = False
        #: A message went over the cap: nothing more will be returned.
        self.overflow = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The messages that this chunk completes, each as its raw bytes."""
        frames: list[bytes] = []
        if self.overflow or self._lost:
            return frames
        buffer = self._buffer
        buffer += chunk
        at, size = 0, len(buffer)
        while size - at >= _PRELUDE:
            total, head, check = _HEAD.unpack_from(buffer, at)
            if crc32(buffer[at : at + 8]) != check or total < _LEAST + head:
                self._lost = True
                frames.append(bytes(buffer[at : at + _PRELUDE]))
                at = size
                break
            if total > self._cap or head > HEADERS_CAP:
                self.overflow = True
                at = size
                break
            if size - at < total:
                break
            frames.append(bytes(buffer[at : at + total]))
            at += total
        if at:
            del buffer[:at]
        return frames

    def flush(self) -> bytes:
        """At the end of the stream: the bytes of a message that was not complete."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest
