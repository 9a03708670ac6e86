"""Input tokens of a request of this dialect; see `openai/estimate.py`."""

from __future__ import annotations

import re

import msgspec

from waypost.dialects.fields import Fields
from waypost.dialects.openai.estimate import media_tokens, text_tokens

#: Besides the input, what the model is shown.
_SHOWN = ("instructions", "tools", "text", "prompt")
_GATE = b'"input_'
_MEDIA = re.compile(rb'"type"\s*:\s*"(input_image|input_file|input_audio)"')


def estimate(fields: Fields) -> int:
    """Tokens, meant to be at or above the real count. A conversation that the provider keeps is not seen."""
    tokens = _input_tokens(fields["input"]) if "input" in fields else 0
    for name in _SHOWN:
        if name in fields:
            tokens += text_tokens(len(bytes(fields[name])))
    return tokens


def _input_tokens(raw: msgspec.Raw) -> int:
    body = bytes(raw)
    if _GATE not in body:
        return text_tokens(len(body))
    kinds = _MEDIA.findall(body)
    return media_tokens(
        body, *(kinds.count(kind) for kind in (b"input_image", b"input_audio", b"input_file"))
    )
