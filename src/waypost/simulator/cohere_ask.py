"""Cohere's requests, parsed: chat, embed and rerank of version 2, and rerank of version 1.

Fields: https://docs.cohere.com/reference/chat, /embed, /rerank and the types of cohere 7.3.1 (2026-11-25).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from waypost.simulator.ask import Ask, Refused, Tool
from waypost.simulator.counting import (
    PER_CALL,
    PER_FILE,
    PER_IMAGE,
    PER_MESSAGE,
    PER_SEARCH,
    PER_TOOL,
    object_words,
    words,
)

Object = dict[str, object]
#: Tokens of the plan that comes before tool calls.
PLAN = 6
MAX_EMBEDDED = 96
EMBEDDING_TYPES = ("float", "int8", "uint8", "binary", "ubinary", "base64")

T = TypeVar("T")


class _Message(msgspec.Struct):
    role: str
    content: str | list[Object] | None = None
    tool_calls: list[Object] | None = None
    tool_plan: str | None = None
    tool_call_id: str | None = None


class _Chat(msgspec.Struct):
    model: str
    messages: list[_Message]
    stream: bool | None = None
    tools: list[Object] | None = None
    tool_choice: str | None = None
    documents: list[str | Object] | None = None
    response_format: Object | None = None
    max_tokens: int | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    thinking: Object | None = None
    simulate: Object | None = None


class _Embed(msgspec.Struct):
    model: str
    input_type: str
    texts: list[str] | None = None
    images: list[str] | None = None
    inputs: list[Object] | None = None
    embedding_types: list[str] | None = None
    output_dimension: int | None = None
    simulate: Object | None = None


class _Rerank(msgspec.Struct):
    query: str
    documents: list[str | Object]
    model: str = "sim-rerank"
    top_n: int | None = None
    return_documents: bool | None = None
    simulate: Object | None = None


_CHAT = msgspec.json.Decoder(_Chat)
_EMBED = msgspec.json.Decoder(_Embed)
_RERANK = msgspec.json.Decoder(_Rerank)


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Refused(400, f"invalid request: {error}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Refused(400, "invalid request: request body must be valid json") from None


def parse_chat(body: bytes) -> Ask:
    """Raises Refused."""
    given = _decoded(_CHAT, body)
    _check(given)
    thinking = given.thinking or {}
    think = None if given.thinking is None else thinking.get("type") == "enabled"
    return Ask(
        operation="chat",
        model=given.model,
        prompt_tokens=_count(given),
        stream=given.stream is True,
        wants_usage=True,
        max_output=given.max_tokens,
        last_text=_last_text(given.messages),
        tools=tuple(_tools(given.tools or [])),
        tool_choice={"REQUIRED": "required", "NONE": "none"}.get(given.tool_choice or "", "auto"),
        schema=_schema(given.response_format),
        stop=tuple(given.stop_sequences or ()),
        think=think,
        shown=True if think else None,
        audible=False,
        preface=PLAN,
        simulate=given.simulate or {},
    )


def parse_embed(body: bytes) -> Ask:
    """Raises Refused."""
    given = _decoded(_EMBED, body)
    texts = list(given.texts or [])
    images = list(given.images or [])
    for each in given.inputs or ():
        content = each.get("content")
        parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
        texts.append(" ".join([text for part in parts if isinstance(text := part.get("text"), str)]))
    inputs = [text.encode() for text in (*texts, *images)]
    if not 1 <= len(inputs) <= MAX_EMBEDDED:
        raise Refused(400, f"invalid request: give 1 to {MAX_EMBEDDED} inputs")
    types = given.embedding_types or ["float"]
    for each_type in types:
        if each_type not in EMBEDDING_TYPES:
            raise Refused(400, f"invalid request: {each_type} is not a valid embedding type")
    return Ask(
        operation="embeddings",
        model=given.model,
        prompt_tokens=sum(words(text) for text in texts) + PER_IMAGE * len(images),
        choices=0,
        inputs=tuple(inputs),
        dimensions=given.output_dimension,
        echo={"texts": texts, "types": types},
        simulate=given.simulate or {},
    )


def parse_rerank(body: bytes, version: int) -> Ask:
    """Prompt tokens are the words of the query and of all documents. Raises Refused."""
    given = _decoded(_RERANK, body)
    if not given.documents:
        raise Refused(400, "invalid request: list of documents must not be empty")
    if given.top_n is not None and given.top_n < 1:
        raise Refused(400, "invalid request: top_n must be at least 1")
    texts = [each if isinstance(each, str) else str(each.get("text", "")) for each in given.documents]
    return Ask(
        operation="rerank",
        model=given.model,
        prompt_tokens=words(given.query) + sum(words(text) for text in texts),
        choices=0,
        last_text=given.query,
        searches=-(-len(texts) // PER_SEARCH),
        echo={
            "documents": texts,
            "top_n": given.top_n,
            "told": given.return_documents is True,
            "version": version,
        },
        simulate=given.simulate or {},
    )


# --- chat -----------------------------------------------------------------------------------------------------------


def _check(given: _Chat) -> None:
    """Roles, and that every result belongs to a call of the message before."""
    if not given.messages:
        raise Refused(400, "invalid request: messages must not be empty")
    calls: set[str | None] = set()
    for place, message in enumerate(given.messages):
        if message.role not in ("system", "user", "assistant", "tool"):
            raise Refused(400, f"invalid request: messages[{place}]: unknown role '{message.role}'")
        if message.role == "tool":
            if message.tool_call_id not in calls:
                raise Refused(
                    400,
                    f"invalid request: tool call id '{message.tool_call_id}' not found in previous tool calls",
                )
            calls.discard(message.tool_call_id)
        elif calls:
            raise Refused(400, "invalid request: all tool calls must have a corresponding tool result")
        if message.role == "assistant":
            calls = {str(call.get("id")) for call in message.tool_calls or ()}
    if calls:
        raise Refused(400, "invalid request: all tool calls must have a corresponding tool result")


def _tools(given: list[Object]) -> Iterator[Tool]:
    for place, tool in enumerate(given):
        function = tool.get("function")
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(function, dict) or not isinstance(name, str):
            raise Refused(400, f"invalid request: tools[{place}].function.name is required")
        schema = function.get("parameters")
        yield Tool(name, schema if isinstance(schema, dict) else {})


def _schema(form: Object | None) -> Object | None:
    if form is None or form.get("type") != "json_object":
        return None
    schema = form.get("json_schema", form.get("schema"))
    return schema if isinstance(schema, dict) else {}


def _parts(content: str | list[Object] | None) -> list[Object]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content or []


def _count(given: _Chat) -> int:
    total = PER_TOOL * len(given.tools or ())
    for document in given.documents or ():
        total += words(document) if isinstance(document, str) else object_words(document)
    for message in given.messages:
        total += PER_MESSAGE + words(message.tool_plan)
        total += sum(_part_tokens(part) for part in _parts(message.content))
        for call in message.tool_calls or ():
            function = call.get("function")
            total += PER_CALL + words(function.get("arguments") if isinstance(function, dict) else None)
    return total


def _part_tokens(part: Object) -> int:
    match part.get("type"):
        case "image_url":
            return PER_IMAGE
        case "document":
            return PER_FILE
        case "thinking":
            return words(part.get("thinking"))
        case _:
            return words(part.get("text"))


def _last_text(messages: list[_Message]) -> str:
    for message in reversed(messages):
        if message.role == "user":
            texts = [part.get("text") for part in _parts(message.content)]
            return " ".join([text for text in texts if isinstance(text, str)])
    return ""
