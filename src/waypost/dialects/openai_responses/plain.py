"""Requests and answers that are nothing but text, in one step: None where they are not, and the general way is gone
(`request.py`, `items.py`, `response.py`), which makes the same of them."""

from __future__ import annotations

from typing import Literal

import msgspec

from waypost.core.plain import plain_request
from waypost.core.request import ChatRequest, Extras, Message, Sampling, Text
from waypost.dialects.fields import Fields
from waypost.dialects.openai.ask import read_model
from waypost.dialects.openai_responses.own import NAME
from waypost.dialects.taking import INTEGER, NUMBER, TEXT

#: Words of a request's form: it has instructions; its input is a string.
INSTRUCTIONS, STRING = "instructions", "string"
_INPUT, _STREAM, _STORE = "input", "stream", "store"
#: Fields of a request that are read here.
_READ = frozenset(
    ("model", _INPUT, INSTRUCTIONS, "max_output_tokens", "temperature", "top_p", _STREAM, _STORE)
)


class _Item(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["user", "system", "developer", "assistant"]
    content: str


_ITEMS = msgspec.json.Decoder(list[_Item])


def parse_plain(fields: Fields) -> ChatRequest | None:
    """See `request.parse_fields`. Raises InvalidRequest."""
    if not fields.keys() <= _READ or _INPUT not in fields:
        return None
    model, form = read_model(fields), "own"
    messages: list[Message] = []
    left: Fields = {}
    limit = heat = top_p = None
    try:
        if INSTRUCTIONS in fields:
            messages.append(Message("system", (Text(TEXT.decode(fields[INSTRUCTIONS])),)))
            form = f"{form} {INSTRUCTIONS}"
        given = bytes(fields[_INPUT])
        if given[:1] == b'"':
            messages.append(Message("user", (Text(TEXT.decode(given)),)))
            form = f"{form} {STRING}"
        elif not _read_items(given, messages):
            return None
        if "max_output_tokens" in fields:
            limit = INTEGER.decode(fields["max_output_tokens"])
        if "temperature" in fields:
            heat = NUMBER.decode(fields["temperature"])
        if "top_p" in fields:
            top_p = NUMBER.decode(fields["top_p"])
    except ValueError:
        return None
    stream = _STREAM in fields and bytes(fields[_STREAM]) == b"true"
    for name, raw in fields.items():
        if name == _STORE or (name == _STREAM and not stream):
            left[name] = raw
    extras = Extras(NAME, left, form)
    return plain_request(model, messages, Sampling(heat, top_p), limit, stream, stream, None, extras)


def _read_items(given: bytes, messages: list[Message]) -> bool:
    """Whether they are messages of one text each. Raises ValueError."""
    items = _ITEMS.decode(given)
    before = ""
    for item in items:
        if item.role == before == "assistant":
            return False  # what the assistant said in a row is one message: the general way puts it together
        before = item.role
        messages.append(Message(before, (Text(item.content),)))
    return bool(items)
