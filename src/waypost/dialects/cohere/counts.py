"""Cohere's counts, and those of rerankers that copied its format from Jina.

What is billed is `billed_units`: `tokens` also counts what Cohere itself adds to a prompt, which nobody pays for
(https://docs.cohere.com/docs/how-does-cohere-pricing-work, 2026-11-25). So the first is taken, and the second only
where it is alone. Counts are floats on the wire (cohere-python 7.3, `UsageBilledUnits`). Cohere's rerankers are billed
by `search_units`; Jina says `usage.total_tokens` (https://api.jina.ai/redoc, 2026-11-25).
"""

from __future__ import annotations

from math import ceil
from typing import Annotated

import msgspec

from waypost.core.usage import Units, Usage
from waypost.dialects.costs import put_cost
from waypost.dialects.fields import Fields, parse_nested, render_fields
from waypost.dialects.taking import Json

_Number = Annotated[float, msgspec.Meta(ge=0, le=1_000_000_000)]


class _Tokens(msgspec.Struct, gc=False):
    input_tokens: _Number | None = None
    output_tokens: _Number | None = None
    text_tokens: _Number | None = None
    image_tokens: _Number | None = None
    search_units: _Number | None = None

    def taken(self) -> float | None:
        """Input tokens; embeddings of pictures count those apart."""
        if self.input_tokens is not None:
            return self.input_tokens
        if self.text_tokens is None and self.image_tokens is None:
            return None
        return (self.text_tokens or 0) + (self.image_tokens or 0)


class _Wire(msgspec.Struct, gc=False):
    billed_units: _Tokens | None = None
    tokens: _Tokens | None = None
    cached_tokens: _Number | None = None
    total_tokens: _Number | None = None


_WIRE = msgspec.json.Decoder(_Wire)
#: Where an answer says its counts: chat and Jina, then Cohere's other formats.
PLACES = ("usage", "meta")


def parse_counts(raw: msgspec.Raw | None) -> Usage | None:
    """The counts of one object, or None when there are none or any of them is absurd: negative or over 10^9."""
    if raw is None:
        return None
    try:
        wire = _WIRE.decode(raw)
    except (ValueError, RecursionError):
        return None
    billed, all_tokens = wire.billed_units or _Tokens(), wire.tokens or _Tokens()
    given = next(
        (count for count in (billed.taken(), all_tokens.taken(), wire.total_tokens) if count is not None),
        None,
    )
    made = billed.output_tokens if billed.output_tokens is not None else all_tokens.output_tokens
    searches = billed.search_units
    if given is None and made is None and searches is None:
        return None
    size = ceil(given or 0)
    return Usage(
        input=size,
        output=ceil(made or 0),
        cache_read=min(size, ceil(wire.cached_tokens or 0)),
        units=None if searches is None else Units(searches=ceil(searches)),
    )


def find_counts(fields: Fields) -> Usage | None:
    """The counts of an answer, wherever its format has them."""
    for name in PLACES:
        usage = parse_counts(fields.get(name))
        if usage is not None:
            return usage
    return None


def counts_object(usage: Usage) -> Json:
    """Our own counts in Cohere's form."""
    tokens = {"input_tokens": usage.input, "output_tokens": usage.output}
    return {"tokens": tokens, "estimated": True}


def splice_cost(raw: msgspec.Raw | None, usage: Usage | None, cost_nusd: int | None) -> msgspec.Raw:
    """The counts with `cost` beside them, which Cohere's SDK takes as one field more. Counts that the provider did not
    report are written as ours."""
    if raw is None and usage is not None and usage.source != "reported":
        counts: Json = {**counts_object(usage)}
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
