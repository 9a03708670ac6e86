"""A chat request, read as far as admission, routing and metering need."""

from __future__ import annotations

from waypost.core.asked import Asked
from waypost.dialects.fields import Fields, parse_body, read_flag, read_string
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai.ask import read_choices, read_max_output, read_model, read_stream_usage
from waypost.dialects.openai.estimate import input_tokens, text_tokens
from waypost.errors import InvalidRequest

#: Besides the messages, what the model is shown.
_SHOWN = ("tools", "functions", "response_format", "prediction")


def parse_ask(body: bytes, limits: JsonLimits = DEFAULT) -> Asked:
    """Raises InvalidRequest (with `param`) and TooLarge. What is not read here passes untouched."""
    fields = parse_body(body, limits)
    model = read_model(fields)
    messages = fields.get("messages")
    if messages is None or not _holds_items(bytes(messages)):
        raise InvalidRequest("`messages` has to be an array with at least one message.", param="messages")
    stream = read_flag(fields, "stream")
    return Asked(
        model,
        stream,
        fields,
        "stream_options" in fields and read_stream_usage(fields, stream),
        read_max_output(fields),
        read_choices(fields),
        _estimate(fields),
        read_string(fields, "service_tier"),
    )


def _holds_items(text: bytes) -> bool:
    if text[:1] != b"[":
        return False
    return text[1:2] == b"{" or text[1:].lstrip()[:1] != b"]"


def _estimate(fields: Fields) -> int:
    tokens = input_tokens(fields["messages"])
    for name in _SHOWN:
        if name in fields:
            tokens += text_tokens(len(bytes(fields[name])))
    return tokens
