"""What a tool answered. On Google's wire it is an object: `output` says what came out, `error` what went wrong, and
without either the whole object is the output.

https://ai.google.dev/api/caching#FunctionResponse; media beside it, for Gemini 3 and later:
https://ai.google.dev/gemini-api/docs/function-calling#multimodal (2026-11-25).
"""

from __future__ import annotations

import msgspec

from waypost.core.request import Media, Opaque, Refusal, Text, ToolResult
from waypost.dialects.fields import Fields
from waypost.dialects.gemini_generate.calls import Calls
from waypost.dialects.gemini_generate.media import parse_media, render_media
from waypost.dialects.gemini_generate.own import NAME, Taking, keep, own_words, with_extras
from waypost.dialects.gemini_generate.rendering import Rendering
from waypost.dialects.taking import TEXT, Json, object_or_none, text_or_none

#: Where in its message a part of a result belongs.
RESULT = "result"
#: Single fields that hold a text, and nothing else.
_TEXTS = ("output", "result")
#: Fields that Google reads for itself.
_RESERVED = frozenset({"output", "error"})


def parse_result(fields: Fields, calls: Calls) -> ToolResult | None:
    """The value of `functionResponse`; None when its `response` is no object."""
    taking = Taking(fields)
    raw = taking.rest.pop("response", None)
    response = object_or_none(raw)
    if raw is not None and response is None:
        return None
    name, given = taking.take("name", TEXT), taking.take("id", TEXT)
    call_id = calls.answered(given, name)
    parts: list[Text | Media | Refusal | Opaque] = []
    is_error, word = False, "bare"
    if raw is not None and response is not None:
        text, is_error, word = _read(raw, response)
        parts.append(Text(text))
    for item in taking.take_items("parts"):
        media = parse_media(Taking(object_or_none(item) or {}))
        parts.append(Opaque(NAME, item, RESULT) if media is None else media)
    extras = keep(taking, word, "" if given else "noid")
    return ToolResult(call_id, tuple(parts), is_error, extras=extras, name=name)


def _read(raw: msgspec.Raw, response: Fields) -> tuple[str, bool, str]:
    """The text, whether it is an error, and how it was written."""
    if response.keys() == {"error"}:
        text = text_or_none(response["error"])
        return (text, True, "") if text is not None else (compact(response["error"]), True, "json")
    for name in _TEXTS:
        text = text_or_none(response[name]) if response.keys() == {name} else None
        if text is not None:
            return text, False, name
    return compact(raw), False, "object"


def compact(raw: msgspec.Raw) -> str:
    """JSON on one line: Google indents whole answers, and their insides with them."""
    text = bytes(raw)
    return (msgspec.json.format(text, indent=-1) if b"\n" in text else text).decode()


def render_result(result: ToolResult, where: str, rendering: Rendering) -> Json | None:
    """None when no call is known that it could belong to, handed to `loss`."""
    words = own_words(result.extras)
    name = result.name or rendering.names.get(result.call_id)
    if name is None and not rendering.native:
        rendering.loss.content(
            where, f"{where} answers a tool call that no earlier message makes. Send the call as well."
        )
        return None
    out: Json = {} if "noid" in words else {"id": result.call_id}
    if name is not None:
        out["name"] = name
    texts = [part.text for part in result.parts if isinstance(part, Text | Refusal)]
    if "bare" not in words or texts:
        out["response"] = _response("\n".join(texts), result.is_error, words)
    media = _render_rest(result, where, rendering)
    if media:
        out["parts"] = media
    hinted = any(isinstance(part, Text | Media) and part.cache is not None for part in result.parts)
    if result.cache is not None or hinted:
        rendering.loss.setting("cache_control")
    if any(isinstance(part, Text) and part.citations for part in result.parts):
        rendering.loss.setting(f"{where}.citations")
    return {"functionResponse": with_extras(out, result.extras)}


def _response(text: str, is_error: bool, words: list[str]) -> Json | msgspec.Raw:
    if is_error:
        return {"error": msgspec.Raw(text.encode()) if "json" in words else text}
    for name in _TEXTS:
        if name in words:
            return {name: text}
    raw = msgspec.Raw(text.encode())
    fields = object_or_none(raw)
    if fields is None:
        return {"output": text}
    # An object that another dialect's tool made may use Google's words for something else.
    return {"output": raw} if "object" not in words and fields.keys() & _RESERVED else raw


def _render_rest(result: ToolResult, where: str, rendering: Rendering) -> list[Json | msgspec.Raw]:
    out: list[Json | msgspec.Raw] = []
    for number, part in enumerate(result.parts):
        place = f"{where}.content[{number}]"
        if isinstance(part, Media) and (rendering.traits.modern or rendering.native):
            media = render_media(part, place, rendering)
            if media is not None:
                out.append(media)
        elif isinstance(part, Opaque) and part.dialect == NAME:
            out.append(part.data)
        elif not isinstance(part, Text | Refusal):
            rendering.loss.content(
                place,
                f"{place} can not be part of a tool's result for this model. Send it in a message of the user.",
            )
    return out
