import gzip

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.simulator.ask import Ask
from waypost.simulator.dialect import Stamp
from waypost.simulator.fault_shapes import (
    Bench,
    after_end,
    big_event,
    coded,
    many_events,
    squeeze,
    until_k,
    zeros,
)
from waypost.simulator.models import Behaviour
from waypost.simulator.openai_dialect import OpenAI
from waypost.simulator.wire import Made, Piece, Wire


def stream(tokens: int) -> Wire:
    events = [Piece("token", b'data: {"t":%d}\n\n' % i, float(i), Made(1)) for i in range(tokens)]
    pieces = [Piece("role", b"data: {}\n\n"), *events, Piece("finish", b"data: {}\n\n", 9.0, Made())]
    return Wire(200, [(b"content-type", b"text/event-stream")], pieces, "chunked")


STAMP = Stamp("a", "req_1", 1, 1, 0)


def bench(**parameters: int) -> Bench:
    return Bench(msgspec.convert(parameters, Behaviour), 0.0, OpenAI().odd(Ask("chat", "m", 1), STAMP))


def test_a_stream_without_a_finish_of_its_own_ends_twice() -> None:
    pieces = [Piece("token", b"t"), Piece("done", b"d")]
    wire = after_end("finish")(Wire(200, [], pieces, "chunked"), bench())
    assert [piece.data for piece in wire.pieces] == [b"t", b"d", b"d"]


@given(st.integers(0, 8), st.integers(0, 12))
def test_only_k_tokens_are_left(tokens: int, k: int) -> None:
    pieces = until_k(stream(tokens), k, b"!").listed()
    kept = [piece for piece in pieces if piece.kind == "token"]
    assert len(kept) == min(k, tokens)
    assert [piece.made for piece in pieces if piece.made] == [Made(1)] * len(kept)
    assert pieces[-1].data == b"!"
    assert pieces[-1].due_s == (kept[-1].due_s if kept else 0.0)


@given(st.integers(0, 6), st.integers(60, 5000))
def test_a_big_event_has_its_size_and_place(k: int, size: int) -> None:
    pieces = big_event(7)(stream(4), bench(k=k, size=size)).listed()
    place = next(i for i, piece in enumerate(pieces) if piece.kind == "other")
    assert place == 1 + min(k, 4)
    assert len(pieces[place].data) == size
    assert msgspec.json.decode(pieces[place].data.removeprefix(b"data: "))["choices"] == []
    assert pieces[place].made is None


def test_many_events_are_counted_and_lazy() -> None:
    wire = many_events(stream(4), bench(k=2, size=1_000_000_000))
    taken = [piece for piece, _ in zip(wire.pieces, range(10), strict=False)]
    assert [piece.kind for piece in taken] == ["role", "token", "token", *["other"] * 7]
    exact = many_events(stream(4), bench(k=2, size=2_345)).listed()
    assert b"".join([piece.data for piece in exact]).count(b'{"choices":[]}') == 2_345


def test_coding_bills_what_it_codes() -> None:
    wire = coded(b"gzip", squeeze)(stream(4), bench())
    assert wire.flat()[2] == Made(4)
    assert squeeze(b"same") == squeeze(b"same")


@pytest.mark.parametrize("size", [1, 1000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_zeros_inflate_to_their_size(size: int) -> None:
    assert gzip.decompress(zeros(size)) == bytes(size)
    assert len(zeros(size)) < 100 + size // 500
