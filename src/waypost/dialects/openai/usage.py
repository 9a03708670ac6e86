"""OpenAI's usage object, with the fields that other providers add to it.

https://platform.openai.com/docs/api-reference/chat/object; `cost` and `cache_write_tokens`:
https://openrouter.ai/docs/use-cases/usage-accounting; `prompt_cache_hit_tokens`:
https://api-docs.deepseek.com/api/create-chat-completion (2026-11-21).
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from waypost.core.markup import Marked
from waypost.core.money import parse_usd
from waypost.core.usage import Usage
from waypost.dialects.costs import Count, cost_raw, details_raw, put_cost
from waypost.dialects.fields import Fields, parse_nested, render_fields

#: A charge above this, in dollars, is not believed.
_MAX_CHARGE_USD = 1_000_000


class _InputDetails(msgspec.Struct, gc=False):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    audio_tokens: Count | None = None


class _OutputDetails(msgspec.Struct, gc=False):
    reasoning_tokens: Count | None = None
    audio_tokens: Count | None = None


class _WireUsage(msgspec.Struct, gc=False):
    prompt_tokens: Count
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None
    prompt_cache_hit_tokens: Count | None = None
    cost: msgspec.Raw = msgspec.Raw()


class _CostObject(msgspec.Struct, gc=False):
    total_cost: Decimal


_USAGE = msgspec.json.Decoder(_WireUsage)
_DOLLARS = msgspec.json.Decoder(Decimal)
_COST_OBJECT = msgspec.json.Decoder(_CostObject)
_NO_INPUT = _InputDetails()
_NO_OUTPUT = _OutputDetails()


def parse_usage(raw: msgspec.Raw | None) -> Usage | None:
    """The counts, or None when there are none or any of them is absurd: negative, over 10^9, no whole number."""
    if raw is None:
        return None
    try:
        wire = _USAGE.decode(raw)
    except (ValueError, RecursionError):
        return None
    prompt, given, made = wire.prompt_tokens, wire.prompt_tokens_details, wire.completion_tokens_details
    charged = _charge(wire.cost) if bytes(wire.cost) else None
    if given is None and made is None and not wire.prompt_cache_hit_tokens:
        return Usage(prompt, _output(wire, 0), charged_nusd=charged)
    given, made = given or _NO_INPUT, made or _NO_OUTPUT
    cached = given.cached_tokens if given.cached_tokens is not None else wire.prompt_cache_hit_tokens or 0
    reasoning = made.reasoning_tokens or 0
    return Usage(
        input=prompt,
        output=_output(wire, reasoning),
        cache_read=min(cached, prompt),
        cache_write=min(given.cache_write_tokens or 0, max(0, prompt - cached)),
        reasoning=reasoning,
        audio_input=min(given.audio_tokens or 0, prompt),
        audio_output=made.audio_tokens or 0,
        charged_nusd=charged,
    )


def _output(wire: _WireUsage, reasoning: int) -> int:
    total, output = wire.total_tokens, wire.completion_tokens
    if output is None:
        return max(0, total - wire.prompt_tokens) if total is not None else 0
    if reasoning and total == wire.prompt_tokens + output + reasoning:
        # xAI and some others count reasoning beside the completion tokens; the total tells which it is.
        return output + reasoning
    return output if output > reasoning else reasoning


def _charge(raw: msgspec.Raw) -> int | None:
    try:
        dollars = _DOLLARS.decode(raw)
    except ValueError:
        try:  # Perplexity breaks its cost down: https://docs.perplexity.ai/api-reference/chat-completions-post
            dollars = _COST_OBJECT.decode(raw).total_cost
        except ValueError:
            return None
    if not dollars.is_finite() or not 0 <= dollars <= _MAX_CHARGE_USD:
        return None
    return parse_usd(dollars)


def splice_cost(raw: msgspec.Raw | None, usage: Usage | None, cost_nusd: int | None) -> msgspec.Raw:
    """`with_cost`, as text."""
    found = with_cost(raw, usage, cost_nusd)
    return found if isinstance(found, msgspec.Raw) else msgspec.Raw(render_fields(found))


def with_cost(raw: msgspec.Raw | None, usage: Usage | None, cost_nusd: int | None) -> Fields | msgspec.Raw:
    """The usage object with `cost` in it. Counts that the provider did not report are written in its place, with
    `"estimated": true`."""
    fields: Fields = {}
    if usage is not None and usage.source != "reported":
        return render_counts(usage, cost_nusd)
    if raw is not None:
        try:
            fields = parse_nested(raw)
        except ValueError:
            fields = {}
    fields["cost"] = cost_raw(cost_nusd)  # as `put_cost`, without a frame: on the path of most requests
    if cost_nusd.__class__ is Marked:
        put_cost(fields, cost_nusd)
    return fields


def render_counts(usage: Usage, cost_nusd: int | None) -> msgspec.Raw:
    """A whole usage object from our own counts."""
    flag = b'"estimated":true,' if usage.source != "reported" else b""
    cost = bytes(cost_raw(cost_nusd))
    if isinstance(cost_nusd, Marked):
        cost += b',"cost_details":%b' % bytes(details_raw(cost_nusd))
    return msgspec.Raw(
        b'{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,%b"cost":%b}'
        % (usage.input, usage.output, usage.input + usage.output, flag, cost)
    )
