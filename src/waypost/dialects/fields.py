"""A JSON object as its top-level fields, each kept as its own bytes."""

from __future__ import annotations

import msgspec

from waypost.dialects.json_limits import DEFAULT, JsonLimits, check_json_size
from waypost.errors import InvalidRequest

Fields = dict[str, msgspec.Raw]

NULL = b"null"

#: Fields of OpenAI's family that a rule or the meter reads.
GOVERNED = frozenset(
    (
        "model", "messages", "prompt", "input", "suffix", "tools", "functions", "response_format", "prediction",
        "stream", "stream_options", "include_usage", "n", "best_of", "max_tokens", "max_completion_tokens",
        "service_tier", "encoding_format",
    )
)  # fmt: skip

_OBJECT = msgspec.json.Decoder(Fields)
_STRING = msgspec.json.Decoder(str)
_INTEGER = msgspec.json.Decoder(int)
_FLAG = msgspec.json.Decoder(bool)
_ENCODER = msgspec.json.Encoder()


def parse_object(body: bytes) -> Fields:
    """Any JSON object; a repeated key keeps its last value. Raises ValueError: not JSON, not UTF-8, not an object."""
    try:
        # Values that are only skipped are not checked for UTF-8 by the decoder.
        body.decode()
        return _OBJECT.decode(body)
    except RecursionError:
        raise ValueError("the JSON nests too deep") from None


def parse_nested(raw: msgspec.Raw) -> Fields:
    """A nested object of a body that was checked. Raises ValueError when it is no object."""
    return _OBJECT.decode(raw)


def parse_body(body: bytes, limits: JsonLimits = DEFAULT, governed: frozenset[str] = GOVERNED) -> Fields:
    """A client's body. `governed`: see `check_spelling`. Raises InvalidRequest and TooLarge."""
    check_json_size(body, limits)
    try:
        fields = parse_object(body)
    except msgspec.ValidationError:
        raise InvalidRequest(
            "The body has to be a JSON object with the request's fields. Send an object, such as "
            '{"model": "…"}.'
        ) from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}. Send one JSON object.") from None
    except ValueError:
        raise InvalidRequest(
            "The body is not UTF-8, or its brackets do not match. Send one JSON object."
        ) from None
    check_spelling(fields, governed)
    return fields


def check_spelling(fields: Fields, governed: frozenset[str] = GOVERNED) -> None:
    """Refuses `Model` beside or in place of `model`. Servers written in Go, Ollama among them, match names without
    regard to case and take the last one (https://pkg.go.dev/encoding/json#Unmarshal, 2026-11-21), so they would read
    a value that no rule here has seen. `governed`: in lower case, the fields that a rule or the meter of the dialect
    reads. Raises InvalidRequest.
    """
    for name in fields:
        if name in governed or (name.islower() and name.isascii()):
            continue
        if name.casefold() in governed:
            raise InvalidRequest(
                f"The field {name[:64]!r} has to be spelt {name.casefold()!r}, in lower case.",
                param=name[:64],
            )


def render_fields(fields: Fields) -> bytes:
    """The object again; values are copied byte by byte."""
    return _ENCODER.encode(fields)


def render_raw(value: str | int | bool | None) -> msgspec.Raw:
    """A small value as the bytes it has in JSON."""
    return msgspec.Raw(_ENCODER.encode(value))


def read_string(fields: Fields, name: str) -> str | None:
    """A string field; None when it is missing or null. Raises InvalidRequest."""
    raw = fields.get(name)
    if raw is None:
        return None
    try:
        return _STRING.decode(raw)
    except ValueError:
        if bytes(raw) == NULL:
            return None
        raise InvalidRequest(f"`{name}` has to be a string.", param=name) from None


def read_flag(fields: Fields, name: str) -> bool:
    """A boolean field; False when it is missing or null. Raises InvalidRequest."""
    raw = fields.get(name)
    if raw is None:
        return False
    try:
        return _FLAG.decode(raw)
    except ValueError:
        if bytes(raw) == NULL:
            return False
        raise InvalidRequest(f"`{name}` has to be true or false.", param=name) from None


def read_integer(fields: Fields, name: str, low: int, high: int) -> int | None:
    """A whole number in `low`…`high`; None when it is missing or null. Raises InvalidRequest."""
    raw = fields.get(name)
    if raw is None:
        return None
    try:
        value = _INTEGER.decode(raw)
    except ValueError:
        if bytes(raw) == NULL:
            return None
        raise InvalidRequest(f"`{name}` has to be a whole number.", param=name) from None
    if not low <= value <= high:
        raise InvalidRequest(f"`{name}` has to be from {low} to {high}; it is {value}.", param=name)
    return value


def loose_string(raw: msgspec.Raw | None) -> str | None:
    """A provider's string field, or None for anything else: a wrong type there is not worth an answer."""
    if raw is None:
        return None
    try:
        return _STRING.decode(raw)
    except ValueError:
        return None
