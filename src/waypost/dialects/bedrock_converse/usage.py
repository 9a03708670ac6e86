"""Converse's token counts.

`inputTokens` leaves out what was read from and written to the cache: the whole input is all three together
(https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html, 2026-11-25). The fields:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html (2026-11-25).
"""

from __future__ import annotations

import msgspec

from waypost.core.usage import Usage
from waypost.dialects.costs import Count, put_cost
from waypost.dialects.fields import Fields, parse_nested, render_fields
from waypost.dialects.taking import Json


class _Written(msgspec.Struct, gc=False, rename="camel"):
    """One element of `cacheDetails`: tokens written to the cache for so long."""

    ttl: str
    input_tokens: Count


class _WireUsage(msgspec.Struct, gc=False, rename="camel"):
    input_tokens: Count
    output_tokens: Count = 0
    cache_read_input_tokens: Count | None = None
    cache_write_input_tokens: Count | None = None
    cache_details: list[_Written] | None = None


_USAGE = msgspec.json.Decoder(_WireUsage)


def parse_usage(raw: msgspec.Raw | None) -> Usage | None:
    """The counts, or None when there are none or any of them is absurd: negative, over 10^9, no whole number."""
    if raw is None:
        return None
    try:
        wire = _USAGE.decode(raw)
    except (ValueError, RecursionError):
        return None
    read, details = wire.cache_read_input_tokens or 0, wire.cache_details or []
    written = wire.cache_write_input_tokens
    if written is None:
        written = sum(detail.input_tokens for detail in details)
    long = sum(detail.input_tokens for detail in details if detail.ttl == "1h")
    return Usage(
        input=wire.input_tokens + read + written,
        output=wire.output_tokens,
        cache_read=read,
        cache_write=written,
        cache_write_1h=min(long, written),
    )


def usage_object(usage: Usage) -> Json:
    """The counts as Converse says them."""
    out: Json = {
        "inputTokens": max(0, usage.input - usage.cache_read - usage.cache_write),
        "outputTokens": usage.output,
        "totalTokens": usage.input + usage.output,
    }
    if usage.cache_read or usage.cache_write:
        out["cacheReadInputTokens"] = usage.cache_read
        out["cacheWriteInputTokens"] = usage.cache_write
    if usage.cache_write_1h:
        short = usage.cache_write - usage.cache_write_1h
        out["cacheDetails"] = [
            {"ttl": ttl, "inputTokens": tokens}
            for ttl, tokens in (("1h", usage.cache_write_1h), ("5m", short))
            if tokens
        ]
    return out


def splice_cost(raw: msgspec.Raw | None, usage: Usage | None, cost_nusd: int | None) -> msgspec.Raw:
    """The usage object with `cost` in it: SDKs read the members they know and pass over the rest. Counts that the
    provider did not report are written in its place, with `"estimated": true`."""
    if usage is not None and usage.source != "reported":
        counts: Json = {**usage_object(usage), "estimated": True}
        put_cost(counts, cost_nusd)
        return msgspec.Raw(msgspec.json.encode(counts))
    fields: Fields = {}
    if raw is not None:
        try:
            fields = parse_nested(raw)
        except ValueError:
            fields = {}
    put_cost(fields, cost_nusd)
    return msgspec.Raw(render_fields(fields))
