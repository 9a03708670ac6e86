"""What an assistant says, as items and as parts: in an answer, and in the history that a client sends back.

Items: https://platform.openai.com/docs/api-reference/responses/object#responses/object-output (2026-11-25). A message
item is one `Text` or `Refusal` per content part; the first has the item's own fields in its extras, and those of the
content parts stand there as `content.…`. In an answer (`whole`) the status of an item follows from that of the answer
and is not kept; in a history everything is.
"""

from __future__ import annotations

import msgspec

from waypost.core.request import Citation, Extras, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.dialects.fields import Fields
from waypost.dialects.openai_responses.own import NAME, Form, Taking, keep, read_form, with_extras
from waypost.dialects.openai_responses.reply import read_items
from waypost.dialects.openai_responses.sealed import OURS, unseal
from waypost.dialects.taking import INTEGER, TEXT, Json, object_or_none, text_or_none

Said = Text | Refusal | Thinking | ToolCall | Opaque

ITEM = "item"
#: Words of a form: a message item begins here, goes on, or has no content; its content is a string; the reasoning is
#: in `content` and not in `summary`, or is kept as it came; the call is that of a custom tool.
MORE = "more"
EMPTY = "empty"
STRING = "string"
SHOWN = "content"
RAW = "raw"
CUSTOM = "custom"

#: Kinds of citations, and what each calls the core's fields; their others stay in the extras.
_CITED: dict[str, dict[str, str]] = {
    "url_citation": {"url": "url", "title": "title", "start": "start_index", "end": "end_index"},
    "file_citation": {"title": "filename", "start": "index"},
    "container_file_citation": {"title": "filename", "start": "start_index", "end": "end_index"},
    "file_path": {},
}
_INNER = "content."
_PART = "part"
_ENCODER = msgspec.json.Encoder()
_INPUT = "input"


def parse_item(raw: msgspec.Raw, *, whole: bool) -> list[Said]:
    """The parts that an item of the assistant's says; what the core has no word for becomes `Opaque`."""
    taking = Taking(object_or_none(raw) or {})
    kind = taking.take("type", TEXT)
    parts: list[Said] | None = None
    if kind == "function_call":
        parts = _parse_call(taking, whole)
    elif kind == "custom_tool_call":
        parts = _parse_custom(taking, whole)
    elif kind == "reasoning":
        parts = _parse_reasoning(taking, whole)
    elif kind in ("message", None) and taking.take_constant("role", "assistant"):
        if kind is not None and not whole:
            taking.rest["type"] = msgspec.Raw(b'"message"')
        parts = _parse_message(taking, whole)
    return parts if parts is not None else [Opaque(NAME, raw, ITEM)]


def keep_frame(taking: Taking, whole: bool) -> Fields:
    """What only names an item; its status too in a history."""
    kept = keep(taking, "id", "type", "status")
    if whole:
        kept.pop("status", None)
    return kept


def _parse_message(taking: Taking, whole: bool) -> list[Said] | None:
    kept = keep_frame(taking, whole)
    text = taking.take("content", TEXT)
    if text is not None:
        if not kept and not taking.rest:
            return [Text(text)]
        return [Text(text, extras=Extras(NAME, taking.rest, str(Form(STRING, kept))))]
    if "content" not in taking.rest:
        return None
    items = read_items(taking.rest["content"])
    if not items and bytes(taking.rest["content"]) != b"[]":
        return None
    del taking.rest["content"]
    if not items:
        return [Text("", extras=Extras(NAME, taking.rest, str(Form(EMPTY, kept))))]
    parts: list[Said] = []
    for item in items:
        part = parse_output_part(item, whole=whole, first=None if parts else (kept, taking.rest))
        if part is None:
            return None
        parts.append(part)
    return parts


def parse_output_part(
    raw: msgspec.Raw, *, whole: bool, first: tuple[Fields, Fields] | None
) -> Text | Refusal | None:
    """One content part; `first`: the frame and the other fields of the message item that it opens. None: of a kind
    that the core has no word for."""
    inner = Taking(object_or_none(raw) or {})
    kind = inner.take("type", TEXT)
    kept, outer = first if first is not None else ({}, {})
    text = inner.take("refusal" if kind == "refusal" else "text", TEXT)
    if text is None or kind not in ("output_text", "refusal", "input_text", "text"):
        return None
    if kind in ("input_text", "text"):  # some clients write history so
        kept = {**kept, _PART: msgspec.Raw(_ENCODER.encode(kind))}
    citations = () if kind == "refusal" else _take_citations(inner, whole)
    if whole and bytes(inner.rest.get("logprobs", msgspec.Raw(b"[]"))) in (b"[]", b"null"):
        inner.rest.pop("logprobs", None)
    fields = outer | {f"{_INNER}{name}": value for name, value in inner.rest.items()}
    extras = Extras(NAME, fields, str(Form(MORE if first is None else ITEM, kept)))
    return Refusal(text, extras) if kind == "refusal" else Text(text, None, extras, citations)


def _take_citations(inner: Taking, whole: bool) -> tuple[Citation, ...]:
    """Where the core has no word for one of them, all of them stay as they came."""
    raw = inner.rest.get("annotations")
    if raw is None or (bytes(raw) == b"[]" and not whole):
        return ()
    found = [parse_citation(item) for item in read_items(raw)]
    known = tuple(citation for citation in found if citation is not None)
    if len(known) == len(found) and bytes(raw)[:1] == b"[":
        del inner.rest["annotations"]
        return known
    return ()


def parse_citation(raw: msgspec.Raw) -> Citation | None:
    """None for a kind that is not known."""
    taking = Taking(object_or_none(raw) or {})
    kind = taking.take("type", TEXT)
    names = _CITED.get(kind or "")
    if kind is None or names is None:
        return None
    url, title = (taking.take(names[own], TEXT) if own in names else None for own in ("url", "title"))
    start, end = (taking.take(names[own], INTEGER) if own in names else None for own in ("start", "end"))
    return Citation(url, title, None, start, end, Extras(NAME, taking.rest, kind))


def render_citation(citation: Citation) -> Json:
    """A citation of another dialect is one of a URL, or else one of a file, and is complete."""
    kind = read_form(citation.extras).words
    own = bool(kind)
    if not own:
        kind = "url_citation" if citation.url is not None else "file_citation"
    out: Json = {"type": kind}
    for attribute, name in _CITED[kind].items():
        value = getattr(citation, attribute)
        if value is not None:
            out[name] = value
        elif not own:
            out[name] = "" if attribute in ("url", "title") else 0
    if kind == "file_citation" and not own:
        out["file_id"] = ""
    return with_extras(out, citation.extras)


def render_output_part(part: Text | Refusal, *, whole: bool) -> Json:
    """One content part of a message item."""
    kept = read_form(part.extras).kept
    if isinstance(part, Refusal):
        out: Json = {"type": "refusal", "refusal": part.text}
    else:
        out = {"type": kept.get(_PART, "output_text"), "text": part.text}
        if whole or part.citations:
            out["annotations"] = [render_citation(citation) for citation in part.citations]
    for name, value in _own_fields(part.extras).items():
        if name.startswith(_INNER):
            out.setdefault(name.removeprefix(_INNER), value)
    return out


def put_frame(out: Json, extras: Extras | None) -> Json:
    """`out`, an item, with its own frame and its own other fields."""
    for name, value in read_form(extras).kept.items():
        if name not in (_PART, "summary", "content"):
            out[name] = value
    for name, value in _own_fields(extras).items():
        if not name.startswith(_INNER):
            out.setdefault(name, value)
    return out


def _own_fields(extras: Extras | None) -> Fields:
    return extras.fields if extras is not None and extras.dialect == NAME else {}


def _parse_call(taking: Taking, whole: bool) -> list[Said] | None:
    call_id, name = taking.take("call_id", TEXT), taking.take("name", TEXT)
    arguments = taking.take("arguments", TEXT)
    if call_id is None or name is None or arguments is None:
        return None
    kept = keep_frame(taking, whole)
    return [ToolCall(call_id, name, arguments, taking.extras(str(Form("", kept))))]


def _parse_custom(taking: Taking, whole: bool) -> list[Said] | None:
    call_id, name, text = taking.take("call_id", TEXT), taking.take("name", TEXT), taking.take("input", TEXT)
    if call_id is None or name is None or text is None:
        return None
    kept = keep_frame(taking, whole)
    return [ToolCall(call_id, name, wrap_input(text), taking.extras(str(Form(CUSTOM, kept))))]


def wrap_input(text: str) -> str:
    """A custom tool's free text as the arguments of the function that stands for it in other dialects."""
    return _ENCODER.encode({_INPUT: text}).decode()


def unwrap_input(arguments: str) -> str:
    """The text again; arguments that are not of this shape are the text themselves."""
    fields = object_or_none(msgspec.Raw(arguments.encode())) or {}
    text = text_or_none(fields.get(_INPUT, msgspec.Raw(b"null")))
    return arguments if text is None or len(fields) > 1 else text


def render_call(call: ToolCall, *, custom: bool = False) -> Json:
    """A call's item, without a frame of its own unless it came with one."""
    if custom or read_form(call.extras).words == CUSTOM:
        out: Json = {"type": "custom_tool_call", "call_id": call.call_id, "name": call.name}
        out["input"] = unwrap_input(call.arguments)
    else:
        out = {"type": "function_call", "call_id": call.call_id, "name": call.name}
        out["arguments"] = call.arguments
    return put_frame(out, call.extras)


def _parse_reasoning(taking: Taking, whole: bool) -> list[Said]:
    kept = keep_frame(taking, whole)
    encrypted = taking.take("encrypted_content", TEXT)
    summary = _texts(taking.rest.get("summary"), "summary_text")
    content = _texts(taking.rest.get("content"), "reasoning_text")
    words = SHOWN if content and not summary else ITEM
    texts = content if words == SHOWN else summary
    if len(texts or ()) < 2 and (summary is not None and (content is None) == ("content" not in taking.rest)):
        canonical = not (summary and content) and "" not in (texts or ()) and content != []
    else:
        canonical = False
    if not canonical:
        kept |= keep(taking, "summary", "content")
        words = RAW
    taking.rest.pop("summary", None)
    taking.rest.pop("content", None)
    text = "\n\n".join(texts or ())
    extras = taking.extras(str(Form(words, kept)))
    if whole:
        # Only OpenAI's own reasoning comes in an answer: whether it is signed shows at the end of a stream.
        return [Thinking(text, encrypted, extras, OURS, encrypted is not None and not text)]
    if encrypted is None:
        return [Thinking(text, extras=extras)]
    found = unseal(encrypted)
    redacted = found.how == "redacted" if found.how is not None else not text
    return [Thinking(text, found.signature, extras, found.maker, redacted)]


def _texts(raw: msgspec.Raw | None, kind: str) -> list[str] | None:
    """The texts of an array whose elements have nothing but a text; None when it is missing or no such array."""
    if raw is None or bytes(raw)[:1] != b"[":
        return None
    texts: list[str] = []
    for item in read_items(raw):
        part = Taking(object_or_none(item) or {})
        text = part.take("text", TEXT)
        if text is None or not part.take_constant("type", kind) or part.rest:
            return None
        texts.append(text)
    return texts


def render_reasoning(part: Thinking, encrypted: str | None) -> Json:
    """A reasoning item, without a frame of its own unless it came with one."""
    form = read_form(part.extras)
    out: Json = {"type": "reasoning", "summary": []}
    if form.words == RAW:
        del out["summary"]
        out.update({name: form.kept[name] for name in ("summary", "content") if name in form.kept})
    elif form.words == SHOWN:
        out["content"] = [{"type": "reasoning_text", "text": part.text}]
    elif part.text:
        out["summary"] = [{"type": "summary_text", "text": part.text}]
    if encrypted is not None:
        out["encrypted_content"] = encrypted
    return put_frame(out, part.extras)
