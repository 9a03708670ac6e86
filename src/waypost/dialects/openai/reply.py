"""Whole answers: what the meter reads, and the cost written into them."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, Reply
from waypost.core.usage import Usage
from waypost.dialects.fields import (
    NULL,
    Fields,
    loose_string,
    parse_nested,
    parse_object,
    render_fields,
)
from waypost.dialects.openai.errors import parse_inline, parse_instead
from waypost.dialects.openai.usage import parse_usage, splice_cost
from waypost.errors import Garbled

#: Bytes of answer text per token, for answers that report no usage.
_BYTES_PER_TOKEN = 4
_EMPTY = frozenset({b"", NULL, b'""', b"[]", b"{}", b"false"})


class _Choice(msgspec.Struct, gc=False):
    message: msgspec.Raw = msgspec.Raw()
    text: msgspec.Raw = msgspec.Raw()


class _Ended(msgspec.Struct, gc=False):
    finish_reason: str | None = None


_CHOICES = msgspec.json.Decoder(list[_Choice])
_ENDED = msgspec.json.Decoder(list[_Ended])


def read_answer(body: bytes) -> Fields:
    """Raises Garbled, and what the provider reports inside a 200 (Failed, Throttled, …)."""
    try:
        fields = parse_object(body)
    except ValueError:
        raise Garbled(
            "The provider's answer is not a JSON object. Try again, or another model; "
            "if it stays, check the provider's base URL."
        ) from None
    # One of them is there in whatever answers a chat, a completion or a request for embeddings.
    if "choices" not in fields and "data" not in fields:
        error = fields.get("error")
        if error is not None and bytes(error) not in _EMPTY:
            raise parse_inline(error)
        raise parse_instead(fields)
    return fields


def parse_reply(body: bytes) -> Reply:
    """Raises as `read_answer`."""
    fields = read_answer(body)
    tier = fields.get("service_tier")
    return Reply(
        fields,
        parse_usage(fields.get("usage")),
        loose_string(tier) if tier is not None else None,
        _finish_reason(fields),
    )


def _finish_reason(fields: Fields) -> str | None:
    choices = fields.get("choices")
    if choices is None:
        return None
    try:
        read = _ENDED.decode(choices)
    except ValueError:
        return None
    return read[0].finish_reason if read else None


def render_reply(reply: Reply, cost_nusd: int | None) -> bytes:
    """The answer as it came, with `usage.cost`; counts that are ours and not the provider's are marked so."""
    fields = reply.fields.copy()
    fields["usage"] = splice_cost(fields.get("usage"), reply.usage, cost_nusd)
    return render_fields(fields)


def estimate_output(asked: Asked, reply: Reply) -> Usage:
    """Input as estimated at admission; output from the bytes of the choices' content, four to a token."""
    size = 0
    try:
        choices = _CHOICES.decode(reply.fields.get("choices", msgspec.Raw(b"[]")))
    except ValueError:
        choices = []
    for choice in choices:
        size += _content_size(choice.message) if bytes(choice.message) else _size(choice.text)
    return Usage(input=asked.input_estimate, output=-(-size // _BYTES_PER_TOKEN), source="estimated")


def _content_size(raw: msgspec.Raw) -> int:
    try:
        message = parse_nested(raw)
    except ValueError:
        return len(bytes(raw))
    return sum(_size(value) for name, value in message.items() if name != "role")


def _size(raw: msgspec.Raw) -> int:
    text = bytes(raw)
    return 0 if text in _EMPTY else max(0, len(text) - 2)
