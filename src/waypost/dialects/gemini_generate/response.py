"""A whole answer to and from the core: the cross-dialect lane."""

from __future__ import annotations

import msgspec

from waypost.core.loss import Loss
from waypost.core.request import ChatRequest, Extras, Opaque, Text, ToolCall, ToolResult
from waypost.core.response import ChatResponse, Choice, Finish, ReplyPart
from waypost.dialects.costs import put_cost
from waypost.dialects.fields import Fields
from waypost.dialects.gemini.reply import read_answer
from waypost.dialects.gemini.usage import read_counts, render_counts
from waypost.dialects.gemini_generate.calls import Calls
from waypost.dialects.gemini_generate.finish import FIELD, finish_word, read_finish
from waypost.dialects.gemini_generate.grounding import CITED, GROUNDING, read_sources, render_sources
from waypost.dialects.gemini_generate.own import NAME, Taking, keep, own_words, with_extras
from waypost.dialects.gemini_generate.parts import PARTS, parse_part, render_parts
from waypost.dialects.gemini_generate.plain import parse_candidates, render_answer
from waypost.dialects.gemini_generate.rendering import Rendering
from waypost.dialects.taking import INTEGER, TEXT, Json, object_or_none, object_raw
from waypost.errors import Garbled

_ENCODER = msgspec.json.Encoder()
_WHOLE = "whole"
_BLOCKED = "blocked"


def parse_response(body: bytes) -> ChatResponse:
    """Raises Garbled, and what the provider reports inside a 200."""
    taking = Taking(read_answer(body))
    response_id = taking.take("responseId", TEXT) or ""
    # Its wire form stays among the extras: it says more than the counts do.
    usage, tier = read_counts(taking.rest.get("usageMetadata"))
    choices = _take_candidates(taking, response_id) or (blocked_choice(taking.rest),)
    # By place, which is far cheaper than by name.
    return ChatResponse(
        response_id, taking.take("modelVersion", TEXT) or "", choices, None, usage, tier, keep(taking, _WHOLE)
    )


def _take_candidates(taking: Taking, response_id: str) -> tuple[Choice, ...]:
    plain = parse_candidates(taking.rest["candidates"]) if "candidates" in taking.rest else None
    if plain is not None:
        del taking.rest["candidates"]
        return plain
    candidates = taking.take_items("candidates")
    return tuple(_parse_candidate(item, number, response_id) for number, item in enumerate(candidates))


def block_reason(fields: Fields) -> str | None:
    """Why a prompt was blocked, from the fields of an answer without candidates."""
    return Taking(object_or_none(fields.get("promptFeedback")) or {}).take("blockReason", TEXT)


def blocked_choice(fields: Fields) -> Choice:
    """The one choice of a blocked prompt: nothing, because of a filter. Raises Garbled when nothing was blocked."""
    if block_reason(fields) is None:
        raise Garbled("The provider's answer has no candidates. Try again, or another model.")
    return Choice(0, (), Finish.FILTERED, Extras(NAME, {}, _BLOCKED))


def parse_reply_part(raw: msgspec.Raw, calls: Calls) -> tuple[ReplyPart, ...]:
    """One part of an answer."""
    parts = parse_part(raw, calls)
    kept = tuple(part for part in parts if not isinstance(part, ToolResult))
    return kept if len(kept) == len(parts) else (Opaque(NAME, raw, PARTS),)


def calls_of(response_id: str, index: int) -> Calls:
    """Ids for the calls of one candidate: the answer's own is in them, so that they differ from turn to turn."""
    return Calls(f"{response_id}_{index}")


def _parse_candidate(raw: msgspec.Raw, number: int, response_id: str) -> Choice:
    fields = object_or_none(raw)
    if fields is None:
        raise Garbled("The provider's answer has a candidate that is no object. Try again, or another model.")
    taking = Taking(fields)
    given = taking.take("index", INTEGER)
    index = number if given is None else given
    found = taking.take_object("content")
    content = Taking(found or {})
    role = content.take_constant("role", "model")
    items = content.take_items("parts")
    calls = calls_of(response_id, index)
    groups = [parse_reply_part(item, calls) for item in items]
    parts = _with_sources(groups, taking.rest)
    has_calls = any(isinstance(part, ToolCall) for part in parts)
    finish, keep_word = read_finish(taking.rest.get(FIELD), has_calls)
    if not keep_word:
        taking.rest.pop(FIELD, None)
    if content.rest:
        taking.rest["content"] = object_raw(content.rest)
    words = ("" if role else "norole", "" if items else "noparts" if found is not None else "nocontent",
             "noindex" if given is None else "")  # fmt: skip
    return Choice(index, parts, finish, keep(taking, *words))


def _with_sources(groups: list[tuple[ReplyPart, ...]], candidate: Fields) -> tuple[ReplyPart, ...]:
    heads = [group[0] for group in groups]
    texts = {number: head.text for number, head in enumerate(heads) if isinstance(head, Text)}
    for number, citation in read_sources(candidate, texts):
        head = heads[number]
        if isinstance(head, Text):
            heads[number] = msgspec.structs.replace(head, citations=(*head.citations, citation))
    return tuple(part for head, group in zip(heads, groups, strict=True) for part in (head, *group[1:]))


def render_response(response: ChatResponse, cost_nusd: int | None = None, response_id: str = "") -> bytes:
    """`response_id` is for answers without one. Raises Unrepresentable for a part that this dialect can not say."""
    plain = render_answer(response, cost_nusd, response_id)
    return render_any(response, cost_nusd, response_id) if plain is None else plain


def render_any(response: ChatResponse, cost_nusd: int | None, response_id: str) -> bytes:
    """See `render_response`."""
    own = _WHOLE in own_words(response.extras)
    out: Json = {}
    candidates = [
        _render_choice(choice, own) for choice in response.choices if _BLOCKED not in own_words(choice.extras)
    ]
    if candidates:
        out["candidates"] = candidates
    if response.model or not own:
        out["modelVersion"] = response.model
    if response.response_id or not own:
        out["responseId"] = response.response_id or response_id
    with_extras(out, response.extras)
    if response.usage is not None:
        counts: Json = {**render_counts(response.usage)}
        if not own:
            if response.usage.source != "reported":
                counts["estimated"] = True
            put_cost(counts, cost_nusd)
        out.setdefault("usageMetadata", counts)
    return _ENCODER.encode(out)


def reply_rendering(own: bool = False) -> Rendering:
    """For the parts of an answer, which have to be said or refused. `own`: it came in this dialect."""
    return Rendering(ChatRequest("", (), extras=Extras(NAME, {}) if own else None), Loss())


def _render_choice(choice: Choice, own: bool) -> Json:
    words = own_words(choice.extras)
    rendering = reply_rendering(own)
    bare = tuple(
        msgspec.structs.replace(part, citations=()) if isinstance(part, Text) else part
        for part in choice.parts
    )
    where = f"choices[{choice.index}]"
    parts, _ = render_parts(bare, where, rendering)
    cited = [
        # The number is that of what is shown: parts that are not have none.
        (len(render_parts(bare[:number], where, rendering)[0]), part.text, part.citations)
        for number, part in enumerate(choice.parts)
        if isinstance(part, Text) and part.citations
    ]
    content: Json = {} if "noparts" in words else {"parts": parts}
    if "norole" not in words:
        content["role"] = "model"
    out: Json = {} if "nocontent" in words or (not own and not parts) else {"content": content}
    if "noindex" not in words:
        out["index"] = choice.index
    if choice.finish is not None:
        out[FIELD] = finish_word(choice.finish, choice.extras)
    extras = choice.extras
    if extras is not None and extras.dialect == NAME:
        with_extras(content, Extras(NAME, object_or_none(extras.fields.get("content")) or {}))
    with_extras(out, extras)
    if cited and not out.keys() & {GROUNDING, CITED}:
        sources = render_sources(cited)
        if sources is not None:
            out[GROUNDING] = sources
    return out
