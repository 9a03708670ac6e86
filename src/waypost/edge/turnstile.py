"""The cheapest no there is: an overloaded gateway answers requests before they are parsed, let alone run.

At twice the load it can bear, every second request is turned away; were that a tenth as dear as serving it, a tenth of
the goodput would be gone. So a request that came whole and is framed in the plainest way is answered from its bytes.
Whatever is in the least unusual is left to the parser, and asked for later, at `edge/app.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

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
#: A client's heads differ in nothing but the length, so what was read of one holds for the next.
_HEADS_MAX = 2048
_HEAD_BYTES_MAX = 4096
_BEARER = b"\r\nauthorization: bearer "
_LENGTH_DIGITS_MAX = 10


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
        self._heads: dict[tuple[bytes, bytes], tuple[Dialect, bytes]] = {}
        self._answers: dict[tuple[str, Cause], tuple[bytes, bytes]] = {}

    def look(self, data: bytes) -> bytes | None:
        """What came in one read while nothing was under way on the connection. None: it has to be parsed. Empty: it has
        to be parsed, and its key was found to have room. Else the whole answer that turns it away."""
        end = data.find(b"\r\n\r\n")
        at = data.find(_LENGTH_END, 0, end)
        if at < 0 or end > _HEAD_BYTES_MAX or self._gate.draining:
            return None
        at += len(_LENGTH_END)
        stop = data.find(b"\r\n", at)
        digits = data[at:stop]
        if not digits.isdigit() or len(digits) > _LENGTH_DIGITS_MAX or int(digits) != len(data) - end - 4:
            return None
        rest = (data[:at], data[stop:end])
        asked = self._heads.get(rest)
        if asked is None:
            asked = self._read(data[: end + 2], at)
            if asked is None:
                return None
            if len(self._heads) >= _HEADS_MAX:
                self._heads.clear()
            self._heads[rest] = asked
        load, (dialect, presented) = self.load, asked
        cause = load.refuses(self._pipeline.known(presented), self._monotonic())
        if cause is None:
            return b""
        load.shed[cause] += 1
        return self._answer(dialect, cause)

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
        wait_ms = int(self.load.wait_s() * 1000)
        name = self._new_id().encode()
        return ready[0] % (name, name, -(-wait_ms // 1000), wait_ms) + ready[1]

    def _prepare(self, dialect: Dialect, cause: Cause) -> tuple[bytes, bytes]:
        """Head, with places for the id, twice, and for the wait in seconds and in milliseconds; and body."""
        error = self.load.refusal(cause)
        error.retry_after_s = None
        body = error_body(error, dialect)
        lines = [*error_headers(error, "%b"), *SHARED]
        lines += [(b"retry-after", b"%d"), (b"retry-after-ms", b"%d"), (b"content-length", b"%d" % len(body))]
        head = [b"HTTP/1.1 503 Service Unavailable", *(b": ".join(line) for line in lines)]
        return b"\r\n".join(head) + b"\r\n\r\n", body


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
