"""The part of a request that the three formats share: what is read, what is checked, what is sent on."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked
from waypost.core.quirks import Quirks
from waypost.dialects.fields import (
    NULL,
    Fields,
    check_spelling,
    parse_nested,
    read_flag,
    read_integer,
    read_string,
    render_fields,
    render_raw,
)
from waypost.errors import InvalidRequest

MAX_CHOICES = 128
#: Far above any model; keeps later sums within 64 bits.
MAX_TOKENS = 1_000_000_000

_OUTPUT_FIELDS = ("max_completion_tokens", "max_tokens")
_INCLUDE_USAGE = msgspec.Raw(b'{"include_usage":true}')


def read_model(fields: Fields) -> str:
    """Raises InvalidRequest when it is missing, empty or no string."""
    model = read_string(fields, "model")
    if not model:
        raise InvalidRequest(
            "`model` is missing. Name a model or a route; GET /v1/models lists them.", param="model"
        )
    return model


def read_stream_usage(fields: Fields, stream: bool) -> bool:
    """`stream_options.include_usage`; only read for a stream.

    The object is rendered anew into `fields`, so that repeated keys collapse. Raises InvalidRequest.
    """
    raw = fields.get("stream_options")
    if raw is None or bytes(raw) == NULL or not stream:
        return False
    try:
        options = parse_nested(raw)
    except ValueError:
        raise InvalidRequest("`stream_options` has to be an object.", param="stream_options") from None
    check_spelling(options)
    try:
        wanted = read_flag(options, "include_usage")
    except InvalidRequest:
        raise InvalidRequest(
            "`stream_options.include_usage` has to be true or false.", param="stream_options.include_usage"
        ) from None
    fields["stream_options"] = msgspec.Raw(render_fields(options))
    return wanted


def read_max_output(fields: Fields) -> int | None:
    """The largest of the output limits that are set: which of two a provider obeys is not known."""
    limit: int | None = None
    for name in _OUTPUT_FIELDS:
        if name in fields:
            value = read_integer(fields, name, 0, MAX_TOKENS)
            if value is not None and (limit is None or value > limit):
                limit = value
    return limit


def read_choices(fields: Fields) -> int:
    """`n`, 1 when it is not set. Raises InvalidRequest."""
    if "n" not in fields:
        return 1
    return read_integer(fields, "n", 1, MAX_CHOICES) or 1


def render_onward(asked: Asked, model: str, quirks: Quirks, *, chat: bool = True) -> bytes:
    """The body for one target: model id, usage in streams, the provider's quirks; everything else as it came.

    A provider's own name for the output limit is that of its chat; completions know `max_tokens` only.
    """
    fields = asked.fields.copy()
    fields["model"] = render_raw(model)
    if asked.stream:
        _switch_usage(fields, asked.wants_usage, quirks)
    wanted = quirks.max_tokens_field
    if wanted is not None and chat:
        other = _OUTPUT_FIELDS[0] if wanted == _OUTPUT_FIELDS[1] else _OUTPUT_FIELDS[1]
        limit = fields.pop(other, None)
        if limit is not None and bytes(fields.get(wanted, NULL)) == NULL:
            fields[wanted] = limit
    for name in quirks.drop:
        fields.pop(name, None)
    return render_fields(fields)


def _switch_usage(fields: Fields, already: bool, quirks: Quirks) -> None:
    if not quirks.stream_usage:
        fields.pop("stream_options", None)
    elif not already:
        raw = fields.get("stream_options")
        if raw is None or bytes(raw) == NULL:
            fields["stream_options"] = _INCLUDE_USAGE
        else:
            options = parse_nested(raw)
            options["include_usage"] = msgspec.Raw(b"true")
            fields["stream_options"] = msgspec.Raw(render_fields(options))
