"""Compressed bodies, decompressed piece by piece, so that a bomb is noticed while it is small."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from waypost.upstream.faults import garbled
from waypost.upstream.limits import Limits

_PIECE = 64 * 1024
_GZIP, _ZLIB, _RAW = 31, 15, -15  # wbits of zlib


def codings(values: list[bytes]) -> str | None:
    """The one coding of a body from its `content-encoding` values; None for identity.

    Raises Garbled for several codings and for one that was never asked for.
    """
    value = b",".join(values).strip().lower()
    if value in (b"", b"identity"):
        return None
    if value in (b"gzip", b"x-gzip"):
        return "gzip"
    if value == b"deflate":
        return "deflate"
    raise garbled("its content coding is neither gzip nor deflate, or there are several")


class Inflater:
    """One compressed body."""

    __slots__ = ("_coding", "_held", "_in", "_inflate", "_limits", "_out")

    def __init__(self, coding: str, limits: Limits) -> None:
        self._coding = coding
        self._limits = limits
        self._held = b""
        self._in = 0
        self._out = 0
        self._inflate = zlib.decompressobj(_GZIP) if coding == "gzip" else None

    @property
    def finished(self) -> bool:
        """True at a proper end, and before the first byte: a body may be empty."""
        return self._in == 0 or (self._inflate is not None and self._inflate.eof)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decompressed pieces of at most 64 KiB. Raises Garbled for broken data and for a bomb."""
        self._in += len(data)
        inflate = self._inflate
        if inflate is None:
            data = self._held + data
            if len(data) < 2:
                self._held = data
                return
            inflate = self._inflate = zlib.decompressobj(_ZLIB if _has_zlib_header(data) else _RAW)
        while True:
            try:
                piece = inflate.decompress(data, _PIECE)
            except zlib.error:
                raise garbled("its compressed body is broken") from None
            if piece:
                self._count(len(piece), self._in - len(inflate.unconsumed_tail))
                yield piece
            if inflate.eof:
                data = inflate.unused_data
                if not data:
                    return
                if self._coding != "gzip":
                    raise garbled("data follows the end of its compressed body")
                inflate = self._inflate = zlib.decompressobj(
                    _GZIP
                )  # RFC 1952 allows several members in a row
                continue
            data = inflate.unconsumed_tail
            if not data and len(piece) < _PIECE:
                return

    def _count(self, size: int, consumed: int) -> None:
        self._out += size
        if self._out > self._limits.ratio_from_bytes and self._out > consumed * self._limits.ratio_max:
            raise garbled("its body is compressed beyond any sense, as a decompression bomb is")


def _has_zlib_header(data: bytes) -> bool:
    """RFC 1950 section 2.2: `deflate` means zlib; some servers send the bare deflate stream instead."""
    return data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
