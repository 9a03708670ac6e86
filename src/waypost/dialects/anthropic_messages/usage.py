"""Anthropic's usage object. Its `input_tokens` leaves out what was read from and written to the cache.

https://platform.claude.com/docs/en/api/messages and .../build-with-claude/prompt-caching; `output_tokens_details`,
`iterations`: the types of anthropic 2.14.0 on PyPI; `cost`: https://openrouter.ai/docs/use-cases/usage-accounting
(2026-11-25).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from waypost.core.money import parse_usd
from waypost.core.usage import Usage
from waypost.dialects.costs import Count, put_cost
from waypost.dialects.fields import Fields, loose_string, render_fields
from waypost.dialects.taking import Json, object_or_none

#: A charge above this, in dollars, is not believed.
_MAX_CHARGE_USD = 1_000_000
#: Fields that a `Usage` and a tier say again; the rest of a usage object is kept beside them.
MODELLED = frozenset(
    (
        "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation",
        "output_tokens_details", "service_tier", "cost",
    )
)  # fmt: skip
#: https://platform.claude.com/docs/en/api/service-tiers (2026-11-25), and what the core calls them.
TIERS = {"standard": "default", "priority": "priority", "batch": "batch"}
_TIER_WORDS = {name: word for word, name in TIERS.items()}


class _Written(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class _Details(msgspec.Struct, gc=False):
    thinking_tokens: Count | None = None


class _Counts(msgspec.Struct, gc=False):
    type: str | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation: _Written | None = None


class _WireUsage(_Counts, gc=False):
    output_tokens_details: _Details | None = None
    iterations: list[_Counts] | None = None
    cost: msgspec.Raw = msgspec.Raw()


_USAGE = msgspec.json.Decoder(_WireUsage)
_DOLLARS = msgspec.json.Decoder(Decimal)
_NOTHING_WRITTEN = _Written()


def parse_usage(raw: msgspec.Raw | None) -> Usage | None:
    """The counts, or None when there are none or any of them is absurd: negative, over 10^9, no whole number."""
    if raw is None:
        return None
    try:
        wire = _USAGE.decode(raw)
    except (ValueError, RecursionError):
        return None
    if wire.input_tokens is None:
        return None
    # The counts at the top leave the summaries of compaction out, and those are billed as well.
    summaries = [each for each in wire.iterations or () if each.type == "compaction"]
    thinking = None if wire.output_tokens_details is None else wire.output_tokens_details.thinking_tokens
    return _sum([wire, *summaries], thinking or 0, _charge(wire.cost) if bytes(wire.cost) else None)


def _sum(entries: Iterable[_Counts], thinking: int, charged_nusd: int | None) -> Usage:
    given = output = read = written = written_1h = 0
    for entry in entries:
        split = entry.cache_creation or _NOTHING_WRITTEN
        long, short = split.ephemeral_1h_input_tokens or 0, split.ephemeral_5m_input_tokens or 0
        made = entry.cache_creation_input_tokens
        made = long + short if made is None else made
        given += entry.input_tokens or 0
        output += entry.output_tokens or 0
        read += entry.cache_read_input_tokens or 0
        written += made
        written_1h += min(long, made)
    # By place, which is far cheaper than by name.
    return Usage(
        given + read + written,
        output,
        read,
        written,
        written_1h,
        min(thinking, output),
        0,
        0,
        "reported",
        charged_nusd,
    )


def _charge(raw: msgspec.Raw) -> int | None:
    try:
        dollars = _DOLLARS.decode(raw)
    except ValueError:
        return None
    if not dollars.is_finite() or not 0 <= dollars <= _MAX_CHARGE_USD:
        return None
    return parse_usd(dollars)


def merge(before: Fields, now: msgspec.Raw | None) -> Fields:
    """The usage so far with what a later event says of it: its counts are running totals, and it may leave some out."""
    fields = object_or_none(now) or {}
    return before | {name: raw for name, raw in fields.items() if bytes(raw) != b"null"}


def tier_of(raw: msgspec.Raw | None) -> str | None:
    """The tier that prices are for: fast mode before the service tier."""
    return tier_in(object_or_none(raw) or {})


def tier_in(usage: Fields) -> str | None:
    """`tier_of`, from the fields of a usage object."""
    if "speed" in usage and loose_string(usage["speed"]) == "fast":
        return "fast"
    return loose_string(usage.get("service_tier"))


def splice_cost(fields: Fields, usage: Usage | None, cost_nusd: int | None) -> msgspec.Raw:
    """The usage object with `cost` in it. Counts that the provider did not report are written in its place, with
    `"estimated": true`. Anthropic's SDKs keep fields they do not know."""
    if usage is not None and usage.source != "reported":
        counts: Json = {**usage_object(usage), "estimated": True}
        put_cost(counts, cost_nusd)
        return msgspec.Raw(msgspec.json.encode(counts))
    shown = fields.copy()
    put_cost(shown, cost_nusd)
    return msgspec.Raw(render_fields(shown))


def usage_object(usage: Usage, tier: str | None = None) -> Json:
    """A usage object of this dialect, from the core's counts. `tier` in the core's word."""
    written, long = usage.cache_write, min(usage.cache_write_1h, usage.cache_write)
    out: Json = {
        "input_tokens": max(0, usage.input - usage.cache_read - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": written - long,
            "ephemeral_1h_input_tokens": long,
        },
        "output_tokens": usage.output,
    }
    if usage.reasoning:
        out["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    if tier in _TIER_WORDS:
        out["service_tier"] = _TIER_WORDS[tier]
    return out
