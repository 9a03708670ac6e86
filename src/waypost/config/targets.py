"""Who serves, and what one attempt goes to."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

import msgspec
from msgspec.structs import force_setattr

from waypost.core.credentials import is_own
from waypost.core.facts import ModelFacts
from waypost.core.origin import Deadlines, Origin
from waypost.core.price import Tariff
from waypost.core.quirks import Quirks
from waypost.providers.auth.authorizer import Authorizer
from waypost.providers.spec import RateHeaders

#: Shorter keys (`ollama`, `none`) are words, not secrets.
_KEY_LEAST = 8


class Credential:
    """A provider's key, ready for the wire. Never printed: repr, str and format show `***`.

    `header` is constant; an `authorizer` makes lines for each request, where a signature or a token needs that.
    """

    __slots__ = ("_header", "authorizer")

    def __init__(self, header: bytes, authorizer: Authorizer | None = None) -> None:
        self._header = header
        self.authorizer = authorizer

    def __bool__(self) -> bool:
        return bool(self._header) or self.authorizer is not None

    def reveal(self) -> bytes:
        """The constant header lines, such as `authorization: Bearer …\\r\\n`; b"" for none."""
        return self._header

    def lines(self, method: str, authority: str, path: str, body: bytes, at: float) -> bytes:
        """Every header line for one request. See `Authorizer.lines`."""
        if self.authorizer is None:
            return self._header
        return self._header + self.authorizer.lines(method, authority, path, body, at)

    def secrets(self) -> tuple[bytes, ...]:
        """What must be taken out of a provider's words before anyone reads them."""
        lines = self._header.split(b"\r\n")
        keys = [line.partition(b":")[2].strip().removeprefix(b"Bearer ") for line in lines]
        if self.authorizer is not None:
            keys += self.authorizer.secrets()
        return tuple(key for key in keys if len(key) >= _KEY_LEAST)

    def __repr__(self) -> str:
        return "Credential(***)"

    __str__ = __repr__


class Keying(msgspec.Struct, frozen=True):
    """How a key goes into a provider's requests."""

    header: str
    """In lower case. In `authorization` it stands behind `word`, in all others bare."""
    word: str = "Bearer"
    dialects: dict[str, str] = {}
    """By dialect, the header there, where it is another one; `authorization` holds it as a bearer token."""
    hidden: bytes = b""
    """More header lines that go with every key, made of the operator's secrets."""

    def __repr__(self) -> str:
        return f"Keying({self.header!r})"


class Probe(msgspec.Struct, frozen=True):
    """What a provider is asked when nobody else asks."""

    model: str
    every_s: float


Lines = tuple[tuple[bytes, bytes], ...]
"""Header names in lower case, each with its whole line."""


class Provider(msgspec.Struct, frozen=True):
    """A configured provider."""

    name: str
    dialects: tuple[str, ...]
    origin: Origin
    path: str
    """Path of the base URL, without a trailing slash: `/v1`."""
    credential: Credential
    credentials: dict[str, Credential] = {}
    """By dialect, where the key goes elsewhere than for the others."""
    quirks: Quirks = Quirks()
    deadlines: Deadlines = Deadlines()
    headers: bytes = b""
    """Constant extra header lines, each ending in CRLF."""
    dialect_headers: dict[str, Lines] = {}
    """More of them, by dialect: what is sent unless the client sends its own."""
    paths: dict[str, str] = {}
    """By dialect, what stands before the dialect's own path, where it is not `path`. `{model}` in it is the target's
    model, percent-encoded."""
    endings: dict[str, str] = {}
    """By dialect, what stands in place of the dialect's own path, where it is another one."""
    query: str = ""
    """Goes with every request: `api-version=…`."""
    on_disconnect: Literal["drain", "cancel"] = "drain"
    drain_s: float = 30.0
    retries: int = 1
    """How often the same target is asked again after a failure that allows it."""
    models_path: str | None = "/models"
    """Appended to `path`; it may climb out with `..` and have a query."""
    models_origin: Origin | None = None
    """Where the list is, when it is not at `origin`; `models_path` is then the whole path."""
    prices: str | None = None
    serves: dict[str, tuple[str, ...]] = {}
    """In which of its dialects a model is served, by patterns of its id; the first that fits counts."""
    rates: RateHeaders = RateHeaders()
    """Where its answers tell of rate limits."""
    origin_label: Literal["config", "environment", "local"] = "config"
    """How it was found, for people."""
    probe: Probe | None = None
    keying: Keying | None = None
    """How a key that somebody brings is shown to it; None: it takes none."""
    key_name: str = ""
    """Which of its several credentials this is; "" where it has one. The same provider is there once for each."""
    region: str = ""
    """Where it works, as far as it was said."""
    trains: bool | None = None
    """Whether it trains on what it is sent; None: not known."""
    retains: bool | None = None
    """Whether it keeps what it is sent; None: not known."""
    key_weight: int = 1
    """Share of this key among those of its provider with as much of their quota left."""
    key_rpm: int | None = None
    """Most requests per minute with this key; None: as many as the provider allows."""
    key_concurrency: int | None = None
    """Most requests under way with this key at once."""
    markup: int = 0
    """What is charged above its cost (`core.markup`)."""

    label: str = ""
    """`name`, telling its credential from others of the same provider. Worked out, whatever is given here."""

    def __post_init__(self) -> None:
        force_setattr(self, "label", f"{self.name}#{self.key_name}" if self.key_name else self.name)

    @property
    def own(self) -> bool:
        """Whether its credential is one that somebody brought, and not the operator's."""
        return is_own(self.key_name)

    def dialects_for(self, model: str) -> tuple[str, ...]:
        """Those that it serves the model in, the one that carries everything first."""
        return next(
            (spoken for pattern, spoken in self.serves.items() if fnmatchcase(model, pattern)), self.dialects
        )

    def credential_for(self, dialect: str) -> Credential:
        """What a request in this dialect proves itself with."""
        return self.credentials.get(dialect, self.credential)

    def prefix_for(self, dialect: str) -> str:
        """What stands before the dialect's own path."""
        return self.paths.get(dialect, self.path)


class Target(msgspec.Struct, frozen=True):
    """A model at a provider with a credential: what one attempt goes to."""

    provider: Provider
    model: str
    """The provider's own id of it."""
    tariff: Tariff | None = None
    facts: ModelFacts = ModelFacts()
    priority: int = 1
    weight: int = 1
    quantization: str = "unknown"
    own_markup: int | None = None
    """In place of its provider's mark-up."""
    label: str = ""
    """`name`, telling its credential from others of the same provider. Worked out, whatever is given here."""
    markup: int = 0
    """What is charged above the tariff (`core.markup`). Worked out of the two that are configured."""
    dialects: tuple[str, ...] = ()
    """What the provider speaks for this model. Worked out, whatever is given here."""

    def __post_init__(self) -> None:
        force_setattr(self, "label", f"{self.provider.label}/{self.model}")
        force_setattr(self, "dialects", self.provider.dialects_for(self.model))
        markup = self.provider.markup if self.own_markup is None else self.own_markup
        if markup != self.markup:
            force_setattr(self, "markup", markup)

    @property
    def name(self) -> str:
        return f"{self.provider.name}/{self.model}"
