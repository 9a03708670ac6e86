"""Signatures of other makers, carried through a client of this dialect and back.

The one field that a client of this dialect gives back unread is `encrypted_content` of a reasoning item. A signature
that is not OpenAI's is put there as `maker:how:signature`; OpenAI's own (base64) never has a colon in it. `how`:
`shown` goes with the item's text, `redacted` hides it, `before` belongs to the part before the item.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from waypost.core.request import Maker, Thinking, ToolCall
from waypost.dialects.fields import Fields
from waypost.dialects.taking import ITEMS, object_or_none, text_or_none

OURS: Maker = "openai-responses-v1"
#: What the ids of reasoning items that the gateway made begin with.
MADE = "rs_wp"
How = Literal["shown", "redacted", "before"]

_MAKERS: dict[str, Maker] = {maker: maker for maker in get_args(Maker)}
_HOWS: dict[str, How] = {how: how for how in get_args(How)}
_ENCODER = msgspec.json.Encoder()
_MARKS = (f'"{MADE}_'.encode(), *(f'"{maker}:'.encode() for maker in get_args(Maker)))


class Seal(msgspec.Struct, frozen=True):
    """A signature, and whose it is. `how` is None for OpenAI's own."""

    signature: str
    maker: Maker
    how: How | None = None


def seal(part: Thinking | ToolCall) -> str | None:
    """The `encrypted_content` for a part's signature; None when it has none."""
    if part.signature is None:
        return None
    if part.maker == OURS or part.maker is None:
        return part.signature
    if isinstance(part, ToolCall):
        how: How = "before"
    elif part.redacted:
        how = "redacted"
    else:
        how = "shown" if part.text else "before"
    return f"{part.maker}:{how}:{part.signature}"


def unseal(encrypted: str) -> Seal:
    """What an `encrypted_content` holds."""
    name, _, rest = encrypted.partition(":")
    how, colon, signature = rest.partition(":")
    if colon and name in _MAKERS and how in _HOWS:
        return Seal(signature, _MAKERS[name], _HOWS[how])
    return Seal(encrypted, OURS)


def without_foreign(raw: msgspec.Raw) -> tuple[msgspec.Raw, tuple[str, ...]]:
    """An `input` without the reasoning that is another maker's, which OpenAI would refuse, or look up and not find; and
    what was left out."""
    body = bytes(raw)
    if not any(mark in body for mark in _MARKS):
        return raw, ()
    try:
        items = ITEMS.decode(raw)
    except ValueError:
        return raw, ()
    foreign = {number for number, item in enumerate(items) if _is_foreign(item)}
    kept = [item for number, item in enumerate(items) if number not in foreign]
    return msgspec.Raw(_ENCODER.encode(kept)), tuple(f"input[{number}]" for number in sorted(foreign))


def _is_foreign(item: msgspec.Raw) -> bool:
    fields = object_or_none(item) or {}
    if _text(fields, "type") != "reasoning":
        return False
    encrypted = _text(fields, "encrypted_content")
    if encrypted is None:
        return (_text(fields, "id") or "").startswith(f"{MADE}_")
    return unseal(encrypted).how is not None


def _text(fields: Fields, name: str) -> str | None:
    return text_or_none(fields[name]) if name in fields else None
