"""Faults that change the bytes on the socket: framing, timing, and how the connection ends.

A warp takes the answer before framing, so that it can frame it wrongly, and returns what is written.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

from waypost.simulator.fault_shapes import crlf, until_k
from waypost.simulator.models import Behaviour
from waypost.simulator.wire import Ending, Piece, Script, Wire, Write, chunk, frame, head_bytes

Warp = Callable[[Wire, Behaviour], Script]

NOISE = bytes((i * 37 + 11) % 256 for i in range(512))
LONG = 1 << 20


def nothing(ending: Ending) -> Warp:
    """Not one byte, then the ending."""

    def warp(wire: Wire, _: Behaviour) -> Script:
        return Script([Write(b"", wire.head_due_s)], ending)

    return warp


def half_head(ending: Ending) -> Warp:
    """Half of the head, then the ending."""

    def warp(wire: Wire, _: Behaviour) -> Script:
        head = head_bytes(wire, [])
        return Script([Write(head[: len(head) // 2], wire.head_due_s)], ending)

    return warp


def only_head(ending: Ending) -> Warp:
    """The whole head, no body, then the ending."""

    def warp(wire: Wire, _: Behaviour) -> Script:
        how = (b"transfer-encoding", b"chunked") if wire.streamed else (b"content-length", b"1000")
        return Script([Write(head_bytes(wire, [how]), wire.head_due_s)], ending)

    return warp


def stop_at_k(ending: Ending) -> Warp:
    """The head and `k` token events (half of a whole answer), then the ending."""

    def warp(wire: Wire, behaviour: Behaviour) -> Script:
        script = frame(until_k(wire, behaviour.k, ending="hang"))
        script.ending = ending
        return script

    return warp


def cut_event(tail: bytes) -> Warp:
    """`k` token events, half of the next one and `tail`, then FIN without a last chunk.

    With `tail` b"\\r" the events end in CRLF and the next one is cut between its CR and its LF; a binary stream has
    no lines and is cut as any other.
    """

    def warp(wire: Wire, behaviour: Behaviour) -> Script:
        if not wire.streamed:
            return stop_at_k("close")(wire, behaviour)
        crossed = tail == b"\r" and not wire.binary
        if crossed:
            crlf(wire)
        pieces = wire.listed()
        tokens = [place for place, piece in enumerate(pieces) if piece.kind == "token"]
        place = tokens[behaviour.k] if behaviour.k < len(tokens) else len(pieces) - 1
        whole = pieces[place].data
        part = whole[: whole.index(b"\r")] if crossed else whole[: len(whole) // 2]
        kept: list[Piece] = [*pieces[:place], Piece("other", part + tail, pieces[place].due_s)]
        wire.pieces, wire.ending = kept, "hang"
        script = frame(wire)
        script.ending = "close"
        return script

    return warp


def cut_clean(wire: Wire, behaviour: Behaviour) -> Script:
    """`k` token events and a proper end of the HTTP body, without the terminator."""
    return frame(until_k(wire, behaviour.k, ending="keep" if wire.streamed else "close"))


def pings(wire: Wire, behaviour: Behaviour) -> Script:
    """The head, then a ping (a comment, in most dialects) every `gap_ms` until the client gives up."""
    gap = behaviour.gap_ms / 1000
    head = head_bytes(wire, [(b"transfer-encoding", b"chunked")])
    said = (Write(chunk(wire.ping), wire.head_due_s + i * gap) for i in itertools.count())
    return Script(itertools.chain([Write(head, wire.head_due_s)], said), "hang")


def byte_by_byte(part: str) -> Warp:
    """One byte every `gap_ms`: of the head (`head`; the body then follows at once) or of the body (`body`)."""

    def warp(wire: Wire, behaviour: Behaviour) -> Script:
        script = frame(wire)
        return Script(_dripped(script.writes, behaviour.gap_ms / 1000, part), script.ending)

    return warp


def _dripped(writes: Iterable[Write], gap: float, part: str) -> Iterator[Write]:
    late = 0.0
    for number, write in enumerate(writes):
        at = write.data.index(b"\r\n\r\n") + 4 if number == 0 else 0
        head, body = write.data[:at], write.data[at:]
        due = max(late, write.due_s)
        slow, fast = (head, body) if part == "head" else (body, head)
        if part == "body" and fast:
            yield Write(fast, due)
        for i in range(len(slow)):
            late = due + i * gap
            last = part == "body" and i == len(slow) - 1
            yield Write(slow[i : i + 1], late, write.made if last else None)
        if part == "head" and fast:
            yield Write(fast, max(late, due), write.made)
        late += gap


def one_byte_chunks(wire: Wire, _: Behaviour) -> Script:
    """Every byte of the body is an HTTP chunk of its own."""
    wire.framing = "chunked"
    pieces = wire.pieces

    def split() -> Iterator[Piece]:
        for piece in pieces:
            for i in range(len(piece.data)):
                last = i == len(piece.data) - 1
                yield Piece(piece.kind, piece.data[i : i + 1], piece.due_s, piece.made if last else None)

    wire.pieces = split()
    return frame(wire)


def noise(wire: Wire, _: Behaviour) -> Script:
    """Bytes that are not HTTP, then FIN."""
    return Script([Write(NOISE, wire.head_due_s)], "close")


def before(lead: bytes) -> Warp:
    """Interim answers first."""

    def warp(wire: Wire, _: Behaviour) -> Script:
        script = frame(wire)
        script.writes = itertools.chain([Write(lead, 0.0)], script.writes)
        return script

    return warp


def closing(header: bool) -> Warp:
    """A complete answer and then FIN: announced by `connection: close`, or not announced."""

    def warp(wire: Wire, _: Behaviour) -> Script:
        if header:
            wire.headers.append((b"connection", b"close"))
        wire.ending = "close"
        return frame(wire)

    return warp


def until_eof(wire: Wire, _: Behaviour) -> Script:
    """HTTP/1.0: neither length nor chunks; the body ends with the connection."""
    wire.framing, wire.version, wire.ending = "eof", b"HTTP/1.0", "close"
    return frame(wire)


def large_head(count: int) -> Warp:
    """One header of 1 MiB, or many small ones."""

    def warp(wire: Wire, behaviour: Behaviour) -> Script:
        if count == 1:
            wire.headers.append((b"x-large", b"x" * (behaviour.size or LONG)))
        else:
            wire.headers += [(b"x-many-%d" % i, b"1") for i in range(behaviour.size or count)]
        return frame(wire)

    return warp


# --- lies about the length --------------------------------------------------------------------------------------------


def lie(extra: int, ending: Ending) -> Warp:
    """A content-length that is off by `extra`."""

    def warp(wire: Wire, _: Behaviour) -> Script:
        body, due, made = wire.flat()
        head = head_bytes(wire, [(b"content-length", b"%d" % (len(body) + extra))])
        return Script([Write(head + body, due, made)], ending)

    return warp


def two_lengths(wire: Wire, _: Behaviour) -> Script:
    """Two content-lengths that differ."""
    body, due, made = wire.flat()
    lengths = [(b"content-length", b"%d" % len(body)), (b"content-length", b"%d" % (len(body) - 1))]
    return Script([Write(head_bytes(wire, lengths) + body, due, made)], "close")


def length_and_chunked(wire: Wire, _: Behaviour) -> Script:
    """Content-length and transfer-encoding in one head: a smuggling shape."""
    body, due, made = wire.flat()
    both = [(b"content-length", b"%d" % len(body)), (b"transfer-encoding", b"chunked")]
    return Script([Write(head_bytes(wire, both) + chunk(body) + b"0\r\n\r\n", due, made)], "close")


def bad_chunks(how: str) -> Warp:
    """`size`: a chunk size that is no number. `end`: no CRLF behind the data. `last`: no last chunk."""

    def warp(wire: Wire, _: Behaviour) -> Script:
        wire.framing, wire.ending = "chunked", "hang"
        script = frame(wire)
        if how == "last":
            script.ending = "close"
            return script
        writes = list(script.writes)
        good, bad = writes[:2], writes[2] if len(writes) > 2 else writes[1]
        if bad is good[-1]:
            good.pop()
        size, rest = bad.data.split(b"\r\n", 1)
        broken = b"zz\r\n" + rest if how == "size" else size + b"\r\n" + rest[:-2] + b"XX"
        return Script([*good, Write(broken, bad.due_s)], "close")

    return warp
