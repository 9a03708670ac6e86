"""Models that a request lists for itself: OpenRouter's `models`, and `fallbacks` as Anthropic and others write it.

The gateway goes through them itself, wherever they are, so that each is checked against the key and billed as what it
is. https://openrouter.ai/docs/features/model-routing (2026-11-25)
"""

from __future__ import annotations

from typing import Final

import msgspec

from waypost.dialects.fields import NULL, Fields, parse_nested
from waypost.errors import InvalidRequest

MODELS: Final = "models"
FALLBACKS: Final = "fallbacks"
LISTED_MAX: Final = 16
_NAME_MAX = 512

_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)


class Listed(msgspec.Struct, frozen=True):
    """Names after the request's own `model`, and the field that they came in."""

    names: tuple[str, ...] = ()
    field: str = MODELS


NONE_LISTED = Listed()


def take_listed(fields: Fields) -> Listed:
    """Takes both fields out. Raises InvalidRequest, naming the field by its path."""
    models, fallbacks = _take(fields, MODELS), _take(fields, FALLBACKS)
    if models and fallbacks:
        raise InvalidRequest(
            f"`{MODELS}` and `{FALLBACKS}` say the same. Leave one of them out.", param=FALLBACKS
        )
    if models:
        return Listed(models)
    return Listed(fallbacks, FALLBACKS) if fallbacks else NONE_LISTED


def _take(fields: Fields, field: str) -> tuple[str, ...]:
    raw = fields.pop(field, None)
    if raw is None or bytes(raw) == NULL:
        return ()
    try:
        items = _ITEMS.decode(raw)
    except (ValueError, RecursionError):
        raise InvalidRequest(f"`{field}` has to be an array of models.", param=field) from None
    if len(items) > LISTED_MAX:
        raise InvalidRequest(f"`{field}` may list {LISTED_MAX} models; it lists {len(items)}.", param=field)
    return tuple(_name(item, field, f"{field}[{place}]") for place, item in enumerate(items))


def _name(raw: msgspec.Raw, field: str, path: str) -> str:
    if field == FALLBACKS and bytes(raw)[:1] == b"{":
        inner = parse_nested(raw)
        for key in inner:
            if key != "model":
                raise InvalidRequest(
                    f"`{path}.{key[:64]}` can not be set for one model alone. Only `model` can; the rest is the same "
                    "for all.",
                    param=f"{path}.{key[:64]}",
                )
        raw, path = inner.get("model", msgspec.Raw(NULL)), f"{path}.model"
    try:
        name = _TEXT.decode(raw)
    except (ValueError, RecursionError):
        name = ""
    if not 0 < len(name) <= _NAME_MAX:
        raise InvalidRequest(f"`{path}` has to be a model's name.", param=path)
    return name
