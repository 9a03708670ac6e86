"""Parts of a content, in both directions: https://ai.google.dev/api/caching#Part (2026-11-25)."""

from __future__ import annotations

import msgspec

from waypost.core.request import Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from waypost.dialects.fields import Fields
from waypost.dialects.gemini_generate.calls import Calls
from waypost.dialects.gemini_generate.media import parse_media, render_media
from waypost.dialects.gemini_generate.own import (
    MAKER,
    NAME,
    Taking,
    keep,
    own_signature,
    own_words,
    with_extras,
)
from waypost.dialects.gemini_generate.rendering import Rendering
from waypost.dialects.gemini_generate.results import compact, parse_result, render_result
from waypost.dialects.taking import TEXT, Json, object_or_none

#: Where an `Opaque` belongs: it is a part of its content, or the request's cached content.
PARTS, CACHED = "parts", "cachedContent"
#: Says that a call was made by another model, which Gemini 3 can not check:
#: https://ai.google.dev/gemini-api/docs/thought-signatures (2026-11-25).
UNCHECKED = "skip_thought_signature_validator"
#: Marks in `Extras.form`: a thought without a text; a signature that was a part of its own.
_THOUGHT, _PART = "thought", "part"
#: The one argument of a call whose arguments are no JSON object: what the model wrote.
INVALID = "invalid_json"
_KINDS = frozenset(
    ("functionCall", "functionResponse", "inlineData", "fileData", "executableCode", "codeExecutionResult",
     "toolCall", "toolResponse")
)  # fmt: skip


def parse_part(raw: msgspec.Raw, calls: Calls) -> tuple[Part, ...]:
    """One element of `parts`. A signature on a text or a picture is a part of its own, behind it."""
    fields = object_or_none(raw)
    if fields is not None:
        taking = Taking(fields)
        text = None if taking.rest.keys() & _KINDS else taking.take("text", TEXT)
        if text is not None:
            return _text(taking, text)
        call = _call(taking, calls)
        if call is not None:
            return (call,)
        result = taking.rest.keys() == {"functionResponse"} and taking.take_object("functionResponse")
        found = parse_result(result, calls) if result else None
        if found is not None:
            return (found,)
        signature = taking.take("thoughtSignature", TEXT) or None
        media = parse_media(taking)
        if media is not None:
            return (media, *_signed(signature))
    return (Opaque(NAME, raw, PARTS),)


def is_thought(taking: Taking) -> bool:
    """Whether the part is of the model's reasoning; the mark is taken."""
    if bytes(taking.rest.get("thought", msgspec.Raw(b""))) != b"true":
        return False
    del taking.rest["thought"]
    return True


def _text(taking: Taking, text: str) -> tuple[Part, ...]:
    signature = taking.take("thoughtSignature", TEXT) or None
    if is_thought(taking):
        return (Thinking(text, signature, keep(taking, "" if text else _THOUGHT), MAKER),)
    if signature and not text:
        return (Thinking("", signature, keep(taking, _PART), MAKER),)
    return (Text(text, extras=taking.extras()), *_signed(signature))


def _signed(signature: str | None) -> tuple[Thinking, ...]:
    return (Thinking("", signature, maker=MAKER),) if signature else ()


def _call(taking: Taking, calls: Calls) -> ToolCall | None:
    fields = object_or_none(taking.rest.get("functionCall"))
    inner = Taking(fields or {})
    name = inner.take("name", TEXT)
    args = inner.rest.get("args")
    if name is None or (args is not None and object_or_none(args) is None):
        return None
    inner.rest.pop("args", None)
    given = inner.take("id", TEXT)
    if inner.rest:
        return None  # arguments in pieces, which only the same dialect asks for
    del taking.rest["functionCall"]
    signature = taking.take("thoughtSignature", TEXT) or None
    return ToolCall(
        calls.made(given, name),
        name,
        "{}" if args is None else compact(args),
        keep(taking, "" if given else "noid", "noargs" if args is None else ""),
        signature,
        MAKER if signature else None,
    )


def render_parts(
    parts: tuple[Part, ...], where: str, rendering: Rendering
) -> tuple[list[Json | msgspec.Raw], msgspec.Raw | None]:
    """The parts that can be said, the rest handed to `loss`; and the name of the cached content, if one is among
    them."""
    out: list[Json | msgspec.Raw] = []
    cached: msgspec.Raw | None = None
    first_call = True
    for number, part in enumerate(parts):
        if isinstance(part, Opaque) and part.dialect == NAME and part.slot == CACHED:
            cached = part.data
            continue
        if isinstance(part, Thinking):
            _put_thinking(out, part, where, rendering)
            continue
        rendered = _render_part(part, f"{where}.content[{number}]", rendering)
        if isinstance(part, ToolCall) and isinstance(rendered, dict):
            if first_call and rendering.traits.modern and not rendering.native:
                rendered.setdefault("thoughtSignature", UNCHECKED)
            first_call = False
        if rendered is not None:
            out.append(rendered)
    return out, cached


def _put_thinking(out: list[Json | msgspec.Raw], part: Thinking, where: str, rendering: Rendering) -> None:
    signature = own_signature(part.signature, part.maker)
    empty = not part.text and _THOUGHT not in own_words(part.extras)
    if part.redacted or (empty and not signature):
        rendering.loss.setting(f"{where}.thinking")
    elif not empty:
        shown: Json = {"text": part.text, "thought": True}
        if signature:
            shown["thoughtSignature"] = signature
        out.append(with_extras(shown, part.extras))
    else:
        last = out[-1] if out and _PART not in own_words(part.extras) else None
        if isinstance(last, dict) and "thoughtSignature" not in last:
            last["thoughtSignature"] = signature
        else:
            out.append(with_extras({"text": "", "thoughtSignature": signature}, part.extras))


def _render_part(part: Part, where: str, rendering: Rendering) -> Json | msgspec.Raw | None:
    if isinstance(part, Text | Refusal):
        return _render_text(part, where, rendering)
    if isinstance(part, ToolCall):
        return render_call(part)
    if isinstance(part, ToolResult):
        return render_result(part, where, rendering)
    if isinstance(part, Media):
        if part.cache is not None:
            rendering.loss.setting("cache_control")
        return render_media(part, where, rendering)
    if isinstance(part, Opaque) and part.dialect == NAME:
        return part.data
    rendering.loss.content(
        where,
        f"{where} is of a kind that Google's format has no form for. Leave it out, or choose another model.",
    )
    return None


def _render_text(part: Text | Refusal, where: str, rendering: Rendering) -> Json | None:
    if isinstance(part, Text):
        if part.cache is not None:
            rendering.loss.setting("cache_control")
        if part.citations:
            rendering.loss.setting(f"{where}.citations")
    if not part.text and not rendering.native:
        return None  # Google refuses empty texts, and they say nothing
    return with_extras({"text": part.text}, part.extras)


def render_call(call: ToolCall) -> Json:
    """One call. Arguments that are no JSON object go on as the text they are, in the one argument `invalid_json`."""
    words = own_words(call.extras)
    inner: Json = {} if "noid" in words else {"id": call.call_id}
    inner["name"] = call.name
    if "noargs" not in words or call.arguments != "{}":
        inner["args"] = arguments_of(call.arguments)
    out: Json = {"functionCall": inner}
    signature = own_signature(call.signature, call.maker)
    if signature:
        out["thoughtSignature"] = signature
    return with_extras(out, call.extras)


def arguments_of(text: str) -> msgspec.Raw | Json:
    """See `render_call`; no text at all is no arguments."""
    if not text.strip():
        return {}
    raw = msgspec.Raw(text.encode())
    fields: Fields | None = object_or_none(raw)
    return raw if fields is not None else {INVALID: text}
