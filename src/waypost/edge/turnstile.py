"""The cheapest no there is: an overloaded gateway answers requests before they are parsed, let alone run.

At twice the load it can bear, every second request is turned away; were that a tenth as dear as serving it, a tenth of
the goodput would be gone. So a request that came whole and is framed in the plainest way is answered from its bytes.
Whatever is in the least unusual is left to the parser, and asked for later, at `edge/app.py`.

A connection that asks again at once, whatever `retry-after` said, is told the next no a little later. One that hammers
is thereby turned away forty times a second and not a thousand times, each of which would cost the others.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec

from waypost.core.key import Key
from waypost.dialects.dialect import Dialect
from waypost.edge.gate import Gate, Pipeline
from waypost.edge.replies import SHARED, error_body, error_headers
from waypost.edge.routes import Routes
from waypost.errors import NotFound
from waypost.policy.overload import Cause, LoadGauge
from waypost.ports import Clock

#: Header lines that decide where a message ends or how it is answered, and lines that hold no name of their own.
_UNUSUAL = re.compile(
    rb"\r\n(?:transfer-encoding|expect|upgrade|origin|[ \t]|connection:(?![ \t]*keep-alive[ \t]*\r))"
)
_LENGTH = b"\r\ncontent-length: "
_LENGTH_NAME = b"\r\ncontent-length"
#: As it is found whichever way the name is written.
_LENGTH_END = b"ength: "
_HEADS_MAX = 2048
_HEAD_BYTES_MAX = 4096
_BEARER = b"\r\nauthorization: bearer "
_LENGTH_DIGITS_MAX = 10
_REMEMBERED_S = 1.0
"""How long it is believed who a key belongs to. Who is let in for it is asked for the key itself afterwards."""
_WAITS = 32
"""Answers that are ready, each with another wait."""
_HAMMERS_S = 1.0
"""Who asks again this soon has not waited as it was told to."""
_HELD_S = 0.025


class Turned(Protocol):
    """A connection that is told no."""

    transport: asyncio.Transport
    gone: bool
    held: bytes | None
    """An answer that is kept back."""
    refused_at: float
    """When it was told no last."""


def write_held(connection: Turned) -> None:
    """Write what was kept back, before anything else is written."""
    answer, connection.held = connection.held, None
    if answer is not None and not connection.gone:
        connection.transport.write(answer)


class _Head(msgspec.Struct):
    """What was read of a head."""

    dialect: Dialect
    presented: bytes
    whole: int
    """The request's length with its body."""
    key: Key | None = None
    until: float = float("-inf")
    """`key` is believed until then."""


class Turnstile:
    """One process's. Holds one ready answer per dialect and cause."""

    def __init__(
        self,
        load: LoadGauge,
        routes: Routes,
        pipeline: Pipeline,
        gate: Gate,
        new_id: Callable[[], str],
        clock: Clock,
    ) -> None:
        self.load = load
        self._routes = routes
        self._pipeline = pipeline
        self._gate = gate
        self._new_id = new_id
        self._monotonic = clock.monotonic
        self._calls = {path.encode(): dialect for path, dialect in routes.calls()}
        self._heads: dict[bytes, _Head] = {}
        #: A client's heads differ in nothing but the length: what was read of the rest.
        self._rests: dict[tuple[bytes, bytes], tuple[Dialect, bytes]] = {}
        self._answers: dict[tuple[str, Cause], list[tuple[bytes, ...]]] = {}
        self._turn = 0
        self._held: deque[tuple[float, Turned]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        #: When somebody was looked at last.
        self._now = 0.0

    def look(self, data: bytes) -> bytes | None:
        """What came in one read while nothing was under way on the connection. None: it has to be parsed. Empty: it has
        to be parsed, and its key was found to have room. Else the whole answer that turns it away."""
        end = data.find(b"\r\n\r\n")
        head = self._heads.get(data[:end]) or self._learn(data, end)
        if head is None or head.whole != len(data) or self._gate.draining:
            return None
        self._now = now = self._monotonic()
        if now >= head.until:
            head.key, head.until = self._pipeline.known(head.presented), now + _REMEMBERED_S
        load = self.load
        cause = load.refuses(head.key, now)
        if cause is None:
            return b""
        load.shed[cause] += 1
        return self._answer(head.dialect, cause)

    def tell(self, connection: Turned, answer: bytes) -> None:
        """Turn the connection away that was looked at: at once, or in a moment where it has not waited since the last
        time."""
        now = self._now
        hammers = now - connection.refused_at < _HAMMERS_S and self.load.sharing
        connection.refused_at = now
        if not hammers:
            connection.transport.write(answer)
            return
        connection.held = answer
        if not self._held:
            self._loop = self._loop or asyncio.get_running_loop()
            self._loop.call_later(_HELD_S, self._release)
        self._held.append((now + _HELD_S, connection))

    def _release(self) -> None:
        held, now = self._held, self._monotonic()
        while held and held[0][0] <= now:
            write_held(held.popleft()[1])
        if held and self._loop is not None:
            self._loop.call_later(held[0][0] - now, self._release)

    def _learn(self, data: bytes, end: int) -> _Head | None:
        """Read a head that was not seen yet."""
        at = data.find(_LENGTH_END, 0, end)
        if at < 0 or end > _HEAD_BYTES_MAX:
            return None
        at += len(_LENGTH_END)
        stop = data.find(b"\r\n", at)
        digits = data[at:stop]
        if not digits.isdigit() or len(digits) > _LENGTH_DIGITS_MAX:
            return None
        rest = (data[:at], data[stop:end])
        asked = self._rests.get(rest)
        if asked is None:
            asked = self._read(data[: end + 2], at)
            if asked is None:
                return None
            if len(self._rests) >= _HEADS_MAX:
                self._rests.clear()
            self._rests[rest] = asked
        if len(self._heads) >= _HEADS_MAX:
            self._heads.clear()
        head = self._heads[data[:end]] = _Head(*asked, whole=end + 4 + int(digits))
        return head

    def _read(self, given: bytes, at: int) -> tuple[Dialect, bytes] | None:
        """What a head asks for, and with which key, if it is plain: all that does not hang on the digits at `at`."""
        head = given.lower()
        line = head.find(b"\r\n")
        if (
            not given.startswith(b"POST /")
            or head[line - 9 : line] != b" http/1.1"
            or head[at - len(_LENGTH) : at] != _LENGTH
            or head.count(_LENGTH_NAME) != 1
            or head.count(b"\n") != head.count(b"\r\n")
            or _UNUSUAL.search(head) is not None
        ):
            return None
        target = given[5 : line - 9]
        dialect = self._calls.get(target) or self._find(target)
        presented = _presented(head, given)
        return None if dialect is None or presented is None else (dialect, presented)

    def _find(self, target: bytes) -> Dialect | None:
        """For the paths that hold a model."""
        path = target.partition(b"?")[0]
        if not path.isascii() or b"%" in path:
            return None
        try:
            return self._routes.find(path.decode()).dialect
        except NotFound:
            return None

    def _answer(self, dialect: Dialect, cause: Cause) -> bytes:
        ready = self._answers.get((dialect.name, cause))
        if ready is None:
            ready = self._answers[dialect.name, cause] = self._prepare(dialect, cause)
        self._turn = turn = (self._turn + 1) % _WAITS
        return self._new_id().encode().join(ready[turn])

    def _prepare(self, dialect: Dialect, cause: Cause) -> list[tuple[bytes, ...]]:
        """What stands around the id, with different waits."""
        error = self.load.refusal(cause)
        error.retry_after_s = None
        body = error_body(error, dialect)
        lines = [*error_headers(error, "\0"), *SHARED, (b"content-length", b"%d" % len(body))]
        head = [b"HTTP/1.1 503 Service Unavailable", *(b": ".join(line) for line in lines)]
        made: list[tuple[bytes, ...]] = []
        for _ in range(_WAITS):
            wait_ms = int(self.load.wait_s() * 1000)
            waits = [b"retry-after: %d" % -(-wait_ms // 1000), b"retry-after-ms: %d" % wait_ms]
            made.append(tuple((b"\r\n".join([*head, *waits]) + b"\r\n\r\n" + body).split(b"\0")))
        return made


def _presented(head: bytes, given: bytes) -> bytes | None:
    """The key's text, where there is one credential only. See `credential.read_key`."""
    bearer, named = head.find(_BEARER), head.find(b"api-key:")
    if bearer >= 0 and named < 0:
        at = bearer + len(_BEARER)
    elif bearer < 0 <= named and b"\r\nauthorization" not in head and head.find(b"api-key:", named + 8) < 0:
        at = named + 8
    else:
        return None
    return given[at : head.find(b"\r\n", at)].strip() or None
