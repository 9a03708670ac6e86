"""The `prompt` of completions and the `input` of embeddings."""

from __future__ import annotations

import msgspec

from waypost.dialects.fields import NULL, Fields
from waypost.dialects.openai.estimate import text_tokens
from waypost.errors import InvalidRequest

_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def read_prompts(fields: Fields, name: str) -> tuple[int, int]:
    """How many texts a `prompt` or `input` holds, and an estimate of their tokens.

    It is a text, a list of texts, a list of token ids, or a list of such lists. Raises InvalidRequest.
    """
    raw = fields.get(name)
    body = bytes(raw) if raw is not None else NULL
    if body[:1] == b'"':
        return 1, text_tokens(len(body))
    try:
        items = _ITEMS.decode(body)
    except ValueError:
        items = []
    if not items:
        raise InvalidRequest(f"`{name}` has to be a text, or a list of texts or of token ids.", param=name)
    first = bytes(items[0])[:1]
    if first == b'"':
        return len(items), sum(text_tokens(len(bytes(item))) for item in items)
    if first == b"[":
        return len(items), body.count(b",") + 1
    if first == b"{":  # a part, such as a picture, for embedding models that take them
        return len(items), text_tokens(len(body))
    return 1, len(items)
