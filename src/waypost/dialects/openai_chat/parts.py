"""Content parts: https://platform.openai.com/docs/api-reference/chat/create (2026-11-21).

`video_url`, and a document by its URL: https://openrouter.ai/docs/features/multimodal/overview (2026-11-25).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from waypost.core.request import CacheHint, Extras, Media, Opaque, Part, Refusal, Text, Thinking
from waypost.dialects.fields import Fields
from waypost.dialects.openai_chat.own import NAME, Saying, Taking, own_form, with_extras
from waypost.dialects.taking import TEXT, Json, object_or_none, put, put_cache, text_or_none

CONTENT = "content"
ContentPart = Text | Media | Refusal | Thinking | Opaque

_BASE64 = ";base64,"
_BREAKPOINT = "prompt_cache_breakpoint"
#: How long what ends at OpenAI's own breakpoint is kept, by its `ttl`: half an hour where it says nothing.
_KEPT_S = {"": 1800, "30m": 1800, "12h": 43_200}
#: Sound formats by media type: OpenAI says `mp3` where the media type says `mpeg`.
_FORMATS = {
    "audio/mpeg": "mp3",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mp4": "m4a",
    "audio/x-m4a": "m4a",
}
_MIMES = {"mp3": "audio/mpeg"}
#: A document needs a name.
_NAMES = {
    "application/pdf": "document.pdf",
    "text/plain": "document.txt",
    "text/markdown": "document.md",
    "text/html": "document.html",
    "text/csv": "document.csv",
}


def parse_part(raw: msgspec.Raw) -> ContentPart:
    """One element of a content array; what the core has no word for becomes `Opaque`."""
    fields = object_or_none(raw)
    kind = text_or_none(fields["type"]) if fields is not None and "type" in fields else None
    read = None if kind is None else _KINDS.get(kind)
    part = None
    if fields is not None and read is not None:
        taking = Taking(fields)
        del taking.rest["type"]
        part = read(taking)
    return part if part is not None else Opaque(NAME, raw, CONTENT)


def _hints(taking: Taking) -> tuple[CacheHint | None, Extras | None]:
    """The cache hint, and what is left of the part; both ends of every reader below."""
    cache = taking.take_cache()
    form = ""
    if cache is None:
        cache, form = _breakpoint(taking)
    return cache, taking.extras(form)


def _breakpoint(taking: Taking) -> tuple[CacheHint | None, str]:
    found = _strings(object_or_none(taking.rest.get(_BREAKPOINT)), frozenset({"mode", "ttl"}))
    if not found or found.get("mode") != "explicit" or found.get("ttl", "") not in _KEPT_S:
        return None, ""
    del taking.rest[_BREAKPOINT]
    ttl = found.get("ttl", "")
    return CacheHint(_KEPT_S[ttl]), f"{_BREAKPOINT} {ttl}"


def _text(taking: Taking) -> Text | None:
    text = taking.take("text", TEXT)
    return None if text is None else Text(text, *_hints(taking))


def _refusal(taking: Taking) -> Refusal | None:
    refusal = taking.take("refusal", TEXT)
    return None if refusal is None else Refusal(refusal, taking.extras())


def _thinking(taking: Taking) -> Thinking | None:
    """Mistral's: https://docs.mistral.ai/capabilities/reasoning (2026-11-25)."""
    inner = [object_or_none(item) or {} for item in taking.take_items("thinking")]
    texts = [text_or_none(item["text"]) for item in inner if item.keys() == {"type", "text"}]
    if not inner or len(texts) != len(inner) or taking.rest or None in texts:
        return None
    return Thinking("".join(text or "" for text in texts), extras=Extras(NAME, {}, CONTENT))


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
    cache, extras = _hints(taking)
    detail = inner.get("detail")
    inline = split_data_url(inner["url"])
    if inline is None:
        return Media("image", url=inner["url"], detail=detail, cache=cache, extras=extras)
    return Media("image", mime=inline[0], data=inline[1], detail=detail, cache=cache, extras=extras)


def _audio(taking: Taking) -> Media | None:
    inner = _strings(taking.take_object("input_audio"), frozenset({"data", "format"}))
    if inner is None or len(inner) != 2:
        return None
    cache, extras = _hints(taking)
    mime = _MIMES.get(inner["format"], f"audio/{inner['format']}")
    return Media("audio", data=inner["data"], mime=mime, cache=cache, extras=extras)


def _video(taking: Taking) -> Media | None:
    inner = _strings(taking.take_object("video_url"), frozenset({"url"}))
    if not inner:
        return None
    cache, extras = _hints(taking)
    inline = split_data_url(inner["url"])
    if inline is None:
        return Media("video", url=inner["url"], cache=cache, extras=extras)
    return Media("video", mime=inline[0], data=inline[1], cache=cache, extras=extras)


def _file(taking: Taking) -> Media | None:
    inner = _strings(taking.take_object("file"), frozenset({"filename", "file_data", "file_id"}))
    if inner is None or ("file_data" in inner) == ("file_id" in inner):
        return None
    cache, extras = _hints(taking)
    name = inner.get("filename")
    if "file_id" in inner:
        return Media("file", file_id=inner["file_id"], name=name, cache=cache, extras=extras)
    inline = split_data_url(inner["file_data"])
    if inline is None:
        return Media("file", url=inner["file_data"], name=name, cache=cache, extras=extras)
    return Media("file", mime=inline[0], data=inline[1], name=name, cache=cache, extras=extras)


_KINDS: dict[str, Callable[[Taking], ContentPart | None]] = {
    "text": _text,
    "refusal": _refusal,
    "image_url": _image,
    "input_audio": _audio,
    "video_url": _video,
    "file": _file,
    "thinking": _thinking,
}


def render_part(part: Part, where: str, say: Saying) -> Json | msgspec.Raw | None:
    """None for a part that was left out and named. Raises Unrepresentable, naming `where`, for one that may not be."""
    if isinstance(part, Text):
        return _hinted({"type": "text", "text": part.text}, part, say)
    if isinstance(part, Refusal):
        return with_extras({"type": "refusal", "refusal": part.text}, part.extras)
    if isinstance(part, Thinking):
        inner = [{"type": "text", "text": part.text}]
        return {"type": "thinking", "thinking": inner}
    if isinstance(part, Media):
        out = _render_media(part, say.takes)
        if out is not None:
            return _hinted(out, part, say)
        no_form(where, f"its {part.kind}", say, by_reference=part.data is None)
        return None
    if isinstance(part, Opaque) and part.dialect == NAME:
        return part.data
    no_form(where, "a part of another provider's own kind", say)
    return None


def no_form(where: str, what: str, say: Saying, *, by_reference: bool = False) -> None:
    """Names a part that can not be said, or raises Unrepresentable."""
    if say.answer:
        say.loss.content(
            where, f"The answer has {what}, and the client's format has no form for it. Choose another model."
        )
    advice = "Send it inline as base64" if by_reference else "Leave it out"
    say.loss.content(
        where,
        f"{where}: the target's format has no form for {what} as it is given. {advice}, or choose another model.",
    )


def _hinted(out: Json, part: Text | Media, say: Saying) -> Json:
    name, _, ttl = own_form(part.extras).partition(" ")
    if name == _BREAKPOINT:
        out[name] = put({"mode": "explicit"}, ttl=ttl or None)
    else:
        hint(out, part.cache, say)
    return with_extras(out, part.extras)


def hint(out: Json, cache: CacheHint | None, say: Saying) -> None:
    """Writes a cache hint for one that reads it; otherwise it is named."""
    if "cache_control" in say.takes:
        put_cache(out, cache)
    elif cache is not None:
        say.loss.setting("cache")


def is_plain(part: Part, say: Saying) -> bool:
    """Whether a text needs no array around it."""
    if not isinstance(part, Text) or (part.extras is not None and part.extras.dialect == NAME):
        return False
    if part.cache is not None and "cache_control" not in say.takes:
        say.loss.setting("cache")
        return True
    return part.cache is None


def data_url(part: Media) -> str | None:
    """Its data as a URL, else the URL it has."""
    if part.data is None:
        return part.url
    return f"data:{part.mime or 'application/octet-stream'};base64,{part.data}"


def _render_media(part: Media, takes: frozenset[str]) -> Json | None:
    url = data_url(part)
    if part.kind == "image" and url is not None:
        return {"type": "image_url", "image_url": put({"url": url}, detail=part.detail)}
    if part.kind == "audio" and part.data is not None:
        mime = (part.mime or "audio/wav").partition(";")[0]
        sound = {"data": part.data, "format": _FORMATS.get(mime, mime.removeprefix("audio/"))}
        return {"type": "input_audio", "input_audio": sound}
    if part.kind == "video" and url is not None and "video_url" in takes:
        return {"type": "video_url", "video_url": {"url": url}}
    if part.kind == "file" and part.file_id is not None:
        return {"type": "file", "file": put({"file_id": part.file_id}, filename=part.name)}
    if part.kind == "file" and url is not None and (part.data is not None or "file_url" in takes):
        name = part.name or (None if part.data is None else _NAMES.get(part.mime or "", "document"))
        return {"type": "file", "file": put({"file_data": url}, filename=name)}
    return None
