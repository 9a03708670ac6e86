"""Content parts: https://platform.openai.com/docs/api-reference/chat/create (2026-11-21)."""

from __future__ import annotations

from typing import Any

import msgspec

from waypost.core.request import Media, Opaque, Part, Refusal, Text
from waypost.dialects.fields import Fields
from waypost.dialects.openai_chat.own import NAME, Taking, with_extras
from waypost.dialects.taking import TEXT, Json, object_or_none, put_cache, text_or_none
from waypost.errors import Unrepresentable

CONTENT = "content"
_BASE64 = ";base64,"


def parse_part(raw: msgspec.Raw) -> Text | Media | Refusal | Opaque:
    """One element of a content array; what the core has no word for becomes `Opaque`."""
    fields = object_or_none(raw)
    kind = text_or_none(fields["type"]) if fields is not None and "type" in fields else None
    part: Text | Media | Refusal | None = None
    if fields is not None and kind is not None:
        taking = Taking(fields)
        del taking.rest["type"]
        if kind == "text":
            part = _text(taking)
        elif kind == "refusal":
            refusal = taking.take("refusal", TEXT)
            part = None if refusal is None else Refusal(refusal, taking.extras())
        elif kind == "image_url":
            part = _image(taking)
        elif kind == "input_audio":
            part = _audio(taking)
        elif kind == "file":
            part = _file(taking)
    return part if part is not None else Opaque(NAME, raw, CONTENT)


def _text(taking: Taking) -> Text | None:
    text = taking.take("text", TEXT)
    return None if text is None else Text(text, taking.take_cache(), taking.extras())


def _strings(fields: Fields | None, allowed: frozenset[str]) -> dict[str, str] | None:
    """An object of texts with these names only, or None."""
    if fields is None or not fields.keys() <= allowed:
        return None
    found = {name: text for name, raw in fields.items() if (text := text_or_none(raw)) is not None}
    return found if len(found) == len(fields) else None


def split_data_url(url: str) -> tuple[str, str] | None:
    """(mime type, base64) of a data URL, or None."""
    if not url.startswith("data:") or _BASE64 not in url:
        return None
    mime, _, data = url[5:].partition(_BASE64)
    return mime, data


def _image(taking: Taking) -> Media | None:
    inner = _strings(taking.take_object("image_url"), frozenset({"url", "detail"}))
    if inner is None or "url" not in inner:
        return None
    cache = taking.take_cache()
    inline = split_data_url(inner["url"])
    if inline is None:
        return Media(
            "image", url=inner["url"], detail=inner.get("detail"), cache=cache, extras=taking.extras()
        )
    return Media(
        "image",
        mime=inline[0],
        data=inline[1],
        detail=inner.get("detail"),
        cache=cache,
        extras=taking.extras(),
    )


def _audio(taking: Taking) -> Media | None:
    inner = _strings(taking.take_object("input_audio"), frozenset({"data", "format"}))
    if inner is None or len(inner) != 2:
        return None
    mime = f"audio/{inner['format']}"
    return Media("audio", data=inner["data"], mime=mime, cache=taking.take_cache(), extras=taking.extras())


def _file(taking: Taking) -> Media | None:
    inner = _strings(taking.take_object("file"), frozenset({"filename", "file_data", "file_id"}))
    if inner is None or ("file_data" in inner) == ("file_id" in inner):
        return None
    cache = taking.take_cache()
    name = inner.get("filename")
    if "file_id" in inner:
        return Media("file", file_id=inner["file_id"], name=name, cache=cache, extras=taking.extras())
    inline = split_data_url(inner["file_data"])
    if inline is None:
        return None
    return Media("file", mime=inline[0], data=inline[1], name=name, cache=cache, extras=taking.extras())


def render_part(part: Part, where: str) -> Json | msgspec.Raw:
    """Raises Unrepresentable, naming `where`, for a part that this dialect has no form for."""
    if isinstance(part, Text):
        out: Json = {"type": "text", "text": part.text}
        put_cache(out, part.cache)
        return with_extras(out, part.extras)
    if isinstance(part, Refusal):
        return with_extras({"type": "refusal", "refusal": part.text}, part.extras)
    if isinstance(part, Media):
        out = _render_media(part, where)
        put_cache(out, part.cache)
        return with_extras(out, part.extras)
    if isinstance(part, Opaque) and part.dialect == NAME:
        return part.data
    raise Unrepresentable(
        f"{where} is of a kind that the target's format has no form for. Leave it out, or choose another model.",
        param=where,
    )


def _render_media(part: Media, where: str) -> Json:
    inline = (
        None if part.data is None else f"data:{part.mime or 'application/octet-stream'};base64,{part.data}"
    )
    inner: dict[str, Any]
    if part.kind == "image" and (inline or part.url):
        inner = {"url": inline or part.url}
        if part.detail is not None:
            inner["detail"] = part.detail
        return {"type": "image_url", "image_url": inner}
    if part.kind == "audio" and part.data is not None:
        return {
            "type": "input_audio",
            "input_audio": {"data": part.data, "format": (part.mime or "audio/wav").removeprefix("audio/")},
        }
    if part.kind == "file" and (inline or part.file_id):
        inner = {"file_data": inline} if inline else {"file_id": part.file_id}
        if part.name is not None:
            inner["filename"] = part.name
        return {"type": "file", "file": inner}
    raise Unrepresentable(
        f"{where} refers to its {part.kind} in a way the target's format has no form for. Send it inline as base64.",
        param=where,
    )
