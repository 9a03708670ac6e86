"""The shape of a price row, as the catalogue file and the configuration state it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import msgspec

#: Order of `PriceRow.rates`.
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


class PriceRow(msgspec.Struct, frozen=True, array_like=True):
    """Rates of one tier, from one day on, at some hours, above some context size."""

    source: int
    """Index into the catalogue's sources; -1 for the operator's configuration."""
    tier: str
    """`flex`, `priority`, `batch`, `fast`; empty for the default."""
    starts: str | None
    """ISO date of the first day (UTC) it applies; None for ever before."""
    hours: tuple[int, int] | None
    """Seconds since midnight UTC, end excluded; None for the whole day."""
    above: int
    """Applies when the request has more input tokens than this."""
    rates: tuple[int | None, ...]
    """Nano-dollars in the order of `KINDS`; None: not stated. Per million tokens, and per million `request`,
    `characters`, `image` and `search`; `audio` is per hour, so that every published price is a whole number."""
    images: dict[str, int] = {}
    """In place of `image`, for those of a kind (`core.usage.Units.image`). The empty kind: nothing was said of it."""


class Source(msgspec.Struct, frozen=True):
    """Where rows come from."""

    name: str
    version: str
    date: str
    """The day it was read into the catalogue."""
    licence: str
    url: str


def unix_day(day: str | None) -> float:
    """The Unix time an ISO day begins in UTC; minus infinity for None. Raises ValueError."""
    if day is None:
        return float("-inf")
    return datetime.combine(date.fromisoformat(day), time(), UTC).timestamp()
