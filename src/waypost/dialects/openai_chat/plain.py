"""Requests and answers that are nothing but text, in one step: None where they are not, and the general way is gone
(`request.py`, `body.py`, `response.py`), which makes the same of them."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from waypost.core.plain import plain_request, plain_texts
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Extras, Message, Sampling, Text, Tool
from waypost.core.response import Choice, Finish
from waypost.dialects.fields import NULL, Fields, render_fields
from waypost.dialects.openai.ask import read_model
from waypost.dialects.openai_chat.own import NAME
from waypost.dialects.taking import INTEGER, NUMBER, TEXT

NEW_LIMIT, OLD_LIMIT = "max_completion_tokens", "max_tokens"
USER = "user"
_STREAM, _OPTIONS = "stream", "stream_options"
#: Fields of a request that are read here.
_READ = frozenset(
    ("model", "messages", "temperature", "top_p", _STREAM, _OPTIONS, OLD_LIMIT, NEW_LIMIT, USER)
)
_USAGE_WANTED = {"include_usage": True}
_FINISHES = {"stop": Finish.STOP, "length": Finish.LENGTH}
_ASSISTANT = b'"assistant"'
#: Of an answer's message, what may stand beside its text: it says nothing.
_SILENT = {"refusal": NULL, "annotations": b"[]"}


class _Said(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A message, in both directions."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str


class _Function(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Of a tool. Without null: that stays among the extras."""

    name: str
    description: str | UnsetType = UNSET
    parameters: msgspec.Raw = msgspec.Raw()
    strict: bool | UnsetType = UNSET


class _Tool(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["function"]
    function: _Function


class _Asked(msgspec.Struct, omit_defaults=True, gc=False):
    """A request for a target, its fields in the order in which the general way writes them."""

    model: str
    messages: list[dict[str, str]]
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None
    stream: bool | None = None
    user: str | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stream_options: dict[str, bool] | None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    message: Fields
    finish_reason: Literal["stop", "length"]
    index: int
    logprobs: msgspec.Raw = msgspec.Raw()


_MESSAGES = msgspec.json.Decoder(list[_Said])
_TOOLS = msgspec.json.Decoder(list[_Tool])
_CHOICES = msgspec.json.Decoder(tuple[_Choice])
_ENCODER = msgspec.json.Encoder()


def parse_plain(fields: Fields) -> ChatRequest | None:
    """See `request.parse_fields`. Raises InvalidRequest."""
    if not fields.keys() <= _READ or (OLD_LIMIT in fields and NEW_LIMIT in fields):
        return None
    model = read_model(fields)
    left: Fields = {}
    limit = user = heat = top_p = None
    form = ""
    wants_usage = False
    try:
        said = _MESSAGES.decode(fields["messages"])
        if "temperature" in fields:
            heat = NUMBER.decode(fields["temperature"])
        if "top_p" in fields:
            top_p = NUMBER.decode(fields["top_p"])
        if OLD_LIMIT in fields:
            limit, form = INTEGER.decode(fields[OLD_LIMIT]), OLD_LIMIT
        elif NEW_LIMIT in fields:
            limit, form = INTEGER.decode(fields[NEW_LIMIT]), NEW_LIMIT
        if USER in fields:
            user, form = TEXT.decode(fields[USER]), f"{form} {USER}".lstrip()
    except (ValueError, KeyError):
        return None
    stream = _STREAM in fields and bytes(fields[_STREAM]) == b"true"
    if _STREAM in fields and not stream:
        left[_STREAM] = fields[_STREAM]
    if _OPTIONS in fields:
        wants_usage = bytes(fields[_OPTIONS]) == b'{"include_usage":true}'
        if not wants_usage:
            return None
    if not said:
        return None
    messages = [Message(each.role, (Text(each.content),)) for each in said]
    extras = Extras(NAME, left, form) if left or form else None
    return plain_request(model, messages, Sampling(heat, top_p), limit, stream, wants_usage, user, extras)


def parse_tools(raw: msgspec.Raw) -> tuple[Tool, ...] | None:
    """Functions that say nothing that is not known. See `tools.take_tools`."""
    try:
        functions = [tool.function for tool in _TOOLS.decode(raw)]
    except ValueError:
        return None
    tools: list[Tool] = []
    for each in functions:
        schema = each.parameters or None
        if schema is not None and bytes(schema) == NULL:
            return None
        description = None if each.description is UNSET else each.description
        strict = None if each.strict is UNSET else each.strict
        tools.append(Tool(each.name, description, schema, strict))
    return tuple(tools) or None


def render_plain(request: ChatRequest, quirks: Quirks) -> bytes | None:
    """See `body.render_request`."""
    texts = None if quirks.drop else plain_texts(request, NAME)
    if texts is None:
        return None
    messages: list[dict[str, str]] = []
    for message, text in zip(request.messages, texts, strict=True):
        role = message.role
        if role == "tool":
            return None
        if role == "developer" and role not in quirks.takes:
            role = "system"
        messages.append({"role": role, "content": text})
    sampling, limit = request.sampling, request.max_output
    new = quirks.max_tokens_field == NEW_LIMIT
    shows_usage = (request.stream or request.wants_usage) and quirks.stream_usage
    return _ENCODER.encode(
        _Asked(
            request.model,
            messages,
            sampling.temperature,
            sampling.top_p,
            sampling.top_k,
            sampling.frequency_penalty,
            sampling.presence_penalty,
            sampling.seed,
            sampling.stop or None,
            request.stream or None,
            request.user,
            None if new else limit,
            limit if new else None,
            _USAGE_WANTED if shows_usage else None,
        )
    )


def parse_choice(raw: msgspec.Raw) -> Choice | None:
    """The choice of an answer's `choices`, if there is one and it is a text that came to its end. See
    `response.parse_response`."""
    try:
        [choice] = _CHOICES.decode(raw)
        message = choice.message
        text = TEXT.decode(message.pop("content"))
        if bytes(message.pop("role")) != _ASSISTANT:
            return None
    except (ValueError, KeyError):
        return None
    left: Fields = {}
    if choice.logprobs:
        left["logprobs"] = choice.logprobs
    if message:
        for name, value in message.items():
            if bytes(value) != _SILENT.get(name):
                return None
        left["message"] = msgspec.Raw(render_fields(message))
    extras = Extras(NAME, left) if left else None
    return Choice(choice.index, (Text(text),), _FINISHES[choice.finish_reason], extras)
