"""What a dialect of the simulated provider is: it reads requests into an `Ask`, and writes answers and errors.

The engine decides what is answered, what fails and what it costs; a dialect only knows how that looks on the wire.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Literal, Protocol

import msgspec

from waypost.simulator.answers import Answer
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.bill import Tokens
from waypost.simulator.models import Behaviour
from waypost.simulator.wire import Told, Wire

Json = dict[str, object]
UsageForm = Literal["exact", "missing", "null", "zero", "huge", "negative", "twice", "falling", "growing"]

JSON_TYPE = (b"content-type", b"application/json")
STREAM_TYPE = (b"content-type", b"text/event-stream; charset=utf-8")
HUGE = 10**15

#: What the usage forms that lie say instead of a count.
LIES: Mapping[str, int] = {"zero": 0, "huge": HUGE, "negative": -7}


class Request(msgspec.Struct, frozen=True):
    """One HTTP request: the path without its query, still percent-encoded; header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    body: bytes

    def header(self, name: str) -> str:
        """A header's value, "" when it is missing."""
        return self.headers.get(name.encode(), b"").decode("latin-1")


class Stamp(msgspec.Struct, frozen=True):
    """What names one answer. `created` is Unix time in seconds. `name` is 24 hexadecimal digits, for ids."""

    answer_id: str
    request_id: str
    number: int
    seed: int
    created: int
    name: str = ""

    @property
    def x_sim(self) -> Json:
        return {"request": self.number, "seed": self.seed, "nested": {"kept": [1, "two", None]}}


class Odd(msgspec.Struct, frozen=True):
    """What faults put into an answer, in the dialect's own form.

    `told` is an error instead of the answer, `event` one inside a stream; `reset` says in headers when a limit ends,
    for seconds from a Unix time. `garbage` is an event that can not be read, `tiny` a harmless one, and `padded` a
    harmless one of so many bytes.
    """

    told: Callable[[Refused], Told]
    event: Callable[[Refused], bytes]
    reset: Callable[[float, float], list[tuple[bytes, bytes]]]
    garbage: bytes
    tiny: bytes
    padded: Callable[[int], bytes]


class Lock(msgspec.Struct, frozen=True):
    """What a request must present: `key` None asks for nothing. `secret` is for dialects that sign."""

    key: str | None = None
    secret: str | None = None

    def opens(self, given: str) -> bool:
        """Whether a presented key is the right one."""
        return self.key is None or hmac.compare_digest(given.encode(), self.key.encode())


class Billed(msgspec.Struct, frozen=True):
    """What a page is billed as."""

    model: str
    operation: str
    used: Tokens


class Page(msgspec.Struct, frozen=True):
    """An answer that no model of text gave: a list, a count, something stored, a sound."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = (JSON_TYPE,)
    billed: Billed | None = None
    """None: for nothing."""


class Shelf(msgspec.Struct, frozen=True):
    """What pages are made of: the model names, and the time (Unix seconds)."""

    names: tuple[str, ...]
    created: int


class Dialect(Protocol):
    """One wire format. Instances belong to one engine; what they remember between requests is bounded."""

    @property
    def name(self) -> str:
        """Its name, as in a configuration."""
        ...

    @property
    def id_header(self) -> bytes:
        """The header that names a request; b"" for none."""
        ...

    def owns(self, request: Request, /) -> bool:
        """Whether this request is in this dialect, by its path and headers alone."""
        ...

    def admit(self, request: Request, lock: Lock, now: float, /) -> None:
        """Raises Refused for a request without the right key."""
        ...

    def parse(self, request: Request, /) -> Ask | None:
        """What a model is asked; None when this is not a request to a model. Raises Refused."""
        ...

    def page(self, request: Request, shelf: Shelf, /) -> Page | None:
        """The answer to everything that is not for a model; None when there is no such page. Raises Refused."""
        ...

    def stamp_id(self, ask: Ask, name: str, /) -> str:
        """An answer's id from 24 hexadecimal digits."""
        ...

    def render(
        self, ask: Ask, answer: Answer, behaviour: Behaviour, stamp: Stamp, form: UsageForm, /
    ) -> Wire:
        """The answer, whole or streamed."""
        ...

    def odd(self, ask: Ask, stamp: Stamp, /) -> Odd:
        """The dialect's form of what goes wrong."""
        ...

    def told(self, refused: Refused, request_id: str, /) -> Told:
        """An error answer: its status, its body, and the headers that belong to it."""
        ...
