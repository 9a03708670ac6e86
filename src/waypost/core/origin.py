"""Where an attempt goes, and how long each phase of it may take."""

from __future__ import annotations

from typing import Literal

import msgspec


class TlsFiles(msgspec.Struct, frozen=True):
    """Paths of PEM files. Verification is always on; `ca` replaces the built-in roots."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None


class Proxy(msgspec.Struct, frozen=True):
    """An HTTP CONNECT proxy. `authorization` is the ready `Basic …` value; it never appears in a repr."""

    host: str
    port: int
    authorization: str | None = None

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"


class Origin(msgspec.Struct, frozen=True):
    """Scheme, host and port: one connection pool each. Hashable."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    #: Set only from the operator's file: addresses on the deny list (loopback, private, link-local …) are allowed.
    private: bool = False
    #: Set only by code that fetches the gateway's own credentials: cloud metadata addresses are allowed.
    metadata: bool = False
    proxy: Proxy | None = None
    tls: TlsFiles | None = None

    @property
    def authority(self) -> str:
        """The `Host` header's value."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        standard = (self.scheme, self.port) in (("http", 80), ("https", 443))
        return host if standard else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """As people write it: `https://api.openai.com`."""
        return f"{self.scheme}://{self.authority}"


class Deadlines(msgspec.Struct, frozen=True):
    """Seconds per phase of an attempt."""

    connect_s: float = 5.0
    """Name lookup, TCP and TLS together."""
    first_byte_s: float = 120.0
    """From the last request byte to the first response byte."""
    idle_s: float = 60.0
    """Between two reads of a streamed answer."""
    progress_s: float = 120.0
    """Between two content deltas: comments and pings show life, not progress."""
    total_s: float = 600.0
    """The whole attempt."""
