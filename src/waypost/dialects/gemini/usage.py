"""Google's usage object: https://ai.google.dev/api/generate-content#UsageMetadata (2026-11-25).

The prompt's count includes what was cached. The candidates' count leaves the thoughts out, and what tools put into the
prompt is counted apart: both are added here. `trafficType` is Vertex AI's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from waypost.core.usage import Usage
from waypost.dialects.costs import Count, put_cost
from waypost.dialects.fields import Fields, parse_nested, render_fields


class _Modality(msgspec.Struct, rename="camel", gc=False):
    modality: str = ""
    token_count: Count = 0


class _Wire(msgspec.Struct, rename="camel", gc=False):
    prompt_token_count: Count | None = None
    cached_content_token_count: Count | None = None
    candidates_token_count: Count | None = None
    response_token_count: Count | None = None
    thoughts_token_count: Count | None = None
    tool_use_prompt_token_count: Count | None = None
    total_token_count: Count | None = None
    prompt_tokens_details: list[_Modality] | None = None
    candidates_tokens_details: list[_Modality] | None = None
    service_tier: str | None = None
    traffic_type: str | None = None


_USAGE = msgspec.json.Decoder(_Wire)

#: What Google calls the tiers, in requests (`serviceTier`) and in answers; None: nothing that has a price of its own.
#: https://ai.google.dev/gemini-api/docs/priority-inference, google-genai's `TrafficType` (2026-11-25).
TIERS: Mapping[str, str | None] = MappingProxyType(
    {
        "unspecified": None,
        "standard": "default",
        "flex": "flex",
        "priority": "priority",
        "on_demand": "default",
        "on_demand_flex": "flex",
        "on_demand_priority": "priority",
    }
)


def read_tier(word: str) -> str | None:
    """A tier in the core's words; one that is not known as it is, in lower case."""
    bare = word.lower().removeprefix("service_tier_")
    return TIERS.get(bare, bare)


def parse_usage(raw: msgspec.Raw | None) -> Usage | None:
    """The counts, or None when there are none or any of them is absurd: negative, over 10^9, no whole number."""
    wire = _decode(raw)
    return None if wire is None else _usage(wire)


def read_counts(raw: msgspec.Raw | None) -> tuple[Usage | None, str | None]:
    """`parse_usage` and `parse_tier`, read once."""
    wire = _decode(raw)
    return (None, None) if wire is None else (_usage(wire), _tier(wire))


def _usage(wire: _Wire) -> Usage | None:
    if wire.prompt_token_count is None:
        return None
    tools = wire.tool_use_prompt_token_count or 0
    given = wire.prompt_token_count + tools
    thoughts = wire.thoughts_token_count or 0
    return Usage(
        given,
        _output(wire, given, thoughts),
        min(wire.cached_content_token_count or 0, given),
        0,
        0,
        thoughts,
        min(_audio(wire.prompt_tokens_details), given),
        _audio(wire.candidates_tokens_details),
    )


def parse_tier(raw: msgspec.Raw | None) -> str | None:
    """The tier that was served, where the usage object says it."""
    wire = _decode(raw)
    return None if wire is None else _tier(wire)


def _tier(wire: _Wire) -> str | None:
    word = wire.service_tier or wire.traffic_type
    return None if word is None else read_tier(word)


def _decode(raw: msgspec.Raw | None) -> _Wire | None:
    if raw is None or not bytes(raw):
        return None
    try:
        return _USAGE.decode(raw)
    except (ValueError, RecursionError):
        return None


def _output(wire: _Wire, given: int, thoughts: int) -> int:
    made = wire.candidates_token_count
    if made is None:
        made = wire.response_token_count
    if made is not None:
        return made + thoughts
    # Left out when nothing but thoughts was made; where the total says more, it is believed.
    total = wire.total_token_count
    return thoughts if total is None else max(thoughts, total - given)


def _audio(details: list[_Modality] | None) -> int:
    return sum([each.token_count for each in details if each.modality == "AUDIO"]) if details else 0


def splice_cost(raw: msgspec.Raw | None, usage: Usage | None, cost_nusd: int | None) -> msgspec.Raw:
    """The usage object with `cost` in it: google-genai, Google's other SDKs and its older ones leave fields they do not
    know out (google-genai 3.6.1, `_common._remove_extra_fields`). Counts that the provider did not report are written
    in its place, with `"estimated": true`."""
    fields: Fields = {}
    if usage is not None and usage.source != "reported":
        fields = render_counts(usage)
        fields["estimated"] = msgspec.Raw(b"true")
    elif raw is not None:
        try:
            fields = parse_nested(raw)
        except ValueError:
            fields = {}
    put_cost(fields, cost_nusd)
    return msgspec.Raw(render_fields(fields))


def render_counts(usage: Usage) -> Fields:
    """A usage object from the core's counts. `cachedContentTokenCount` has no counterpart for cache writes."""
    fields: Fields = {"promptTokenCount": _number(usage.input)}
    if usage.cache_read:
        fields["cachedContentTokenCount"] = _number(usage.cache_read)
    if usage.output > usage.reasoning:
        fields["candidatesTokenCount"] = _number(usage.output - usage.reasoning)
    if usage.reasoning:
        fields["thoughtsTokenCount"] = _number(usage.reasoning)
    fields["totalTokenCount"] = _number(usage.input + usage.output)
    if usage.audio_input:
        fields["promptTokensDetails"] = _details(usage.audio_input)
    if usage.audio_output:
        fields["candidatesTokensDetails"] = _details(usage.audio_output)
    return fields


def _details(audio: int) -> msgspec.Raw:
    return msgspec.Raw(b'[{"modality":"AUDIO","tokenCount":%d}]' % audio)


def _number(count: int) -> msgspec.Raw:
    return msgspec.Raw(b"%d" % count)
