"""The vocabulary both catalogue sources are compiled into: integer rates, price rows, facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

#: Order of the rates in a row. `request` is a fee per million requests, `audio` per hour, `characters`, `image` and
#: `search` per million of them, the others per million tokens.
KINDS = (
    "input",
    "output",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "audio_input",
    "audio_output",
    "reasoning",
    "request",
    "audio",
    "characters",
    "image",
    "search",
)
#: Those that are tokens, or the request as such.
TOKEN_KINDS = KINDS[: KINDS.index("request") + 1]

Rates = tuple[int | None, ...]


def parse_rate(usd_per_million: Decimal) -> int:
    """Nano-dollars per million. Digits after the ninth are float noise of the source when they are close to a
    whole number, and are rounded up when they are not."""
    exact = usd_per_million * 1_000_000_000
    near = exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    if abs(exact - near) <= Decimal("0.001"):
        return int(near)
    return int(exact.to_integral_value(ROUND_CEILING))


@dataclass(frozen=True)
class Row:
    """One price row: which source, which tier, from which day, at which hours (UTC), above how many input tokens."""

    source: int
    tier: str
    starts: str | None
    hours: tuple[int, int] | None
    above: int
    rates: Rates
    images: tuple[tuple[str, int], ...] = ()
    """Rates of images of a kind (`core.usage.Units.image`), in place of `image`."""

    def render(self) -> list[object]:
        rates: list[int | None] = list(self.rates)
        while rates and rates[-1] is None:
            rates.pop()
        return [
            self.source,
            self.tier,
            self.starts,
            list(self.hours) if self.hours else None,
            self.above,
            rates,
            *([dict(self.images)] if self.images else []),
        ]


Sheet = tuple[Row, ...]


@dataclass(frozen=True)
class Facts:
    """Capabilities and limits of one model."""

    context: int | None = None
    max_output: int | None = None
    modalities: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    mode: str | None = None
    deprecated_on: str | None = None


@dataclass
class Entry:
    """What one model id resolves to."""

    sheet: Sheet | None = None
    facts: Facts | None = None


@dataclass
class ProviderPage:
    """Everything known of one provider's models, by lower-case id."""

    models: dict[str, Entry] = field(default_factory=dict)
    #: Match rules in order: (kind, text) or ("and", [(kind, text), …]), with the id of the entry they lead to.
    rules: list[tuple[list[object], str]] = field(default_factory=list)
    fallback: tuple[str, ...] = ()


def base_row(sheet: Sheet, day: str) -> Row:
    """The default row of the lowest band on a day: what most people call the price."""
    rows = [row for row in sheet if row.tier == "" and row.above == 0]
    return max((row for row in rows if (row.starts or "") <= day), key=lambda row: row.starts or "")


def fill_from(rates: Sequence[int | None], base: Sequence[int | None]) -> Rates:
    """A tier that does not state a rate keeps the default tier's."""
    return tuple(own if own is not None else other for own, other in zip(rates, base, strict=True))
