"""A request, read as far as admission, routing and metering need."""

from __future__ import annotations

from waypost.core.asked import Asked
from waypost.core.quirks import Quirks
from waypost.dialects.anthropic_messages.estimate import estimate
from waypost.dialects.anthropic_messages.unsigned import without_unsigned
from waypost.dialects.fields import (
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
from waypost.errors import InvalidRequest

#: Fields that a rule or the meter reads.
GOVERNED = frozenset(
    (
        "model", "messages", "system", "tools", "tool_choice", "max_tokens", "stream", "service_tier", "speed",
        "output_config", "output_format", "mcp_servers", "fallbacks",
    )
)  # fmt: skip


def parse_ask(body: bytes, limits: JsonLimits = DEFAULT) -> Asked:
    """Raises InvalidRequest (with `param`) and TooLarge. What is not read here passes untouched; whether
    `max_tokens` is there is the target's to say."""
    fields, model = _parse(body, limits)
    stream = read_flag(fields, "stream")
    return Asked(
        model,
        stream,
        fields,
        stream,  # streams of this dialect always say their usage
        read_integer(fields, "max_tokens", 0, MAX_TOKENS),
        1,
        estimate(fields),
        _read_tier(fields),
    )


def parse_count(body: bytes, limits: JsonLimits = DEFAULT) -> Asked:
    """A request to count tokens: nothing is generated. Raises InvalidRequest and TooLarge."""
    fields, model = _parse(body, limits)
    return Asked(model, False, fields, choices=0, input_estimate=estimate(fields))


def _parse(body: bytes, limits: JsonLimits) -> tuple[Fields, str]:
    fields = parse_body(body, limits, GOVERNED)
    model = read_model(fields)
    if not _holds_items(bytes(fields.get("messages", b""))):
        raise InvalidRequest("`messages` has to be an array with at least one message.", param="messages")
    return fields, model


def _holds_items(text: bytes) -> bool:
    if text[:1] != b"[":
        return False
    return text[1:2] == b"{" or text[1:].lstrip()[:1] != b"]"


def _read_tier(fields: Fields) -> str | None:
    """Fast mode has its own price: https://platform.claude.com/docs/en/build-with-claude/fast-mode (2026-11-25)."""
    tier = read_string(fields, "service_tier")
    return "fast" if "speed" in fields and read_string(fields, "speed") == "fast" else tier


def render_onward(asked: Asked, model: str, quirks: Quirks) -> tuple[bytes, tuple[str, ...]]:
    """The body for one target of the family, and what was left out: the model's id, the provider's quirks, and no
    reasoning that Claude would refuse; everything else as it came."""
    fields = asked.fields.copy()
    fields["model"] = render_raw(model)
    dropped: tuple[str, ...] = ()
    if quirks.drop:
        dropped = tuple(name for name in quirks.drop if fields.pop(name, None) is not None)
    if "messages" in fields:
        fields["messages"], unsigned = without_unsigned(fields["messages"], model)
        dropped += unsigned
    return render_fields(fields), dropped
