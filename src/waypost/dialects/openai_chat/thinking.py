"""The reasoning of a message, both ways.

Its text is in `reasoning_content` (DeepSeek, vLLM and most servers; what most clients read) or in `reasoning`
(OpenRouter, Ollama). What has to go back to its maker is in `reasoning_details`
(https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks) and, for a text of Gemini, in
`extra_content` (https://ai.google.dev/gemini-api/docs/openai). All read on 2026-11-25.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import msgspec

from waypost.core.request import Extras, Maker, Opaque, Thinking
from waypost.dialects.fields import Fields
from waypost.dialects.openai_chat.own import NAME, Saying, Taking, own_form
from waypost.dialects.taking import INTEGER, TEXT, Json, object_or_none, text_or_none

FIELDS = ("reasoning_content", "reasoning")
DETAILS = "reasoning_details"
EXTRA = "extra_content"
GEMINI: Maker = "google-gemini-v1"
OPENAI: Maker = "openai-responses-v1"

TEXT_KIND, SUMMARY_KIND, ENCRYPTED_KIND = "reasoning.text", "reasoning.summary", "reasoning.encrypted"
_VALUES = {TEXT_KIND: "text", SUMMARY_KIND: "summary", ENCRYPTED_KIND: "data"}
_MAKERS: dict[str, Maker] = {maker: maker for maker in get_args(Maker)}
#: Begins the form of a part that came as details; the details without what the core models follow, as JSON.
_FORM = "details "
_SKELETONS: msgspec.json.Decoder[list[Fields]] = msgspec.json.Decoder(list[Fields])


class Detail(msgspec.Struct, frozen=True):
    """One of `reasoning_details`. `skeleton` is what the core does not model of it."""

    kind: str
    text: str
    signature: str | None
    maker: Maker | None
    index: int | None
    skeleton: Fields


def parse_detail(raw: msgspec.Raw) -> Detail | None:
    """None for one of another kind."""
    taking = Taking(object_or_none(raw) or {})
    kind = text_or_none(taking.rest.get("type", msgspec.Raw(b"null"))) or ""
    field = _VALUES.get(kind)
    if field is None:
        return None
    value = taking.take(field, TEXT)
    signature = taking.take("signature", TEXT) if kind == TEXT_KIND else None
    if value is None and signature is None:
        return None
    if kind == ENCRYPTED_KIND:
        value, signature = "", value
    maker = _MAKERS.get(text_or_none(taking.rest.get("format", msgspec.Raw(b"null"))) or "")
    index = taking.rest.get("index")
    place = None if index is None else Taking({"index": index}).take("index", INTEGER)
    return Detail(kind, value or "", signature, maker, place, taking.rest)


def _thought(details: list[Detail]) -> Thinking:
    """Details that make one part: pieces of one text, or a summary and what it sums up."""
    first, last = details[0], details[-1]
    signature = next((each.signature for each in details if each.signature is not None), None)
    kept = [first.skeleton] if first.kind == last.kind else [first.skeleton, last.skeleton]
    form = _FORM + msgspec.json.encode(kept).decode()
    text = "".join(each.text for each in details)
    return Thinking(text, signature, Extras(NAME, {}, form), first.maker, first.kind == ENCRYPTED_KIND)


def continues(before: Detail, detail: Detail) -> bool:
    """Whether `detail` is more of the part that `before` belongs to: a client may echo the pieces of a stream."""
    if before.signature is not None or before.kind == ENCRYPTED_KIND:
        return False
    if detail.kind == ENCRYPTED_KIND:
        return before.kind == SUMMARY_KIND and before.maker == detail.maker
    return detail.kind == before.kind and detail.index is not None and detail.index == before.index


def _take_details(taking: Taking) -> list[Thinking | Opaque]:
    found: list[list[Detail] | Opaque] = []
    for item in taking.take_items(DETAILS):
        detail = parse_detail(item)
        last = found[-1] if found else None
        if detail is None:
            found.append(Opaque(NAME, item, DETAILS))
        elif isinstance(last, list) and continues(last[-1], detail):
            last.append(detail)
        else:
            found.append([detail])
    return [one if isinstance(one, Opaque) else _thought(one) for one in found]


def take_thinking(taking: Taking, forms: list[str]) -> list[Thinking | Opaque]:
    """Details say more than the text: the text beside them counts only where they have none. `forms` gets the names
    of the fields that held the same text."""
    details = _take_details(taking)
    told = "".join(part.text for part in details if isinstance(part, Thinking))
    before: list[Thinking | Opaque] = []
    for name in FIELDS:
        raw = taking.rest.get(name)
        text = None if raw is None else text_or_none(raw)
        if text and not told:
            before.append(Thinking(text))
            told = text
        if text and text == told:
            del taking.rest[name]
            forms.append(name)
    return before + details


def take_signature(taking: Taking) -> str | None:
    """`extra_content.google.thought_signature`, where it is all there is."""
    raw = taking.rest.get(EXTRA)
    outer = None if raw is None else object_or_none(raw)
    google = object_or_none(outer.get("google")) if outer is not None and len(outer) == 1 else None
    if google is None or len(google) != 1 or "thought_signature" not in google:
        return None
    signature = text_or_none(google["thought_signature"])
    if signature is not None:
        del taking.rest[EXTRA]
    return signature


def signature_field(signature: str) -> Json:
    """As Google's own server in OpenAI's format writes it."""
    return {"google": {"thought_signature": signature}}


def is_mark(part: Thinking) -> bool:
    """Whether it is nothing but the signature of the text before it."""
    return (
        not part.text
        and not part.redacted
        and part.maker == GEMINI
        and part.signature is not None
        and not own_form(part.extras)
    )


def put_thinking(
    out: Json, thoughts: Sequence[Thinking | Opaque], forms: Sequence[str], say: Saying, where: str
) -> None:
    """Writes the fields that the other end takes. A message's reasoning that it takes no field for is named."""
    if not thoughts and not forms:
        return
    spoken: list[Thinking | Opaque] = []
    for part in thoughts:
        if isinstance(part, Thinking) and is_mark(part) and part.signature is not None:
            if "thought_signature" in say.takes:
                out[EXTRA] = signature_field(part.signature)
            else:
                say.loss.setting(f"{where}.thinking")
        else:
            spoken.append(part)
    detailed = DETAILS in say.takes
    text = "".join(part.text for part in spoken if isinstance(part, Thinking))
    if spoken and not detailed and (FIELDS[0] not in say.takes or not text):
        say.loss.setting(f"{where}.thinking")
        return
    names = [name for name in FIELDS if name in forms]
    if text and not names and not all(_came_as_details(part) for part in spoken):
        names = [FIELDS[0]]
    out.update(dict.fromkeys(names, text))
    items = render_details(spoken) if detailed else []
    if items:
        out[DETAILS] = items


def _came_as_details(part: Thinking | Opaque) -> bool:
    return isinstance(part, Opaque) or own_form(part.extras).startswith(_FORM)


def render_details(parts: Sequence[Thinking | Opaque]) -> list[Json | msgspec.Raw]:
    """`reasoning_details` of those parts that have a maker, or came as details."""
    out: list[Json | msgspec.Raw] = []
    for part in parts:
        if isinstance(part, Opaque):
            out.append(part.data)
        elif _came_as_details(part):
            out.extend(_own_details(part))
        elif part.maker is not None:
            out.extend(details_of(part, part.maker, len(out)))
    return out


def _own_details(part: Thinking) -> list[Json]:
    skeletons = _SKELETONS.decode(own_form(part.extras)[len(_FORM) :])
    out: list[Json] = []
    for skeleton in skeletons:
        kind = text_or_none(skeleton["type"]) or ""
        detail: Json = {**skeleton, _VALUES[kind]: part.signature if kind == ENCRYPTED_KIND else part.text}
        if kind == TEXT_KIND and part.signature is not None:
            detail["signature"] = part.signature
        out.append(detail)
    return out


def details_of(part: Thinking, maker: Maker, index: int) -> list[Json]:
    """A part of another dialect. OpenAI's reasoning is a summary and what it sums up, encrypted."""
    out: list[Json] = []
    if not part.redacted and maker != OPENAI:
        detail: Json = {"type": TEXT_KIND, "text": part.text, "format": maker, "index": index}
        if part.signature is not None:
            detail["signature"] = part.signature
        return [detail]
    if part.text:
        out.append({"type": SUMMARY_KIND, "summary": part.text, "format": maker, "index": index})
    if part.signature is not None:
        place = index + len(out)
        out.append({"type": ENCRYPTED_KIND, "data": part.signature, "format": maker, "index": place})
    return out
