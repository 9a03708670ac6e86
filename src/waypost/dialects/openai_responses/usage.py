"""The usage object of a response: https://platform.openai.com/docs/api-reference/responses/object (2026-11-25).

`input_tokens` includes what was read from and written to the cache, `output_tokens` includes reasoning: as in the core.
`cost` is OpenRouter's: https://openrouter.ai/docs/use-cases/usage-accounting (2026-11-25).
"""

from __future__ import annotations

import msgspec

from waypost.core.usage import Usage
from waypost.dialects.costs import put_cost
from waypost.dialects.fields import render_fields
from waypost.dialects.openai import usage as openai
from waypost.dialects.taking import Json, object_or_none, object_raw

#: Chat's words for the same counts: what is believed of a provider's counts is then decided in one place.
_AS_IN_CHAT = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens_details": "completion_tokens_details",
}
_ENCODER = msgspec.json.Encoder()


def parse_usage(raw: msgspec.Raw | None) -> Usage | None:
    """The counts, or None when there are none or any of them is absurd: negative, over 10^9, no whole number."""
    fields = object_or_none(raw)
    if fields is None:
        return None
    return openai.parse_usage(
        object_raw({_AS_IN_CHAT.get(name, name): value for name, value in fields.items()})
    )


def usage_object(usage: Usage, cost_nusd: int | None) -> Json:
    """A whole usage object. Counts that the provider did not report are marked `"estimated": true`."""
    out: Json = {
        "input_tokens": usage.input,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }
    if usage.source != "reported":
        out["estimated"] = True
    put_cost(out, cost_nusd)
    return out


def splice_cost(raw: msgspec.Raw | None, usage: Usage | None, cost_nusd: int | None) -> msgspec.Raw:
    """The usage object as it came, with `cost` in it; our own counts in its place when the provider gave none."""
    if usage is not None and usage.source != "reported":
        return msgspec.Raw(_ENCODER.encode(usage_object(usage, cost_nusd)))
    fields = object_or_none(raw) or {}
    put_cost(fields, cost_nusd)
    return msgspec.Raw(render_fields(fields))
