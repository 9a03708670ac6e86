"""Settings that stand inside other fields: `reasoning`, `text` and `include`.

https://platform.openai.com/docs/api-reference/responses/create (2026-11-25). What the core has no word for is left in
the request's extras under its path, such as `reasoning.context`; the field itself is kept as it came for this dialect.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from waypost.core.request import Effort, ResponseFormat
from waypost.dialects import naming
from waypost.dialects.fields import NULL, Fields
from waypost.dialects.openai_responses.own import Taking, with_extras
from waypost.dialects.taking import FLAG, RAW, TEXT, TEXTS, Json, object_or_none, put

Verbosity = Literal["low", "medium", "high"]

LOGPROBS = "message.output_text.logprobs"
ENCRYPTED = "reasoning.encrypted_content"
#: Words of `reasoning.summary`; which of them is this dialect's own affair.
_SUMMARIES = frozenset({"auto", "concise", "detailed"})

_EFFORT: msgspec.json.Decoder[Effort] = msgspec.json.Decoder(Effort)
_VERBOSITY: msgspec.json.Decoder[Verbosity] = msgspec.json.Decoder(Verbosity)


def take_reasoning(taking: Taking, kept: Fields) -> tuple[Effort | None, bool | None]:
    """Effort, and whether reasoning is shown."""
    inner = _open(taking, "reasoning", kept)
    if inner is None:
        return None, None
    effort = inner.take("effort", _EFFORT)
    shown: bool | None = None
    for name in ("summary", "generate_summary"):
        word = inner.take(name, TEXT)
        if word in _SUMMARIES:
            shown = True
        elif word is not None:
            inner.rest[name] = msgspec.Raw(msgspec.json.encode(word))
    _leave(taking, "reasoning", inner)
    return effort, shown


def render_reasoning_setting(effort: Effort | None, shown: bool | None) -> Json | None:
    """None where nothing is asked."""
    return put({}, effort=effort, summary="auto" if shown else None) or None


def take_text(taking: Taking, kept: Fields) -> tuple[ResponseFormat | None, Verbosity | None]:
    """The shape of the answer, and how long it is to be."""
    inner = _open(taking, "text", kept)
    if inner is None:
        return None, None
    verbosity = inner.take("verbosity", _VERBOSITY)
    raw = inner.rest.get("format")
    wanted = _parse_format(raw) if raw is not None else None
    if wanted is not None:
        del inner.rest["format"]
    _leave(taking, "text", inner)
    return wanted, verbosity


def _parse_format(raw: msgspec.Raw) -> ResponseFormat | None:
    taking = Taking(object_or_none(raw) or {})
    kind = taking.take("type", TEXT)
    if kind == "text" and not taking.rest:
        return ResponseFormat("text")
    if kind == "json_object" and not taking.rest:
        return ResponseFormat("json_object")
    if kind != "json_schema":
        return None
    return ResponseFormat(
        "json_schema",
        taking.take("name", TEXT),
        taking.take("description", TEXT),
        taking.take("schema", RAW),
        taking.take("strict", FLAG),
        taking.extras(),
    )


def render_text(wanted: ResponseFormat | None, verbosity: Verbosity | None) -> Json | None:
    """None where nothing is asked. A schema has to have a name here."""
    out: Json = {}
    if wanted is not None:
        shape: Json = {"type": wanted.kind}
        if wanted.kind == "json_schema":
            name = naming.OPENAI.mended(wanted.name or "answer")
            put(shape, name=name, description=wanted.description, schema=wanted.schema, strict=wanted.strict)
            with_extras(shape, wanted.extras)
        out["format"] = shape
    return put(out, verbosity=verbosity) or None


def take_include(taking: Taking, kept: Fields) -> bool:
    """Whether log probabilities are wanted. Encrypted reasoning is always given, so asking for it says nothing."""
    wanted = taking.take("include", TEXTS)
    if wanted is None:
        return False
    kept["include"] = msgspec.Raw(msgspec.json.encode(wanted))
    other = [name for name in wanted if name not in (LOGPROBS, ENCRYPTED)]
    if other:
        taking.rest["include"] = msgspec.Raw(msgspec.json.encode(other))
    return LOGPROBS in wanted


def _open(taking: Taking, name: str, kept: Fields) -> Taking | None:
    raw = taking.rest.get(name)
    fields = object_or_none(raw)
    if raw is None or fields is None:
        return None
    del taking.rest[name]
    kept[name] = raw
    return Taking(fields)


def _leave(taking: Taking, name: str, inner: Taking) -> None:
    for left, raw in inner.rest.items():
        if bytes(raw) != NULL:
            taking.rest[f"{name}.{left}"] = raw


def own_name(name: str) -> bool:
    """Whether an extra is the field of a request, and not a path inside one that is kept."""
    return "." not in name
