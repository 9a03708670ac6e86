"""Reasoning that nobody signed, in a request that goes to Claude in its own dialect.

The gateway shows other makers' reasoning to clients of this dialect as `thinking` with an empty signature, because
their SDKs' types want one. A conversation that began with another model may go on with Claude, which refuses an empty
signature: such blocks are taken out, and named. Everything else stays as it came, byte for byte.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from waypost.dialects.claude import version

#: It is looked for in the bytes, so that a request without any costs next to nothing.
_EMPTY: Final = re.compile(rb'"signature"\s*:\s*""')


class _Block(msgspec.Struct):
    type: object = None
    signature: object = None


class _Message(msgspec.Struct):
    role: object = None
    content: msgspec.Raw = msgspec.Raw(b"null")


_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_MESSAGE: Final = msgspec.json.Decoder(_Message)
_BLOCK: Final = msgspec.json.Decoder(_Block)
_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def without_unsigned(messages: msgspec.Raw, model: str) -> tuple[msgspec.Raw, tuple[str, ...]]:
    """The messages for `model`, and the names of what was left out. A message that said nothing else is left out
    whole."""
    if _EMPTY.search(messages) is None or version(model) == (0, 0):
        return messages, ()
    try:
        return _without(messages)
    except msgspec.MsgspecError:
        return messages, ()  # no list of messages: the target says what is wrong with it


def _without(messages: msgspec.Raw) -> tuple[msgspec.Raw, tuple[str, ...]]:
    told: list[msgspec.Raw] = []
    dropped: list[str] = []
    for number, raw in enumerate(_ITEMS.decode(messages)):
        message = _MESSAGE.decode(raw)
        if message.role != "assistant" or not bytes(message.content).startswith(b"["):
            told.append(raw)
            continue
        blocks = _ITEMS.decode(message.content)
        kept = [block for block in blocks if not _is_unsigned(block)]
        if len(kept) < len(blocks):
            dropped.append(f"messages[{number}].thinking")
            if not kept:
                continue
            fields = _FIELDS.decode(raw)
            fields["content"] = msgspec.Raw(msgspec.json.encode(kept))
            raw = msgspec.Raw(msgspec.json.encode(fields))
        told.append(raw)
    return (msgspec.Raw(msgspec.json.encode(told)) if dropped else messages), tuple(dropped)


def _is_unsigned(raw: msgspec.Raw) -> bool:
    block = _BLOCK.decode(raw)
    return block.type == "thinking" and block.signature == ""
