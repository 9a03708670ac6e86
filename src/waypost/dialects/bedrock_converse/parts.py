"""Content blocks: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html (2026-11-25).
Each is an object with one field, which says its kind."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from waypost.core.loss import Loss
from waypost.core.request import (
    CacheHint,
    Extras,
    Media,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from waypost.dialects import naming
from waypost.dialects.bedrock_converse.citations import parse_cited, render_cited
from waypost.dialects.bedrock_converse.families import UNKNOWN, Family
from waypost.dialects.bedrock_converse.media import KINDS, parse_media, render_media
from waypost.dialects.bedrock_converse.own import CLAUDE, NAME, Taking, is_own, own_form, with_extras
from waypost.dialects.fields import Fields
from waypost.dialects.taking import ITEMS, TEXT, Json, object_or_none, text_or_none

CONTENT: Final = "content"
#: Reasoning that a client of this dialect sent: it goes back even without a signature.
OWN: Final = "own"
_GUARD: Final = "guardContent"
#: The one argument of a call whose arguments are no JSON object.
_INVALID: Final = "INVALID_JSON"
_UNSAFE: Final = re.compile(r"[^a-zA-Z0-9_.:-]")
_ID_CAP: Final = 64
_JSON: Final = "json"
_SUCCESS: Final = "success"
_STATUS: msgspec.json.Decoder[Literal["success", "error"]] = msgspec.json.Decoder(Literal["success", "error"])


def cache_hint(fields: Fields | None) -> CacheHint | None:
    """A `cachePoint` in one of the forms that a `CacheHint` renders as; a `ttl` of `5m` is what none means."""
    if fields is None:
        return None
    said = {name: text_or_none(raw) for name, raw in fields.items()}
    ttl = said.pop("ttl", "5m")
    if said != {"type": "default"} or ttl not in ("5m", "1h"):
        return None
    return CacheHint(3600 if ttl == "1h" else 300)


def cache_point(cache: CacheHint) -> Json:
    """The block that stands after what it is about."""
    return {"cachePoint": {"type": "default"} | ({"ttl": "1h"} if cache.ttl_s > 300 else {})}


def parse_block(raw: msgspec.Raw) -> Part:
    """One block; what the core has no word for becomes `Opaque`."""
    fields = object_or_none(raw)
    if fields is not None and len(fields) == 1:
        [(kind, value)] = fields.items()
        part = _parse(kind, value)
        if part is not None:
            return part
    return Opaque(NAME, raw, CONTENT)


def _parse(kind: str, value: msgspec.Raw) -> Part | None:
    if kind == "text":
        text = text_or_none(value)
        return None if text is None else Text(text)
    fields = object_or_none(value)
    if fields is None:
        return None
    if kind in KINDS:
        return parse_media(kind, fields)
    read = _READERS.get(kind)
    return None if read is None else read(fields)


def _call(fields: Fields) -> ToolCall | None:
    taking = Taking(fields)
    call_id, name = taking.take("toolUseId", TEXT), taking.take("name", TEXT)
    arguments = taking.rest.pop("input", None)
    # One with a type is a tool of the provider's own, at work on its side.
    if call_id is None or name is None or arguments is None or "type" in taking.rest:
        return None
    return ToolCall(call_id, name, bytes(arguments).decode(), taking.extras())


def _result(fields: Fields) -> ToolResult | None:
    taking = Taking(fields)
    call_id, status = taking.take("toolUseId", TEXT), taking.take("status", _STATUS)
    items = taking.take("content", ITEMS)
    if call_id is None or items is None or "type" in taking.rest:
        return None
    form = _SUCCESS if status == "success" else ""
    return ToolResult(call_id, tuple(map(_result_part, items)), status == "error", extras=taking.extras(form))


def _result_part(raw: msgspec.Raw) -> Text | Media | Refusal | Opaque:
    fields = object_or_none(raw)
    if fields is not None and fields.keys() == {_JSON}:
        return Text(bytes(fields[_JSON]).decode(), extras=Extras(NAME, {}, _JSON))
    part = parse_block(raw)
    return part if isinstance(part, Text | Media | Opaque) else Opaque(NAME, raw, CONTENT)


def _guarded(fields: Fields) -> Text | None:
    """A text that a guardrail is to look at; `qualifiers` tell what for."""
    inner = object_or_none(fields.get("text"))
    if len(fields) != 1 or inner is None:
        return None
    taking = Taking(inner)
    text = taking.take("text", TEXT)
    qualifiers = taking.rest.pop("qualifiers", msgspec.Raw(b"[]"))
    if text is None or taking.rest:
        return None
    return Text(text, extras=Extras(NAME, {_GUARD: qualifiers}, _GUARD))


def _reasoning(fields: Fields) -> Thinking | None:
    if fields.keys() == {"redactedContent"}:
        data = unredact(text_or_none(fields["redactedContent"]))
        return None if data is None else Thinking("", data, maker=CLAUDE, redacted=True)
    inner = object_or_none(fields.get("reasoningText"))
    if inner is None or len(fields) != 1:
        return None
    taking = Taking(inner)
    text, signature = taking.take("text", TEXT), taking.take("signature", TEXT)
    return None if text is None else Thinking(text, signature, taking.extras(OWN), CLAUDE)


def unredact(text: str | None) -> str | None:
    """Claude's own text of hidden reasoning, which Converse sends as base64 of it."""
    try:
        return None if text is None else base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None


_READERS: Final[dict[str, Callable[[Fields], Part | None]]] = {
    "toolUse": _call,
    "toolResult": _result,
    _GUARD: _guarded,
    "reasoningContent": _reasoning,
    "citationsContent": parse_cited,
}


def is_json(raw: msgspec.Raw) -> bool:
    """Whether it is JSON at all."""
    try:
        msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return False
    return True


def safe_id(call_id: str) -> str:
    """Converse takes letters, digits, `_`, `.`, `:` and `-` in ids of calls, and 64 of them."""
    return _UNSAFE.sub("_", call_id)[-_ID_CAP:] or "_"


class Writer:
    """Renders parts for one request or answer: what can not be said goes to `loss`."""

    __slots__ = ("_documents", "_faithful", "_family", "_loss", "_reply")

    def __init__(
        self, loss: Loss, family: Family = UNKNOWN, *, reply: bool = False, own: bool = False
    ) -> None:
        """`own`: the request came in this dialect, and says what it said."""
        self._loss = loss
        self._family = family
        self._reply = reply
        self._faithful = reply or own
        self._documents = 0

    def blocks(
        self, parts: tuple[Part, ...], message: str, *, of_model: bool = False
    ) -> list[Json | msgspec.Raw]:
        """The content of `message` (`messages[3]`), which the model wrote or not. Raises Unrepresentable."""
        out: list[Json | msgspec.Raw] = []
        for number, part in enumerate(parts):
            if isinstance(part, Media) and of_model and not self._faithful:
                where = f"{message}.content[{number}]"
                self._loss.content(
                    where,
                    f"{where}: Bedrock takes media from users only. Send it in a message of the user, or leave it out.",
                )
                continue
            block = self._block(part, message, f"{message}.content[{number}]")
            if block is None:
                continue
            out.append(block)
            if isinstance(part, Text | Media | ToolResult) and part.cache is not None:
                out.append(cache_point(part.cache))
        return out

    def _block(self, part: Part, message: str, where: str) -> Json | msgspec.Raw | None:
        if isinstance(part, Text):
            return self._text(part, message)
        if isinstance(part, ToolCall):
            return self._call(part)
        if isinstance(part, ToolResult):
            return self._result(part, where)
        if isinstance(part, Media):
            return self._media(part, where)
        if isinstance(part, Thinking):
            return self._thinking(part, message)
        if isinstance(part, Refusal):
            if not self._reply:
                self._loss.setting(f"{message}.refusal")
            return {"text": part.text}
        return self._opaque(part, where)

    def _text(self, part: Text, message: str) -> Json | None:
        form = own_form(part.extras)
        if form == _GUARD and part.extras is not None:
            qualifiers = part.extras.fields[_GUARD]
            inner: Json = {"text": part.text}
            if bytes(qualifiers) != b"[]":
                inner["qualifiers"] = qualifiers
            return {_GUARD: {"text": inner}}
        own = form == "citations" or any(is_own(each.extras) for each in part.citations)
        if own or (self._reply and part.citations):
            return render_cited(part)
        if part.citations:
            self._loss.setting(f"{message}.citations")
        # A text of nothing, or of white space, is refused, and says nothing.
        return {"text": part.text} if part.text.strip() or self._faithful else None

    def _call(self, call: ToolCall) -> Json:
        name, call_id = call.name, call.call_id
        if not self._faithful:
            name, call_id = naming.BEDROCK.mended(name), safe_id(call_id)
        out: Json = {"toolUseId": call_id, "name": name, "input": self._input(call)}
        return {"toolUse": with_extras(out, call.extras)}

    def _input(self, call: ToolCall) -> msgspec.Raw:
        """The arguments as the object that models want. What is none goes in the one argument `INVALID_JSON`, as
        Claude knows it: https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
        (2026-11-25)."""
        raw = msgspec.Raw((call.arguments.strip() or "{}").encode())
        if object_or_none(raw) is not None or (self._faithful and is_json(raw)):
            return raw
        return msgspec.Raw(msgspec.json.encode({_INVALID: call.arguments}))

    def _result(self, result: ToolResult, where: str) -> Json:
        content: list[Json | msgspec.Raw] = []
        for number, part in enumerate(result.parts):
            block = self._result_part(part, f"{where}.content[{number}]")
            if block is not None:
                content.append(block)
        call_id = result.call_id if self._faithful else safe_id(result.call_id)
        out: Json = {"toolUseId": call_id, "content": content}
        if result.is_error:
            out["status"] = "error"
        elif own_form(result.extras) == _SUCCESS:
            out["status"] = "success"
        return {"toolResult": with_extras(out, result.extras)}

    def _result_part(self, part: Text | Media | Refusal | Opaque, where: str) -> Json | msgspec.Raw | None:
        if isinstance(part, Text):
            if own_form(part.extras) == _JSON:
                return {_JSON: msgspec.Raw(part.text.encode())}
            message = where.partition(".")[0]
            if part.citations:
                self._loss.setting(f"{message}.citations")
            if part.cache is not None:
                self._loss.setting(f"{message}.cache")  # cache points stand beside results, and not in them
            return {"text": part.text}
        if isinstance(part, Media):
            if part.cache is not None:
                self._loss.setting(f"{where.partition('.')[0]}.cache")
            if part.kind == "audio":
                self._loss.content(
                    where, f"{where} is a sound in a tool's result, which Bedrock does not take."
                )
                return None
            return self._media(part, where)
        return {"text": part.text} if isinstance(part, Refusal) else self._opaque(part, where)

    def _media(self, part: Media, where: str) -> Json | None:
        self._documents += part.kind == "file"
        return render_media(part, where, self._loss, self._documents)

    def _thinking(self, part: Thinking, message: str) -> Json | None:
        """Claude's own goes back to Claude; that of others does not, since no model on Bedrock takes it."""
        mine = part.maker == CLAUDE and (self._family.signs or self._reply)
        signature = (part.signature or None) if mine else None  # an empty one is none: Claude refuses it
        if part.redacted and signature is not None:
            if part.text.strip() and not self._reply:
                self._loss.setting(f"{message}.thinking")  # what hides its text has no place for words
            return {"reasoningContent": {"redactedContent": base64.b64encode(signature.encode()).decode()}}
        if not part.redacted and (signature is not None or own_form(part.extras) == OWN or self._reply):
            inner: Json = {"text": part.text}
            if signature is not None:
                inner["signature"] = signature
            if part.text or signature is not None or not self._reply:
                return {"reasoningContent": {"reasoningText": with_extras(inner, part.extras)}}
        elif not self._reply:
            self._loss.setting(f"{message}.thinking")
        return None

    def _opaque(self, part: Opaque, where: str) -> msgspec.Raw | None:
        if part.dialect == NAME:
            return part.data
        self._loss.content(
            where,
            f"{where} is of a kind that Bedrock Converse has no form for. Leave it out, or choose another model.",
        )
        return None
