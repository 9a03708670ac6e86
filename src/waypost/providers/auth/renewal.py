"""Tokens and keys that end: how they are asked for, and what is kept of them.

A source is a generator that yields what to send or read and is given the answer; who sends and reads it is decided
elsewhere (`app/renew.py`). So a source needs no network to be tested, and there is only one HTTP client.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import suppress
from typing import Generic, Protocol, TypeAlias, TypeVar
from urllib.parse import urlencode

import msgspec

from waypost.core.origin import Origin
from waypost.errors import CredentialRefused, Unavailable, UpstreamError

#: A token is renewed this long before its end, or at half of its life when that is sooner.
AHEAD_S = 300.0
#: A token that ends within this time is not sent any more: the request would arrive after its end.
SPARE_S = 5.0
#: After a failure it is asked for again after 1, 2, 4 … seconds, at most this.
PAUSE_MAX_S = 60.0

_TEXT = re.compile(r"[\x21-\x7e]{1,16384}")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,60}")


def masked(value: object) -> str:
    """The repr of a value that holds secrets."""
    return f"{type(value).__name__}(***)"


class Ask(msgspec.Struct, frozen=True):
    """A request to send. `headers` go beside `host` and `content-length`."""

    origin: Origin
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Ask({self.method} {self.origin.authority}, ***)"


class ReadFile(msgspec.Struct, frozen=True):
    """A file to read; a `Said` with status 200 and its content comes back, or 404."""

    path: str


class Said(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes

    __repr__ = masked


Wanted: TypeAlias = Ask | ReadFile


class Lasting(Protocol):
    """Something with an end, in Unix seconds."""

    @property
    def expires(self) -> float: ...


class Token(msgspec.Struct, frozen=True):
    """An access token."""

    text: str
    expires: float

    __repr__ = masked


T = TypeVar("T", bound=Lasting)
T_co = TypeVar("T_co", bound=Lasting, covariant=True)


class Source(Protocol[T_co]):
    """Where a token or keys come from."""

    def steps(self, at: float) -> Generator[Wanted, Said, T_co]:
        """What to send and read at Unix time `at`; returns what was got. Raises CredentialRefused and Unavailable."""
        ...


class Renewal(Protocol):
    """Something that is to be kept fresh."""

    def needs_refresh(self, at: float) -> bool:
        """Whether it is time to ask for it again."""
        ...

    def steps(self, at: float) -> Generator[Wanted, Said, None]:
        """Ask for it. An UpstreamError may be thrown in at any step; it is noted and raised again, with the
        provider's name."""
        ...


class Held(Generic[T]):
    """What was last got from a source. A failure to renew it leaves it in use until its end."""

    __slots__ = ("_due", "_error", "_failures", "_provider", "_value", "source")

    def __init__(self, source: Source[T], provider: str) -> None:
        self.source = source
        self._provider = provider
        self._value: T | None = None
        self._due = 0.0
        self._failures = 0
        self._error: UpstreamError | None = None

    def get(self, at: float) -> T:
        """What is valid now. Raises Unavailable or CredentialRefused."""
        value = self._value
        if value is not None and at < value.expires - SPARE_S:
            return value
        if self._error is not None:
            raise _again(self._error)
        raise Unavailable(
            f"The gateway is still asking for its token for the provider {self._provider}. Try again."
        )

    def peek(self) -> T | None:
        """What was last got, whether it is still valid or not."""
        return self._value

    def needs_refresh(self, at: float) -> bool:
        return at >= self._due

    def steps(self, at: float) -> Generator[Wanted, Said, None]:
        """See `Renewal.steps`."""
        try:
            value = yield from self.source.steps(at)
            if value.expires - SPARE_S <= at:
                raise Unavailable("what was given has already ended; is this machine's clock right?")
        except UpstreamError as error:
            self._failures += 1
            self._due = at + min(PAUSE_MAX_S, 2.0 ** (self._failures - 1))
            self._error = _told(error, self._provider)
            raise _again(self._error) from None
        self._value, self._error, self._failures = value, None, 0
        self._due = value.expires - min(AHEAD_S, (value.expires - at) / 2)

    def __repr__(self) -> str:
        return f"Held({self._provider}, ***)"


def _told(error: UpstreamError, provider: str) -> UpstreamError:
    kind = CredentialRefused if isinstance(error, CredentialRefused) else Unavailable
    return kind(f"The gateway could not get a token for the provider {provider}: {error.message}")


def _again(error: UpstreamError) -> UpstreamError:
    """A fresh one, so that no traceback grows from raise to raise."""
    return type(error)(error.message)


class _TokenReply(msgspec.Struct):
    access_token: str
    expires_in: int | float | str | None = None
    expires_on: int | float | str | None = None


def parse_token(said: Said, at: float, who: str) -> Token:
    """The token of an OAuth 2.0 token answer (RFC 6749 section 5.1). Some send `expires_on`, some numbers as texts.

    Raises CredentialRefused and Unavailable; `who` begins the message.
    """
    if said.status != 200:
        raise refusal(said, who)
    try:
        reply = msgspec.json.decode(said.body, type=_TokenReply)
        ends = float(reply.expires_on) if reply.expires_in is None and reply.expires_on else None
        lasts = float(reply.expires_in) if reply.expires_in is not None else 3600.0
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Unavailable(f"{who} answered with something that is no token.") from None
    if _TEXT.fullmatch(reply.access_token) is None:
        raise Unavailable(f"{who} gave a token that can not stand in a header.")
    return Token(reply.access_token, at + lasts if ends is None else ends)


class _ErrorReply(msgspec.Struct):
    error: object = None
    Code: object = None
    errorCode: object = None


def refusal(said: Said, who: str) -> UpstreamError:
    """What an answer other than 200 means. Only a well-formed error code is quoted, never a description."""
    words: tuple[object, ...] = ()
    with suppress(msgspec.DecodeError, RecursionError):
        reply = msgspec.json.decode(said.body, type=_ErrorReply)
        words = (reply.error, reply.Code, reply.errorCode)
    code = next((word for word in words if isinstance(word, str) and _CODE.fullmatch(word)), None)
    told = f"{who} answered HTTP {said.status}" + (f" ({code})." if code else ".")
    return CredentialRefused(told) if said.status in (400, 401, 403, 404) else Unavailable(told)


def form(**fields: str) -> bytes:
    """An `application/x-www-form-urlencoded` body."""
    return urlencode(fields).encode()


FORM = ("content-type", "application/x-www-form-urlencoded")
JSON = ("accept", "application/json")


def public(host: str) -> Origin:
    """An HTTPS origin on the open network."""
    return Origin("https", host, 443)


def metadata(host: str, port: int = 80) -> Origin:
    """Where a cloud gives out credentials to whoever asks from the machine."""
    return Origin("http", host, port, private=True, metadata=True)
