"""A chat request, read as far as admission, routing and metering need."""

from __future__ import annotations

from waypost.core.asked import Asked
from waypost.dialects.cohere.dialect import text_of
from waypost.dialects.fields import parse_body, read_flag, read_integer
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai.ask import MAX_TOKENS, read_model
from waypost.dialects.openai.estimate import input_tokens, text_tokens
from waypost.errors import InvalidRequest

_GOVERNED = frozenset(("model", "messages", "tools", "documents", "response_format", "stream", "max_tokens"))
#: Besides the messages, what the model is shown.
_SHOWN = ("tools", "documents", "response_format")


def parse_ask(body: bytes, limits: JsonLimits = DEFAULT) -> Asked:
    """Raises InvalidRequest (with `param`) and TooLarge. What is not read here passes untouched."""
    fields = parse_body(body, limits, _GOVERNED)
    model = read_model(fields)
    text = text_of(fields.get("messages"))
    if text[:1] != b"[" or text[1:].lstrip()[:1] == b"]":
        raise InvalidRequest("`messages` has to be an array with at least one message.", param="messages")
    shown = sum(text_tokens(len(bytes(fields[name]))) for name in _SHOWN if name in fields)
    return Asked(
        model=model,
        stream=read_flag(fields, "stream"),
        fields=fields,
        wants_usage=True,
        max_output=read_integer(fields, "max_tokens", 0, MAX_TOKENS),
        input_estimate=input_tokens(fields["messages"]) + shown,
    )
