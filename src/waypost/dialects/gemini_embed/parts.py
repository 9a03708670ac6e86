"""The parts of a content that is embedded: https://ai.google.dev/api/caching#Part (2026-11-25)."""

from __future__ import annotations

from typing import ClassVar, Final

import msgspec

from waypost.core.embed import EmbedInput, TokenIds
from waypost.core.loss import Loss
from waypost.core.request import Media, Opaque, Text
from waypost.dialects import taking
from waypost.dialects.embedding import not_shown
from waypost.dialects.fields import Fields
from waypost.dialects.gemini.spelling import camel
from waypost.dialects.gemini_generate import own
from waypost.dialects.gemini_generate.media import parse_media
from waypost.dialects.taking import TEXT, Json, object_or_none, put
from waypost.errors import InvalidRequest

NAME: Final = "gemini_embed"
Part = Text | Media | TokenIds | Opaque


class Taking(taking.Taking):
    """See `dialects.taking`. Fields are known by their camel-case names, in whichever spelling they came."""

    __slots__ = ()

    dialect: ClassVar[str] = NAME

    def __init__(self, fields: Fields) -> None:
        super().__init__({camel(name): raw for name, raw in fields.items()})


def parse_parts(content: Fields, where: str) -> tuple[Part, ...]:
    """At least one part; the role says nothing here. Raises InvalidRequest."""
    whole = Taking(content)
    items = whole.take_items("parts")
    if not items:
        raise InvalidRequest(
            f"`{where}.parts` has to be an array with something in it.", param=f"{where}.parts"
        )
    return tuple(_parse_part(raw) for raw in items)


def _parse_part(raw: msgspec.Raw) -> Part:
    fields = object_or_none(raw)
    if fields is None:
        return Opaque(NAME, raw)
    part = own.Taking(fields)
    text = part.take("text", TEXT)
    if text is not None and not part.rest:
        return Text(text)
    media = parse_media(part)
    if text is None and media is not None and media.extras is None and media.detail is None:
        return media
    return Opaque(NAME, raw)


def render_parts(item: EmbedInput, number: int, loss: Loss) -> list[object]:
    """Raises Unrepresentable for an input that Google can not be shown at all."""
    out: list[object] = []
    for part in item.parts:
        shown = _render_part(part)
        if shown is not None:
            out.append(shown)
    if len(out) < len(item.parts):
        if not out:
            raise not_shown(number)
        loss.content("input", not_shown(number).message)
    return out


def _render_part(part: Part) -> object | None:
    if isinstance(part, Text):
        return {"text": part.text}
    if isinstance(part, Opaque):
        return part.data if part.dialect == NAME else None
    if isinstance(part, TokenIds):
        return None
    if part.data is not None:
        blob: Json = put({}, mimeType=part.mime or _mime(part), data=part.data, displayName=part.name)
        return {"inlineData": blob}
    uri = part.url or part.file_id
    return (
        None if uri is None else {"fileData": put({}, fileUri=uri, mimeType=part.mime, displayName=part.name)}
    )


def _mime(part: Media) -> str:
    return "image/png" if part.kind == "image" else "application/octet-stream"
