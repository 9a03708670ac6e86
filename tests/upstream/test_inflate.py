"""Compressed bodies and bombs."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upstream.wire import (
    STANDARD,
    Lane,
    sized,
)
from waypost.errors import Garbled
from waypost.upstream.inflate import Inflater, codings


async def test_a_gzip_bomb_stays_small() -> None:
    bomb = gzip.compress(b"\0" * (100 * 1024 * 1024), 9)
    lane = Lane()
    task = await lane.ask()
    reader = lane.connection._reader
    lane.connection.data_received(sized(bomb, b"content-encoding: gzip\r\n"))
    assert reader.size < 2 * 1024 * 1024
    with pytest.raises(Garbled):
        await task


def inflate(coding: str, pieces: list[bytes]) -> bytes:
    inflater = Inflater(coding, STANDARD)
    out = b"".join(piece for data in pieces for piece in inflater.feed(data))
    assert inflater.finished
    return out


@given(st.binary(max_size=2000), st.integers(1, 50), st.sampled_from(["gzip", "zlib", "raw"]))
def test_any_split_inflates_to_the_same(data: bytes, step: int, form: str) -> None:
    packer = zlib.compressobj(wbits={"gzip": 31, "zlib": 15, "raw": -15}[form])
    packed = packer.compress(data) + packer.flush()
    pieces = [packed[at : at + step] for at in range(0, len(packed), step)]
    assert inflate("gzip" if form == "gzip" else "deflate", pieces) == data


def test_every_piece_is_small_and_none_is_lost() -> None:
    data = bytes(range(256)) * 4096
    inflater = Inflater("gzip", STANDARD)
    pieces = list(inflater.feed(gzip.compress(data)))
    assert max(map(len, pieces)) <= 64 * 1024
    assert b"".join(pieces) == data


@pytest.mark.parametrize(
    ("values", "coding"),
    [
        ([], None),
        ([b"identity"], None),
        ([b" GZIP "], "gzip"),
        ([b"x-gzip"], "gzip"),
        ([b"deflate"], "deflate"),
    ],
)
def test_codings(values: list[bytes], coding: str | None) -> None:
    assert codings(values) == coding


@pytest.mark.parametrize("values", [[b"br"], [b"gzip", b"gzip"], [b"gzip, deflate"], [b"zstd"]])
def test_other_codings_are_refused(values: list[bytes]) -> None:
    with pytest.raises(Garbled):
        codings(values)
