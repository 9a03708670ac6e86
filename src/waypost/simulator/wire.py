"""What is going to be written: a `Wire` (one HTTP answer, before framing) and a `Script` (bytes with due times).

Dialects make a `Wire`; `frame` turns it into a `Script`; faults bend either; `playback` writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

Kind = Literal["role", "token", "finish", "usage", "done", "whole", "other"]
Framing = Literal["length", "chunked", "eof"]
"""`length`: content-length. `chunked`: one HTTP chunk per piece. `eof`: neither, up to the end of the connection."""
Ending = Literal["keep", "close", "reset", "hang", "half"]
"""`keep`: alive for the next request. `close`: FIN. `reset`: RST. `hang`: silent, open. `half`: FIN, then as `hang`."""

REASONS = {
    200: b"OK",
    302: b"Found",
    400: b"Bad Request",
    401: b"Unauthorized",
    402: b"Payment Required",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    413: b"Content Too Large",
    422: b"Unprocessable Content",
    424: b"Failed Dependency",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    529: b"Overloaded",
}


class Told(msgspec.Struct, frozen=True):
    """An error answer, rendered. `headers` stand beside the content type."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    type: bytes = b"application/json"


class Made(msgspec.Struct, frozen=True, gc=False):
    """Output tokens that exist once the bytes beside it are written. `output` includes the other two."""

    output: int = 0
    reasoning: int = 0
    audio: int = 0


class Piece(msgspec.Struct, frozen=True):
    """One part of a body: an event of a stream, or a whole body. `due_s` counts from when the request was read.

    `made` None: writing this piece bills nothing. Otherwise the request is billable from here on.
    """

    kind: Kind
    data: bytes
    due_s: float = 0.0
    made: Made | None = None


class Write(msgspec.Struct, frozen=True):
    """Bytes for the socket."""

    data: bytes
    due_s: float = 0.0
    made: Made | None = None


class Wire(msgspec.Struct):
    """One answer. `head_due_s` is when its head is written."""

    status: int
    headers: list[tuple[bytes, bytes]]
    pieces: Iterable[Piece]
    framing: Framing = "length"
    ending: Ending = "keep"
    head_due_s: float = 0.0
    version: bytes = b"HTTP/1.1"
    ping: bytes = b": ping\n\n"
    """What keeps a stream of this dialect alive and says nothing."""
    binary: bool = False
    """The stream has no lines."""

    def listed(self) -> list[Piece]:
        """The pieces as a list that may be changed in place."""
        pieces = self.pieces
        if not isinstance(pieces, list):
            pieces = self.pieces = list(pieces)
        return pieces

    def flat(self) -> tuple[bytes, float, Made | None]:
        """The whole body as one: its bytes, when its last piece is due, and all that it bills."""
        pieces = self.listed()
        made = [piece.made for piece in pieces if piece.made is not None]
        total = Made(sum(m.output for m in made), sum(m.reasoning for m in made), sum(m.audio for m in made))
        return b"".join([piece.data for piece in pieces]), pieces[-1].due_s, total if made else None

    @property
    def streamed(self) -> bool:
        """Whether this is an event stream."""
        return self.framing == "chunked"


class Script(msgspec.Struct):
    """What is written, in order, and what happens to the connection then."""

    writes: Iterable[Write]
    ending: Ending = "keep"


def head_bytes(wire: Wire, extra: list[tuple[bytes, bytes]]) -> bytes:
    """The response head, with its empty line."""
    reason = REASONS.get(wire.status, b"Simulated")
    lines = [b"%b %d %b" % (wire.version, wire.status, reason)]
    lines += [b"%b: %b" % pair for pair in (*wire.headers, *extra)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def frame(wire: Wire) -> Script:
    """Add HTTP framing. A whole answer is its head and body in one write; a stream is one write per event."""
    if wire.framing == "chunked":
        return Script(_chunked(wire), wire.ending)
    pieces = wire.listed()
    extra: list[tuple[bytes, bytes]] = []
    if wire.framing == "length":
        extra.append((b"content-length", b"%d" % sum(len(piece.data) for piece in pieces)))
    head = head_bytes(wire, extra)
    if len(pieces) == 1 and pieces[0].due_s <= wire.head_due_s:
        piece = pieces[0]
        return Script([Write(head + piece.data, wire.head_due_s, piece.made)], wire.ending)
    body = [Write(piece.data, max(piece.due_s, wire.head_due_s), piece.made) for piece in pieces]
    return Script([Write(head, wire.head_due_s), *body], wire.ending)


def chunk(data: bytes) -> bytes:
    """One HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _chunked(wire: Wire) -> Iterator[Write]:
    yield Write(head_bytes(wire, [(b"transfer-encoding", b"chunked")]), wire.head_due_s)
    due = wire.head_due_s
    for piece in wire.pieces:
        due = max(due, piece.due_s)
        if piece.data:
            yield Write(chunk(piece.data), due, piece.made)
    if wire.ending in ("keep", "close"):
        yield Write(b"0\r\n\r\n", due)
