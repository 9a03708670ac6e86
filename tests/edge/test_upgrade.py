"""The body of a request whose upgrade offer was not taken."""

from __future__ import annotations

from itertools import pairwise

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.edge.upgrade import RestOfBody


class Sink:
    def __init__(self) -> None:
        self.body = b""
        self.ends = 0

    def take(self, piece: bytes) -> None:
        self.body += piece

    def end(self) -> None:
        self.ends += 1


def feed(headers: dict[bytes, bytes], data: bytes, cuts: list[int]) -> Sink:
    sink = Sink()
    rest = RestOfBody(headers, sink.take, sink.end)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        if piece := data[start:end]:
            rest.feed_data(piece)
    return sink


@given(st.binary(max_size=50), st.binary(max_size=20), st.lists(st.integers(0, 200), max_size=5))
def test_by_length_in_any_split_and_nothing_after_it(body: bytes, after: bytes, cuts: list[int]) -> None:
    sink = feed({b"content-length": b"%d" % len(body)}, body + after, cuts)
    assert sink.body == body
    assert sink.ends == 1


@given(st.binary(min_size=1, max_size=50), st.lists(st.integers(0, 200), max_size=5))
def test_chunked_in_any_split(body: bytes, cuts: list[int]) -> None:
    sink = feed({b"transfer-encoding": b"chunked"}, b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), cuts)
    assert sink.body == body
    assert sink.ends == 1


def test_no_body() -> None:
    assert feed({}, b"", []).ends == 1


def test_broken_framing_is_an_error() -> None:
    with pytest.raises(httptools.HttpParserError):
        feed({b"transfer-encoding": b"chunked"}, b"zz\r\n", [])
