"""Taking modelled fields out of an object; what is left over is its `Extras`. Each dialect has its own `Taking`."""

from __future__ import annotations

from typing import ClassVar, TypeVar

import msgspec

from waypost.core.request import CacheHint, Extras
from waypost.dialects.fields import NULL, Fields, parse_nested, render_fields

T = TypeVar("T")

TEXT = msgspec.json.Decoder(str)
INTEGER = msgspec.json.Decoder(int)
NUMBER = msgspec.json.Decoder(float)
FLAG = msgspec.json.Decoder(bool)
ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
TEXTS: msgspec.json.Decoder[list[str]] = msgspec.json.Decoder(list[str])
RAW = msgspec.json.Decoder(msgspec.Raw)

Json = dict[str, object]


class Taking:
    """A view of one object. A value is taken only when it is of the right type; everything else stays in `rest`.

    A dialect subclasses it with its own name, which its `extras` then carry.
    """

    __slots__ = ("rest",)

    dialect: ClassVar[str]

    def __init__(self, fields: Fields) -> None:
        self.rest = dict(fields)

    def take(self, name: str, decoder: msgspec.json.Decoder[T]) -> T | None:
        """None when it is missing, null or of another type."""
        raw = self.rest.get(name)
        if raw is None or bytes(raw) == NULL:
            return None
        try:
            value = decoder.decode(raw)
        except ValueError:
            return None
        del self.rest[name]
        return value

    def take_object(self, name: str) -> Fields | None:
        """A nested object, or None."""
        raw = self.rest.get(name)
        fields = None if raw is None else object_or_none(raw)
        if fields is not None:
            del self.rest[name]
        return fields

    def take_items(self, name: str) -> list[msgspec.Raw]:
        """The elements of an array; none when it is missing, empty or no array, and then it stays."""
        raw = self.rest.get(name)
        try:
            items = ITEMS.decode(raw) if raw is not None else []
        except ValueError:
            items = []
        if items:
            del self.rest[name]
        return items

    def take_constant(self, name: str, value: str) -> bool:
        """Whether the field is just this text; it is taken then, because rendering writes it anyway."""
        if self.rest.get(name) is None or text_or_none(self.rest[name]) != value:
            return False
        del self.rest[name]
        return True

    def take_cache(self) -> CacheHint | None:
        """`cache_control` in one of the two forms that a `CacheHint` renders as."""
        raw = self.rest.get("cache_control")
        fields = None if raw is None else object_or_none(raw)
        if fields is None:
            return None
        hint = {name: text_or_none(value) for name, value in fields.items()}
        if hint == {"type": "ephemeral"}:
            found = CacheHint(300)
        elif hint == {"type": "ephemeral", "ttl": "1h"}:
            found = CacheHint(3600)
        else:
            return None
        del self.rest["cache_control"]
        return found

    def extras(self, form: str = "") -> Extras | None:
        """What was not taken; None when there is nothing to keep."""
        return Extras(self.dialect, self.rest, form) if self.rest or form else None


def object_or_none(raw: msgspec.Raw | None) -> Fields | None:
    """The fields of an object, or None for any other value."""
    if raw is None:
        return None
    try:
        return parse_nested(raw)
    except ValueError:
        return None


def text_or_none(raw: msgspec.Raw) -> str | None:
    """A text, or None for any other value."""
    try:
        return TEXT.decode(raw)
    except ValueError:
        return None


def object_raw(fields: Fields) -> msgspec.Raw:
    """An object as one value again."""
    return msgspec.Raw(render_fields(fields))


def form_of(extras: Extras | None, dialect: str) -> str:
    """How `dialect` wrote it; "" when it came from another."""
    return extras.form if extras is not None and extras.dialect == dialect else ""


def put_extras(out: Json, extras: Extras | None, dialect: str) -> Json:
    """`out` with the fields that only `dialect` has and the core does not model; modelled ones win."""
    if extras is not None and extras.dialect == dialect:
        for name, raw in extras.fields.items():
            out.setdefault(name, raw)
    return out


def put_cache(out: Json, cache: CacheHint | None) -> None:
    """Writes a cache hint in Anthropic's form, which OpenRouter and Requesty read in OpenAI's dialect too:
    https://openrouter.ai/docs/features/prompt-caching (2026-11-21)."""
    if cache is not None:
        out["cache_control"] = {"type": "ephemeral"} | ({"ttl": "1h"} if cache.ttl_s > 300 else {})


def put(out: Json, **optional: object) -> Json:
    """`out` with those of the fields that are set."""
    for name, value in optional.items():
        if value is not None:
            out[name] = value
    return out
