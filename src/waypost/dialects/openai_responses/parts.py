"""Input parts: https://platform.openai.com/docs/api-reference/responses/create#responses_create-input (2026-11-25)."""

from __future__ import annotations

import msgspec

from waypost.core.loss import Loss
from waypost.core.request import CacheHint, Media, Opaque, Part, Text
from waypost.dialects.fields import Fields
from waypost.dialects.openai_responses.own import (
    NAME,
    Form,
    Taking,
    is_own,
    keep,
    read_form,
    with_extras,
)
from waypost.dialects.taking import TEXT, Json, object_or_none, put, text_or_none

CONTENT = "content"
_BASE64 = ";base64,"
_BREAKPOINT = "prompt_cache_breakpoint"
#: Words of a form: `file_data` was bare base64, and had no name beside it.
_BARE = "bare"
_NAMELESS = "nameless"
#: Seconds of a breakpoint's lifetime; without one it is the request's.
_TTLS: dict[str | None, int] = {None: 300, "30m": 1800, "12h": 43_200}
#: What the format calls a kind of sound whose MIME type is another word.
_AUDIO = {"audio/mpeg": "mp3", "audio/x-wav": "wav", "audio/wave": "wav"}
_SUFFIXES = {"text/plain": "txt", "text/markdown": "md"}


def parse_input_part(raw: msgspec.Raw) -> Text | Media | Opaque:
    """One element of a content array; what the core has no word for becomes `Opaque`."""
    fields = object_or_none(raw) or {}
    taking = Taking(fields)
    kind = taking.take("type", TEXT)
    part: Text | Media | None = None
    if kind == "input_text":
        text = taking.take("text", TEXT)
        if text is not None:
            cache, kept = _take_cache(taking)
            part = Text(text, cache, taking.extras(str(Form("", kept))))
    elif kind == "input_image":
        part = _image(taking)
    elif kind == "input_file":
        part = _file(taking)
    elif kind == "input_audio":
        part = _audio(taking)
    return part if part is not None else Opaque(NAME, raw, CONTENT)


def _take_cache(taking: Taking) -> tuple[CacheHint | None, Fields]:
    raw = taking.rest.get(_BREAKPOINT)
    point = Taking(object_or_none(raw) or {})
    if not point.take_constant("mode", "explicit"):
        return None, {}
    seconds = _TTLS.get(point.take("ttl", TEXT))
    if seconds is None or point.rest:
        return None, {}
    return CacheHint(seconds), keep(taking, _BREAKPOINT)


def split_data_url(url: str) -> tuple[str, str] | None:
    """(MIME type, base64) of a data URL, or None."""
    if not url.startswith("data:") or _BASE64 not in url:
        return None
    mime, _, data = url[5:].partition(_BASE64)
    return mime, data


def _image(taking: Taking) -> Media | None:
    url, file_id = taking.take("image_url", TEXT), taking.take("file_id", TEXT)
    if (url is None) == (file_id is None):
        return None
    detail = taking.take("detail", TEXT)
    cache, kept = _take_cache(taking)
    inline = None if url is None else split_data_url(url)
    return Media(
        "image",
        url=None if inline is not None else url,
        data=inline[1] if inline is not None else None,
        mime=inline[0] if inline is not None else None,
        file_id=file_id,
        detail=detail,
        cache=cache,
        extras=taking.extras(str(Form("", kept))),
    )


def _file(taking: Taking) -> Media | None:
    url, file_id = taking.take("file_url", TEXT), taking.take("file_id", TEXT)
    given = taking.take("file_data", TEXT)
    if [url, file_id, given].count(None) != 2:
        return None
    name, detail = taking.take("filename", TEXT), taking.take("detail", TEXT)
    cache, kept = _take_cache(taking)
    inline = None if given is None else split_data_url(given)
    words = [_NAMELESS] if given is not None and name is None else []
    if given is not None and inline is None:
        words.append(_BARE)
    return Media(
        "file",
        url=url,
        data=given if inline is None else inline[1],
        mime=None if inline is None else inline[0],
        file_id=file_id,
        name=name,
        detail=detail,
        cache=cache,
        extras=taking.extras(str(Form(" ".join(words), kept))),
    )


def _audio(taking: Taking) -> Media | None:
    inner = Taking(taking.take_object("input_audio") or {})
    data, form = inner.take("data", TEXT), inner.take("format", TEXT)
    if data is None or form is None or inner.rest:
        return None
    return Media("audio", data=data, mime=f"audio/{form}", extras=taking.extras())


def render_input_part(part: Part, where: str, loss: Loss) -> Json | msgspec.Raw | None:
    """None for a part that this dialect has no form for; it was handed to `loss`."""
    if isinstance(part, Text):
        if part.citations:
            loss.setting(f"{where.partition('.')[0]}.citations")  # only what the model said can cite
        return _finish({"type": "input_text", "text": part.text}, part, where, loss)
    if isinstance(part, Media):
        out = _render_media(part)
        if out is not None:
            return _finish(out, part, where, loss)
        loss.content(
            where,
            f"{where} is of the kind {part.kind}, in a way that the target's format has no form for. Send pictures "
            "and documents by URL or as base64, and sounds as base64.",
        )
        return None
    if isinstance(part, Opaque) and part.dialect == NAME:
        return part.data
    loss.content(
        where,
        f"{where} is of a kind that the target's format has no form for. Leave it out, or choose another model.",
    )
    return None


def _finish(out: Json, part: Text | Media, where: str, loss: Loss) -> Json:
    """A hint of another dialect is left out: only the newest models take one, and all of them cache by themselves."""
    if part.cache is not None and not is_own(part.extras):
        loss.setting(f"{where}.cache")
    out.update(read_form(part.extras).kept)
    return with_extras(out, part.extras)


def _render_media(part: Media) -> Json | None:
    if part.kind == "image":
        return _render_image(part)
    if part.kind == "file":
        return _render_file(part)
    if part.kind == "audio" and part.data is not None:
        mime = part.mime or "audio/wav"
        form = _AUDIO.get(mime, mime.removeprefix("audio/"))
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": form}}
    return None


def _render_image(part: Media) -> Json | None:
    url = part.url if part.data is None else f"data:{part.mime or 'image/png'};base64,{part.data}"
    if url is None and part.file_id is None:
        return None
    return put({"type": "input_image"}, image_url=url, file_id=part.file_id, detail=part.detail)


def _render_file(part: Media) -> Json | None:
    if part.data is None and part.url is None and part.file_id is None:
        return None
    words = read_form(part.extras).words.split()
    name, data = part.name, part.data
    if data is not None:
        mime = part.mime or "application/octet-stream"
        if _BARE not in words:
            data = f"data:{mime};base64,{data}"
        if name is None and _NAMELESS not in words:
            name = f"file.{_SUFFIXES.get(mime, mime.rpartition('/')[2])}"
    return put(
        {"type": "input_file"},
        file_data=data,
        file_url=part.url,
        file_id=part.file_id,
        filename=name,
        detail=part.detail,
    )


def is_plain(part: Part) -> bool:
    """A text with nothing beside it, which can stand as a string in place of a list of parts."""
    return isinstance(part, Text) and part.cache is None and not part.citations and part.extras is None


def type_of(raw: msgspec.Raw) -> str:
    """An item's or a part's `type`; "" when it has none."""
    fields = object_or_none(raw) or {}
    return text_or_none(fields.get("type", msgspec.Raw(b'""'))) or ""
