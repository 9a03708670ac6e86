"""Where a provider differs from the dialect it speaks, as data."""

from __future__ import annotations

from typing import Literal

import msgspec

#: Fields beyond OpenAI's own format, and its role `developer`, that many servers of that format do not know.
Taken = Literal[
    "cache_control",
    "developer",
    "file_url",
    "images",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "thought_signature",
    "video_url",
]


class Quirks(msgspec.Struct, frozen=True):
    """Read by a dialect when it renders a request. A quirk that needs code is a named function of the dialect."""

    drop: tuple[str, ...] = ()
    """Top-level request fields it refuses; dropped and named in `x-waypost-dropped`."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    """Rename the client's output limit to this field."""
    stream_usage: bool = True
    """It understands `stream_options.include_usage`."""
    json_schema: Literal["native", "unsure", "tool", "prompt"] = "unsure"
    """How it comes by an answer in the shape of a JSON schema. `native`: it enforces the schema. `unsure`: it is asked,
    and its answer is checked. `tool`: it has no word for it and is made to call a tool of that shape. `prompt`: it is
    told in words."""
    reports_charge: bool = False
    """Its `usage.cost` is what it charges, in dollars: preferred over the catalogue."""
    takes: tuple[Taken, ...] = ()
    """What it takes beyond OpenAI's own chat format, for requests that come in another dialect."""
