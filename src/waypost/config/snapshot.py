"""What the request path reads: one immutable value, swapped whole on every reload."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from waypost.core.facts import ModelFacts
from waypost.core.origin import Deadlines, Origin
from waypost.core.price import Tariff
from waypost.core.quirks import Quirks
from waypost.dialects.json_limits import JsonLimits
from waypost.errors import ModelNotFound
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
    rates: RateHeaders = RateHeaders()
    """Where its answers tell of rate limits."""
    origin_label: Literal["config", "environment", "local"] = "config"
    """How it was found, for people."""

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

    @property
    def name(self) -> str:
        return f"{self.provider.name}/{self.model}"


class Route(msgspec.Struct, frozen=True):
    """What a client may ask for: a name and the targets behind it, in order of priority."""

    name: str
    """The canonical name: permissions are checked against it, never against what the client wrote."""
    targets: tuple[Target, ...]
    kind: Literal["config", "discovered", "direct"] = "config"


class Settings(msgspec.Struct, frozen=True):
    """Limits and switches of the whole gateway."""

    body_max_bytes: int = 32 * 1024 * 1024
    json: JsonLimits = JsonLimits()
    header_deadline_s: float = 10.0
    body_deadline_s: float = 60.0
    write_stall_s: float = 60.0
    drain_s: float = 30.0
    """How long running streams may go on after SIGTERM."""
    concurrency_max: int = 4096
    """Exchanges under way at once; more are answered 503."""
    reserve_output_tokens: int = 4096
    """Held per answer when the client sets no limit and the model's own is larger."""
    allow_unpriced: bool = False
    """Let keys with a budget use models without a known price (their cost is then null, not 0)."""
    log_content: bool = False
    cors_origins: tuple[str, ...] = ()
    durability: Literal["process", "fsync"] = "process"
    retention_days: int = 90
    responses_days: int = 30
    """How long answers of the Responses dialect are kept; 0: they are not."""


class Catalog(Protocol):
    """Where prices and facts of a model come from. Lookups are dict hits."""

    def find(self, provider: str, model: str) -> tuple[Tariff | None, ModelFacts]:
        """Prices and facts of a provider's own model id; (None, empty facts) when it is unknown."""
        ...


class Snapshot(msgspec.Struct, frozen=True):
    """Everything that was configured and discovered, at one moment."""

    version: int
    providers: dict[str, Provider]
    routes: dict[str, Route]
    """By canonical name: configured models by their name, discovered ones as `provider/model`."""
    aliases: dict[str, str]
    """Bare model ids and other spellings to canonical names."""
    settings: Settings
    catalog: Catalog

    def find(self, model: str) -> Route:
        """The route for what a client asked: a dict hit for known names; `provider/anything` always works.

        Raises ModelNotFound.
        """
        route = self.routes.get(model)
        if route is not None:
            return route
        canonical = self.aliases.get(model)
        if canonical is not None:
            return self.routes[canonical]
        name, slash, rest = model.partition("/")
        provider = self.providers.get(name)
        if not slash or not rest or provider is None:
            raise ModelNotFound(
                f"There is no model {model[:200]!r}. GET /v1/models lists what this key can use.",
                param="model",
            )
        tariff, facts = self.catalog.find(provider.prices or provider.name, rest)
        target = Target(provider=provider, model=rest, tariff=tariff, facts=facts)
        return Route(name=model, targets=(target,), kind="direct")
