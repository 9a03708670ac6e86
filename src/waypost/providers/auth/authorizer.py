"""What proves to a provider that the gateway may ask it."""

from __future__ import annotations

from typing import Protocol

from waypost.providers.auth.renewal import Held, Renewal, Token


class Authorizer(Protocol):
    """Makes the header lines of one request from what is in memory."""

    @property
    def key(self) -> object:
        """Equal for two that do the same: then the one that has its token already is kept over a reload."""
        ...

    @property
    def renewal(self) -> Renewal | None:
        """What has to be fetched and kept fresh for it; None when nothing ends."""
        ...

    def lines(self, method: str, authority: str, path: str, body: bytes, at: float) -> bytes:
        """Header lines, each ending in CRLF, for a request with this `host` and this path (query included) at Unix
        time `at`. Raises Unavailable or CredentialRefused when what it needs has ended and could not be renewed."""
        ...

    def secrets(self) -> tuple[bytes, ...]:
        """What must be taken out of a provider's words before anyone reads them."""
        ...


class BearerToken:
    """`authorization: Bearer …` with a token that is renewed before it ends."""

    __slots__ = ("_held", "_line", "_token")

    def __init__(self, held: Held[Token]) -> None:
        self._held = held
        self._token: Token | None = None
        self._line = b""

    @property
    def key(self) -> object:
        return self._held.source

    @property
    def renewal(self) -> Renewal:
        return self._held

    def lines(self, method: str, authority: str, path: str, body: bytes, at: float) -> bytes:  # noqa: ARG002
        """See `Authorizer.lines`. The same line until the token is another one."""
        token = self._held.get(at)
        if token is not self._token:
            self._token = token
            self._line = f"authorization: Bearer {token.text}\r\n".encode()
        return self._line

    def secrets(self) -> tuple[bytes, ...]:
        return () if self._token is None else (self._token.text.encode(),)

    def __repr__(self) -> str:
        return "BearerToken(***)"
