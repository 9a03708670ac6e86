"""A request, read as far as admission, routing and metering need."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, Onward
from waypost.core.quirks import Quirks
from waypost.dialects.fields import (
    NULL,
    Fields,
    parse_body,
    read_flag,
    read_integer,
    read_string,
    render_fields,
    render_raw,
)
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai.ask import MAX_TOKENS, read_model
from waypost.dialects.openai_responses.estimate import estimate
from waypost.dialects.openai_responses.sealed import without_foreign
from waypost.errors import InvalidRequest

#: Fields that a rule or the meter reads, or that say where the rest of the conversation is.
GOVERNED = frozenset(
    (
        "model", "input", "instructions", "tools", "text", "prompt", "stream", "max_output_tokens", "service_tier",
        "store", "background", "previous_response_id", "conversation",
    )
)  # fmt: skip
#: In place of an input: the request goes on with what the provider, or the gateway, keeps.
_KEPT = ("prompt", "previous_response_id", "conversation")


def parse_ask(body: bytes, limits: JsonLimits = DEFAULT) -> Asked:
    """Raises InvalidRequest (with `param`) and TooLarge. What is not read here passes untouched."""
    fields = parse_body(body, limits, GOVERNED)
    model = read_model(fields)
    _check_input(fields)
    stream = read_flag(fields, "stream")
    read_flag(fields, "store")
    read_flag(fields, "background")
    read_string(fields, "previous_response_id")
    return Asked(
        model=model,
        stream=stream,
        fields=fields,
        wants_usage=stream,  # the last event of a stream always has it
        max_output=read_integer(fields, "max_output_tokens", 0, MAX_TOKENS),
        input_estimate=estimate(fields),
        tier=read_string(fields, "service_tier"),
    )


def _check_input(fields: Fields) -> None:
    continued = any(is_set(fields, name) for name in _KEPT)
    raw = fields.get("input")
    text = NULL if raw is None else bytes(raw)
    if text == NULL:
        if not continued:
            raise InvalidRequest("`input` is missing. Send a text, or an array of items.", param="input")
        return
    if text[:1] == b'"':
        return
    if text[:1] != b"[" or (not continued and text[1:].lstrip()[:1] == b"]"):
        raise InvalidRequest("`input` has to be a text, or an array with at least one item.", param="input")


def is_set(fields: Fields, name: str) -> bool:
    """The field is there, and is not null."""
    return bytes(fields.get(name, msgspec.Raw(NULL))) != NULL


def render_onward(asked: Asked, model: str, quirks: Quirks) -> Onward:
    """The body for one target: its model id, without what the provider refuses, and without reasoning that another
    maker's model signed (see `sealed.py`); everything else as it came."""
    fields = asked.fields.copy()
    fields["model"] = render_raw(model)
    dropped = tuple(name for name in quirks.drop if fields.pop(name, None) is not None)
    if "input" in fields:
        fields["input"], foreign = without_foreign(fields["input"])
        dropped += foreign
    return Onward(render_fields(fields), dropped)
