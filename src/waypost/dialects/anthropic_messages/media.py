"""Pictures and documents.

https://platform.claude.com/docs/en/build-with-claude/vision and .../pdf-support (2026-11-25).
"""

from __future__ import annotations

import base64
import binascii

from waypost.core.loss import Loss
from waypost.core.request import Media
from waypost.dialects.anthropic_messages.own import Taking, with_extras
from waypost.dialects.taking import TEXT, Json, put, put_cache, text_or_none

_PLAIN = "text/plain"
_PDF = "application/pdf"
#: The pictures that Anthropic takes, and how the base64 of each begins.
_PICTURES = {
    "image/png": "iVBORw0KGgo",
    "image/jpeg": "/9j/",
    "image/gif": "R0lGOD",
    "image/webp": "UklGR",
}
_ALIASES = {"image/jpg": "image/jpeg"}
#: The fields of each kind of source, besides `type`.
_SOURCES: dict[str, frozenset[str]] = {
    "base64": frozenset(("media_type", "data")),
    "url": frozenset(("url",)),
    "file": frozenset(("file_id",)),
    "text": frozenset(("media_type", "data")),
}


def parse_image(taking: Taking) -> Media | None:
    """None: a source that the core has no words for."""
    source = _take_source(taking)
    if source is None or source["type"] == "text":
        return None
    return Media(
        "image",
        url=source.get("url"),
        data=source.get("data"),
        mime=source.get("media_type"),
        file_id=source.get("file_id"),
        cache=taking.take_cache(),
        extras=taking.extras(),
    )


def parse_document(taking: Taking) -> Media | None:
    """None: a source that the core has no words for, such as a list of blocks."""
    source = _take_source(taking)
    if source is None:
        return None
    data = source.get("data")
    if source["type"] == "text" and data is not None:
        if source.get("media_type") != _PLAIN:
            return None
        data = base64.b64encode(data.encode()).decode()
    return Media(
        "file",
        url=source.get("url"),
        data=data,
        mime=source.get("media_type"),
        file_id=source.get("file_id"),
        name=taking.take("title", TEXT),
        cache=taking.take_cache(),
        extras=taking.extras(),
    )


def _take_source(taking: Taking) -> dict[str, str] | None:
    fields = taking.take_object("source") or {}
    source = {name: text for name, raw in fields.items() if (text := text_or_none(raw)) is not None}
    kind = source.get("type", "")
    if len(source) != len(fields) or frozenset(source) - {"type"} != _SOURCES.get(kind):
        return None
    return source


def render_media(part: Media, where: str, loss: Loss) -> Json | None:
    """None: it was handed to `loss`."""
    source = _image_source(part) if part.kind == "image" else None
    if part.kind == "file":
        source = _document_source(part)
    if source is None:
        loss.content(
            where,
            f"{where} is a kind of {part.kind} that Anthropic's format has no form for. Send a PNG, JPEG, GIF or WebP "
            "picture, a PDF or plain text, or choose another model.",
        )
        return None
    if part.detail not in (None, "auto"):
        loss.setting(f"{where}.detail")
    document = part.kind == "file"
    if part.name is not None and not document:
        loss.setting(f"{where}.name")
    out: Json = {"type": "document" if document else "image", "source": source}
    if document:
        put(out, title=part.name)
    put_cache(out, part.cache)
    return with_extras(out, part.extras)


def _reference(part: Media) -> Json | None:
    if part.file_id is not None:
        return {"type": "file", "file_id": part.file_id}
    return None if part.url is None else {"type": "url", "url": part.url}


def _image_source(part: Media) -> Json | None:
    if part.data is None:
        return _reference(part)
    mime = _ALIASES.get(part.mime or "", part.mime)
    if mime is None or mime == "application/octet-stream":
        mime = next((name for name, start in _PICTURES.items() if part.data.startswith(start)), "")
    return {"type": "base64", "media_type": mime, "data": part.data} if mime in _PICTURES else None


def _document_source(part: Media) -> Json | None:
    if part.data is None:
        return _reference(part)
    mime = (part.mime or "").partition(";")[0].strip()
    if mime == _PDF or part.data.startswith("JVBERi"):
        return {"type": "base64", "media_type": _PDF, "data": part.data}
    if not mime.startswith("text/"):
        return None
    try:
        text = base64.b64decode(part.data, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return {"type": "text", "media_type": _PLAIN, "data": text}
