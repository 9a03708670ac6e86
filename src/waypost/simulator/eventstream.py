"""AWS's event-stream framing, written: https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html (2026-11-25).

A message is its length, the length of its headers and the CRC of both; the headers; the payload; the CRC of all of it.
Numbers are big-endian; every header here is a string (type 7).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from zlib import crc32

import msgspec

_STRING = 7
_AROUND = 16
"""Bytes of a message beside its headers and its payload."""


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message."""
    packed = b"".join([_header(name, value) for name, value in headers.items()])
    prelude = struct.pack(">II", len(packed) + len(payload) + _AROUND, len(packed))
    whole = prelude + struct.pack(">I", crc32(prelude)) + packed + payload
    return whole + struct.pack(">I", crc32(whole))


def _header(name: str, value: str) -> bytes:
    data = value.encode()
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _STRING, len(data)) + data


def event(kind: str, data: object) -> bytes:
    """An event with a JSON payload."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return message(headers, msgspec.json.encode(data))


def exception(kind: str, data: object) -> bytes:
    """An exception inside a stream."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return message(headers, msgspec.json.encode(data))


def damaged(whole: bytes) -> bytes:
    """A message whose CRC is wrong."""
    return whole[:-4] + struct.pack(">I", ~crc32(whole[:-4]) & 0xFFFFFFFF)
