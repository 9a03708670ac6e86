"""Requests and answers that are nothing but text, in one step: None where they are not, and the general way is gone
(`request.py`, `messages.py`, `response.py`), which makes the same of them."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from waypost.core.asked import Stamp
from waypost.core.plain import plain_choice, plain_request, plain_texts
from waypost.core.quirks import Quirks
from waypost.core.request import CacheHint, ChatRequest, Extras, Message, Sampling, Text, Tool
from waypost.core.response import ChatResponse, Finish
from waypost.dialects.anthropic_messages.own import NAME, OWN
from waypost.dialects.anthropic_messages.thinking import DEFAULT_MAX_TOKENS
from waypost.dialects.anthropic_messages.usage import usage_object
from waypost.dialects.claude import version
from waypost.dialects.costs import put_cost
from waypost.dialects.fields import NULL, Fields
from waypost.dialects.openai.ask import read_model
from waypost.dialects.taking import INTEGER, NUMBER, TEXT, Json

#: Marks content that was a text and no list of blocks, and a tool that said its type aloud.
WRITTEN, CUSTOM = "text", "custom"
_STREAM = "stream"
_DELTA_START, _DELTA_END = b"event: content_block_delta\ndata: {", b"}\n\n"
_DATA = len(_DELTA_START) - 1
#: Fields of a request that are read here.
_READ = frozenset(
    ("model", "messages", "system", "max_tokens", "temperature", "top_p", "top_k", _STREAM, "metadata")
)
#: A temperature that this dialect takes, and above which it takes none.
_MOST_HEAT = 1.0
_STEADY = (4, 7)
#: Why an answer ended that is a text.
_WORDS = {Finish.STOP: "end_turn", Finish.LENGTH: "max_tokens"}


class _Turn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["user", "assistant"]
    content: str


class _Metadata(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    user_id: str


class _Block(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["text"]
    text: str
    citations: None = None


class _TextDelta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["text_delta"]
    text: str


class _Delta(msgspec.Struct, gc=False):
    type: Literal["content_block_delta"]
    index: int
    delta: _TextDelta


class _Hint(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] = "5m"


class _Tool(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A function. Without null: that stays among the extras."""

    name: str
    description: str | UnsetType = UNSET
    input_schema: msgspec.Raw = msgspec.Raw()
    strict: bool | UnsetType = UNSET
    type: Literal["custom"] | UnsetType = UNSET
    cache_control: _Hint | UnsetType = UNSET


class _Asked(msgspec.Struct, omit_defaults=True, gc=False):
    """A request for a target, its fields in the order in which the general way writes them."""

    model: str
    max_tokens: int
    system: list[Json] | None = None
    messages: list[Json] | None = None
    stream: bool | None = None
    metadata: dict[str, str] | None = None
    temperature: float | None = None
    top_k: int | None = None


_TURNS = msgspec.json.Decoder(list[_Turn])
_METADATA = msgspec.json.Decoder(_Metadata)
_DELTA = msgspec.json.Decoder(_Delta)
_TOOLS = msgspec.json.Decoder(list[_Tool])
_BLOCKS = msgspec.json.Decoder(list[_Block])
_ENCODER = msgspec.json.Encoder()


def parse_plain(fields: Fields) -> ChatRequest | None:
    """See `request.parse_fields`. Raises InvalidRequest."""
    if not fields.keys() <= _READ:
        return None
    model = read_model(fields)
    messages: list[Message] = []
    left: Fields = {}
    limit = user = heat = top_p = top_k = None
    try:
        turns = _TURNS.decode(fields["messages"])
        if "system" in fields:
            messages.append(_written("system", TEXT.decode(fields["system"])))
        if "max_tokens" in fields:
            limit = INTEGER.decode(fields["max_tokens"])
        if "temperature" in fields:
            heat = NUMBER.decode(fields["temperature"])
        if "top_p" in fields:
            top_p = NUMBER.decode(fields["top_p"])
        if "top_k" in fields:
            top_k = INTEGER.decode(fields["top_k"])
        if "metadata" in fields:
            user = _METADATA.decode(fields["metadata"]).user_id
        for turn in turns:
            messages.append(_written(turn.role, turn.content))
    except (ValueError, KeyError):
        return None
    if not turns:
        return None
    stream = _STREAM in fields and bytes(fields[_STREAM]) == b"true"
    if _STREAM in fields and not stream:
        left[_STREAM] = fields[_STREAM]
    # Streams of this dialect always say their usage.
    extras = Extras(NAME, left, OWN)
    return plain_request(model, messages, Sampling(heat, top_p, top_k), limit, stream, stream, user, extras)


def _written(role: Literal["system", "user", "assistant"], text: str) -> Message:
    """Raises ValueError for a text without anything in it, which the general way treats otherwise."""
    if not text:
        raise ValueError("an empty text")
    return Message(role, (Text(text),), Extras(NAME, {}, WRITTEN))


def parse_tools(raw: msgspec.Raw) -> tuple[Tool, ...] | None:
    """Functions that say nothing that is not known. See `tools.take_tools`."""
    try:
        found = _TOOLS.decode(raw)
    except ValueError:
        return None
    tools: list[Tool] = []
    for each in found:
        schema = each.input_schema or None
        if schema is not None and bytes(schema) == NULL:
            return None
        description = None if each.description is UNSET else each.description
        strict = None if each.strict is UNSET else each.strict
        extras = None if each.type is UNSET else Extras(NAME, {}, CUSTOM)
        hint = each.cache_control
        cache = None if hint is UNSET else CacheHint(3600 if hint.ttl == "1h" else 300)
        tools.append(Tool(each.name, description, schema, strict, extras, cache))
    return tuple(tools) or None


def render_plain(request: ChatRequest, quirks: Quirks) -> bytes | None:
    """See `request.render_request`. None also where something would have to be left out or moved: a system message
    behind the first turn, words put in the model's mouth, sampling that the model does not take."""
    sampling, heat = request.sampling, request.sampling.temperature
    if quirks.drop or sampling.stop or sampling.frequency_penalty or sampling.presence_penalty:
        return None
    if sampling.seed is not None or sampling.top_p is not None or (heat is not None and heat > _MOST_HEAT):
        return None
    if (heat is not None or sampling.top_k is not None) and version(request.model) >= _STEADY:
        return None
    texts = plain_texts(request, NAME)
    if texts is None:
        return None
    system: list[Json] = []
    turns: list[Json] = []
    role = "system"
    for message, text in zip(request.messages, texts, strict=True):
        role = message.role
        if role == "tool" or not text.strip():
            return None
        blocks: list[Json] = [{"type": "text", "text": text}]
        if role == "user" or role == "assistant":
            turns.append({"role": role, "content": blocks})
        elif turns:
            return None
        else:
            system.extend(blocks)
    if role != "user":
        return None
    limit, user = request.max_output, request.user
    return _ENCODER.encode(
        _Asked(
            request.model,
            DEFAULT_MAX_TOKENS if limit is None else limit,
            system or None,
            turns,
            request.stream or None,
            None if user is None else {"user_id": user},
            heat,
            sampling.top_k,
        )
    )


def render_answer(response: ChatResponse, cost_nusd: int | None, stamp: Stamp) -> bytes | None:
    """See `response.render_response`."""
    found, usage = plain_choice(response, NAME), response.usage
    if found is None or usage is None:
        return None
    choice, text = found
    if choice.finish is None or choice.finish not in _WORDS or not text.strip():
        return None
    counts = usage_object(usage, response.tier)
    put_cost(counts, cost_nusd)
    if usage.source != "reported":
        counts["estimated"] = True
    return _ENCODER.encode(
        {
            "id": response.response_id or f"msg_{stamp.exchange_id}",
            "type": "message",
            "role": "assistant",
            "model": response.model,
            "content": [{"type": "text", "text": text}],
            "stop_reason": _WORDS[choice.finish],
            "stop_sequence": None,
            "usage": counts,
        }
    )


def parse_blocks(raw: msgspec.Raw) -> tuple[Text, ...] | None:
    """The content of an answer that is texts only. See `response.parse_response`."""
    try:
        return tuple([Text(block.text) for block in _BLOCKS.decode(raw)])
    except ValueError:
        return None


def read_delta(chunk: bytes) -> tuple[int, str] | None:
    """The block's index and its text, when `chunk` is one whole event with more of a text; else None."""
    if not chunk.startswith(_DELTA_START) or not chunk.endswith(_DELTA_END):
        return None
    if chunk.count(b"\n") != 3 or b"\r" in chunk:
        return None
    try:
        found = _DELTA.decode(chunk[_DATA:-2])
    except (ValueError, RecursionError):
        return None
    return found.index, found.delta.text
