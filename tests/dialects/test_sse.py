from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waypost.dialects.sse import EventSplitter, SseParser, parse_event, render
from waypost.errors import Garbled


def read(stream: bytes, *cuts: int) -> list[tuple[str | None, bytes | None]]:
    parser = SseParser()
    events = []
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    for start, end in pairwise(edges):
        events += parser.feed(stream[start:end])
    return [(event.event, event.data) for event in events]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end(end: bytes) -> None:
    stream = end.join([b"event: a", b"data: 1", b"data:2", b"", b": ping", b"", b"data", b"", b""])
    assert read(stream) == [("a", b"1\n2"), (None, None), (None, b"")]


def test_fields() -> None:
    event = parse_event(b": c\nid: 7\nretry: 250\nevent:x\ndata:  two spaces\nunknown: y\ndata:a:b\n\n")
    assert (event.event_id, event.retry_ms, event.event, event.data) == ("7", 250, "x", b" two spaces\na:b")
    assert not event.comment
    assert parse_event(b": only\n\n").comment
    assert parse_event(b"retry: soon\nid: a\0b\n\n").retry_ms is None


@pytest.mark.parametrize("cut", range(4))
def test_a_byte_order_mark_is_left_out(cut: int) -> None:
    assert read(b"\xef\xbb\xbfdata: x\n\n", cut) == [(None, b"x")]


def test_an_unfinished_event_waits() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: x\n") == []
    assert splitter.feed(b"\n") == [b"data: x\n\n"]
    assert splitter.feed(b"data: y\r\n\r") == []
    assert splitter.feed(b"\n") == [b"data: y\r\n\r\n"]
    splitter.feed(b"data: rest")
    assert splitter.flush() == b"data: rest"


pieces = st.sampled_from(
    [
        b"data: ",
        b"x",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\r\n\r\n",
        b"event: e",
        b": c",
        b"id: 1",
        b"\xef\xbb\xbf",
    ]
)


@settings(deadline=None)
@given(st.lists(pieces, max_size=30).map(b"".join), st.lists(st.integers(0, 10_000), max_size=12))
def test_any_split_gives_the_same_raw_events(stream: bytes, cuts: list[int]) -> None:
    whole, split, single = EventSplitter(), EventSplitter(), EventSplitter()
    expected = whole.feed(stream)
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    got = [raw for a, b in pairwise(edges) for raw in split.feed(stream[a:b])]
    each = [raw for i in range(len(stream)) for raw in single.feed(stream[i : i + 1])]
    assert got == each == expected
    rest = whole.flush()
    assert split.flush() == single.flush() == rest
    assert (
        b"".join(expected) + rest == stream.removeprefix(b"\xef\xbb\xbf")
        or stream == b"\xef\xbb\xbf"[: len(stream)]
    )


def test_an_event_over_the_cap_is_garbled_however_it_is_cut() -> None:
    small = b"data: ok\n\n"
    for stream in (small + b"data: " + b"x" * 100, small + b"data: " + b"x" * 100 + b"\n\n" + small):
        for size in (1, 7, 1000):
            parser = SseParser(cap=64)
            seen = []
            with pytest.raises(Garbled):  # noqa: PT012 - which call raises depends on the cut
                for start in range(0, len(stream) + size, size):
                    seen += parser.feed(stream[start : start + size])
                parser.feed(b"")
            assert [event.data for event in seen] == [b"ok"]


def test_a_mebibyte_at_once_and_byte_by_byte() -> None:
    stream = b"".join(b"data: %d\n\n" % number for number in range(90_000))
    assert len(EventSplitter().feed(stream)) == 90_000
    splitter = EventSplitter()
    long = b"data: " + b"x" * 100_000 + b"\n\n"
    assert [raw for i in range(len(long)) for raw in splitter.feed(long[i : i + 1])] == [long]


@settings(deadline=None)
@given(st.binary(max_size=40).filter(lambda data: b"\r" not in data))
def test_render_then_parse(data: bytes) -> None:
    assert [event.data for event in SseParser().feed(render(data, "e"))] == [data]
