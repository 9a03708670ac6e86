"""Faults that change an answer before it is framed: its status, its events, its coding."""

from __future__ import annotations

import gzip
import itertools
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate

import msgspec

from waypost.simulator.ask import Refused
from waypost.simulator.dialect import Odd
from waypost.simulator.models import Behaviour
from waypost.simulator.wire import Ending, Kind, Piece, Wire

MIB = 1 << 20
HTML = b"<!DOCTYPE html><html><head><title>502</title></head><body><h1>It is down</h1></body></html>"


class Bench(msgspec.Struct, frozen=True):
    """What a shape may use: the parameters, the wall clock (Unix seconds), and the dialect's forms."""

    behaviour: Behaviour
    now: float
    odd: Odd


Shape = Callable[[Wire, Bench], Wire]

OVERLOAD = Refused(
    500, "The server had an error while processing your request.", kind="server_error", code="server_error"
)

#: An overload that calls itself the client's fault: only its code tells the truth.
MISLABELLED = Refused(400, "Overloaded", kind="invalid_request_error", code="server_overloaded")


def with_type(wire: Wire, value: bytes) -> None:
    """Replace the content type."""
    wire.headers = [(b"content-type", value), *[pair for pair in wire.headers if pair[0] != b"content-type"]]


def replace_body(wire: Wire, body: bytes, content_type: bytes) -> Wire:
    """A whole, unbilled body instead of the answer."""
    with_type(wire, content_type)
    wire.pieces, wire.framing = [Piece("whole", body, wire.head_due_s)], "length"
    return wire


def until_k(wire: Wire, k: int, then: bytes = b"", ending: Ending = "close") -> Wire:
    """The first `k` token events (a whole answer: half of it), then `then`, then the ending.

    Token events keep their due times; what follows is due with the last of them.
    """
    if not wire.streamed:
        pieces = wire.listed()
        half = pieces[0].data[: len(pieces[0].data) // 2]
        wire.headers.append((b"content-length", b"%d" % len(pieces[0].data)))
        wire.framing = "eof"
        wire.pieces = [Piece("whole", half, pieces[0].due_s, pieces[0].made)]
        wire.ending = ending
        return wire
    wire.pieces = _first_k(wire.pieces, k, then)
    wire.ending = ending
    return wire


def _first_k(pieces: Iterable[Piece], k: int, then: bytes) -> Iterator[Piece]:
    seen, due = 0, 0.0
    for piece in pieces:
        if piece.kind not in ("role", "token") or (piece.kind == "token" and seen == k):
            break
        seen += piece.kind == "token"
        due = piece.due_s
        yield piece
    if then:
        yield Piece("other", then, due)


# --- statuses -----------------------------------------------------------------------------------------------------


def error_status(refused: Refused, *more: tuple[bytes, bytes]) -> Shape:
    """An error in the dialect's envelope instead of the answer."""

    def shape(wire: Wire, bench: Bench) -> Wire:
        told = bench.odd.told(refused)
        wire.status = told.status
        wire.headers = [*wire.headers, *more, *told.headers]
        return replace_body(wire, told.body, told.type)

    return shape


def throttle(form: str) -> Shape:
    """429 with one of the ways to say when to come back."""

    def shape(wire: Wire, bench: Bench) -> Wire:
        seconds = bench.behaviour.s
        whole = b"%d" % seconds
        said = {
            "seconds": [(b"retry-after", whole)],
            # Read against the answer's own date: clocks differ.
            "date": [(b"date", _http_date(bench.now)), (b"retry-after", _http_date(bench.now + seconds))],
            "ms": [(b"retry-after-ms", b"%d" % (seconds * 1000))],
            "reset": bench.odd.reset(seconds, bench.now),
            "absurd": [(b"retry-after", b"31536000000")],
            "negative": [(b"retry-after", b"-30")],
            "garbage": [(b"retry-after", b"soon")],
            "none": [],
        }[form]
        replaced = {name for name, _ in said}
        wire.headers = [pair for pair in wire.headers if pair[0] not in replaced] + said
        refused = Refused(
            429,
            "Rate limit reached for requests.",
            kind="requests",
            code="rate_limit_exceeded",
            retry_s=seconds if form == "reset" else None,
        )
        return error_status(refused)(wire, bench)

    return shape


def _http_date(wall: float) -> bytes:
    return formatdate(min(max(wall, 0), 2.5e11), usegmt=True).encode()


def redirect(wire: Wire, _: Bench) -> Wire:
    """A redirect to a place the gateway must not follow."""
    wire.status = 302
    wire.headers.append((b"location", b"http://127.0.0.1:9/elsewhere"))
    return replace_body(wire, b"", b"text/plain")


# --- the wrong body -----------------------------------------------------------------------------------------------


def html(wire: Wire, _: Bench) -> Wire:
    return replace_body(wire, HTML, b"text/html; charset=utf-8")


def empty(wire: Wire, _: Bench) -> Wire:
    return replace_body(wire, b"", dict(wire.headers)[b"content-type"])


def garbage_body(wire: Wire, _: Bench) -> Wire:
    """The right head, and a body that is nothing."""
    kept = dict(wire.headers)[b"content-type"]
    return replace_body(wire, bytes(range(256)) * 4, kept)


def no_answer(wire: Wire, _: Bench) -> Wire:
    """An object that holds no answer, as a proxy says it."""
    return replace_body(wire, b'{"detail":"Not Found"}', b"application/json")


def wrong_type(wire: Wire, _: Bench) -> Wire:
    """The whole right answer as `text/plain`."""
    with_type(wire, b"text/plain")
    return wire


def error_first(wire: Wire, bench: Bench) -> Wire:
    """200, and an error is all there is."""
    if not wire.streamed:
        return replace_body(wire, bench.odd.told(OVERLOAD).body, b"application/json")
    wire.pieces = [Piece("other", bench.odd.event(OVERLOAD), wire.head_due_s)]
    return wire


def error_later(refused: Refused) -> Shape:
    """An error event after `k` tokens, then a proper end without a terminator. A whole answer is the error alone."""

    def shape(wire: Wire, bench: Bench) -> Wire:
        if not wire.streamed:
            return replace_body(wire, bench.odd.told(refused).body, b"application/json")
        return until_k(wire, bench.behaviour.k, bench.odd.event(refused), "keep")

    return shape


# --- events -------------------------------------------------------------------------------------------------------


def garbage_events(count: int) -> Shape:
    """Broken events after the k-th good one; the rest of the stream is sound."""
    return _after_k(lambda bench: bench.odd.garbage * count)


def big_event(default: int) -> Shape:
    """One valid event of `size` bytes after the k-th."""
    return _after_k(lambda bench: bench.odd.padded(bench.behaviour.size or default))


def many_events(wire: Wire, bench: Bench) -> Wire:
    """`size` tiny events that say nothing after the k-th good one."""
    block, rest = divmod(bench.behaviour.size or 100_000, 1000)
    tiny = bench.odd.tiny
    blocks = itertools.chain(itertools.repeat(tiny * 1000, block), [tiny * rest])
    return _insert(wire, bench.behaviour.k, blocks)


def _after_k(make: Callable[[Bench], bytes]) -> Shape:
    def shape(wire: Wire, bench: Bench) -> Wire:
        return _insert(wire, bench.behaviour.k, iter([make(bench)]))

    return shape


def _insert(wire: Wire, k: int, events: Iterator[bytes]) -> Wire:
    """Put events after the k-th token event, or before the end of a shorter stream. Whole answers stay as they are."""
    if not wire.streamed:
        return wire
    pieces = wire.pieces

    def with_events() -> Iterator[Piece]:
        seen = 0
        for piece in pieces:
            if (piece.kind not in ("role", "token")) or (piece.kind == "token" and seen == k):
                for event in events:
                    yield Piece("other", event, piece.due_s)
            seen += piece.kind == "token"
            yield piece

    wire.pieces = with_events()
    return wire


def after_end(extra: str) -> Shape:
    """A second `[DONE]` (`done`), a token event behind it (`data`), or a second finish event (`finish`).

    Where a dialect ends a stream with the event that says why it ended, that event is both.
    """

    def shape(wire: Wire, _: Bench) -> Wire:
        if not wire.streamed:
            return wire
        pieces = wire.listed()
        finish: Kind = "finish" if any(piece.kind == "finish" for piece in pieces) else "done"
        again = {"done": "done", "data": "token", "finish": finish}[extra]
        copies = [piece for piece in pieces if piece.kind == again][:1]
        place = len(pieces)
        if extra == "finish":
            place = 1 + max(i for i, piece in enumerate(pieces) if piece.kind == finish)
        due = pieces[-1].due_s
        pieces[place:place] = [Piece("other", piece.data, due) for piece in copies]
        return wire

    return shape


def no_done(wire: Wire, _: Bench) -> Wire:
    """Everything but the terminator; the HTTP body ends properly."""
    if wire.streamed:
        pieces = wire.pieces
        wire.pieces = (piece for piece in pieces if piece.kind != "done")
    return wire


def crlf(wire: Wire) -> None:
    """End every line of the stream with CRLF."""
    wire.pieces = [
        msgspec.structs.replace(piece, data=piece.data.replace(b"\n", b"\r\n")) for piece in wire.listed()
    ]


# --- coding -------------------------------------------------------------------------------------------------------


def coded(coding: bytes, encode: Callable[[bytes], bytes]) -> Shape:
    """A content-encoding that nobody asked for. A stream is coded as one body, sent when it is complete."""

    def shape(wire: Wire, _: Bench) -> Wire:
        body, due, made = wire.flat()
        wire.headers.append((b"content-encoding", coding))
        wire.pieces = [Piece("whole", encode(body), due, made)]
        wire.framing, wire.head_due_s = "length", due
        return wire

    return shape


def squeeze(data: bytes) -> bytes:
    """gzip without a timestamp, so that the same data gives the same bytes."""
    return gzip.compress(data, mtime=0)


def bomb(wire: Wire, bench: Bench) -> Wire:
    """Zeros, `size` bytes of them when inflated (64 MiB unless set), as a gzip body of a thousandth."""
    wire.headers.append((b"content-encoding", b"gzip"))
    return replace_body(wire, zeros(bench.behaviour.size or 64 * MIB), dict(wire.headers)[b"content-type"])


def zeros(size: int) -> bytes:
    """So many zeros as gzip. One block is squeezed and repeated: squeezing them all would hold up everybody else."""
    block = bytes(min(MIB, size))
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    part = squeezer.compress(block) + squeezer.flush(zlib.Z_FULL_FLUSH)
    count, rest = divmod(size, len(block))
    crc = 0
    for _ in range(count):
        crc = zlib.crc32(block, crc)
    tail = squeezer.compress(bytes(rest)) + squeezer.flush()
    crc = zlib.crc32(bytes(rest), crc)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return head + part * count + tail + struct.pack("<II", crc, size & 0xFFFFFFFF)
