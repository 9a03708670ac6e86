"""Bedrock's Converse requests, parsed and checked where a gateway could go wrong.

Fields: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and the service model of
botocore 1.44.8 (2026-11-25). Thinking follows Claude on Bedrock: what was thought comes back signed and unchanged.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Iterator

import msgspec

from waypost.simulator.ask import Ask, Refused, Tool
from waypost.simulator.counting import (
    PER_AUDIO,
    PER_CALL,
    PER_FILE,
    PER_IMAGE,
    PER_MESSAGE,
    PER_TOOL,
    Count,
    object_words,
    words,
)
from waypost.simulator.seals import Seals

Object = dict[str, object]
THINKING, REDACTED = "bedrock thinking", "bedrock redacted"
_TTLS = {"5m": 300, "1h": 3600}
_BLOCKS = frozenset(
    (
        *(
            "text",
            "image",
            "document",
            "video",
            "audio",
            "toolUse",
            "toolResult",
            "guardContent",
            "cachePoint",
        ),
        *("reasoningContent", "citationsContent", "searchResult"),
    )
)


class _Message(msgspec.Struct):
    role: str
    content: list[Object]


class _Inference(msgspec.Struct, rename="camel"):
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None


class _Tools(msgspec.Struct, rename="camel"):
    tools: list[Object]
    tool_choice: Object | None = None


class _Request(msgspec.Struct, rename="camel"):
    messages: list[_Message] = []
    system: list[Object] | None = None
    inference_config: _Inference | None = None
    tool_config: _Tools | None = None
    additional_model_request_fields: Object | None = None
    output_config: Object | None = None
    service_tier: Object | None = None
    simulate: Object | None = None


_REQUEST = msgspec.json.Decoder(_Request)


def parse_converse(model: str, body: bytes, seals: Seals, *, stream: bool) -> Ask:
    """Raises Refused."""
    try:
        given = _REQUEST.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(f"1 validation error detected: {error}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Refused(400, "The request body is not valid JSON.", kind="SerializationException") from None
    _check_messages(given)
    _check_thinking(given.messages, seals)
    inference = given.inference_config or _Inference()
    if inference.max_tokens is not None and inference.max_tokens < 1:
        raise _invalid("Value at 'inferenceConfig.maxTokens' must be greater than or equal to 1")
    if inference.temperature is not None and not 0 <= inference.temperature <= 1:
        raise _invalid("Value at 'inferenceConfig.temperature' must be between 0 and 1")
    count = _count(given)
    think, shown = _thinking(given)
    if think:
        _check_loop(given.messages)
    return Ask(
        operation="chat",
        model=model,
        prompt_tokens=count.tokens,
        stream=stream,
        wants_usage=True,
        max_output=inference.max_tokens,
        audio_input=count.audio,
        last_text=count.last_text,
        tools=tuple(_tools(given.tool_config)),
        tool_choice=_tool_choice(given.tool_config),
        schema=_schema(given.output_config),
        stop=tuple(inference.stop_sequences or ()),
        think=think,
        shown=shown,
        audible=False,
        marks=tuple(count.marks),
        simulate=given.simulate or {},
    )


def _invalid(message: str) -> Refused:
    return Refused(400, message, kind="ValidationException")


# --- messages -----------------------------------------------------------------------------------------------------


def _inner(block: Object, name: str) -> Object:
    found = block.get(name)
    return found if isinstance(found, dict) else {}


def _check_messages(given: _Request) -> None:
    messages = given.messages
    if not messages or messages[0].role != "user":
        raise _invalid(
            "A conversation must start with a user message. Try again with a conversation that starts with a user "
            "message."
        )
    calls: list[object] = []
    for place, message in enumerate(messages):
        if message.role not in ("user", "assistant"):
            raise _invalid(f"Value at 'messages.{place}.role' must be one of: user, assistant")
        if place and message.role == messages[place - 1].role:
            raise _invalid("A conversation must alternate between user and assistant roles.")
        for at, block in enumerate(message.content):
            _check_block(block, f"messages.{place}.content.{at}")
        results = [
            _inner(block, "toolResult").get("toolUseId") for block in message.content if "toolResult" in block
        ]
        if sorted(map(str, results)) != sorted(map(str, calls)):
            wrong = ", ".join(sorted({str(each) for each in (*results, *calls)}))
            raise _invalid(
                f"Expected toolResult blocks at messages.{place}.content for the following Ids: {wrong}"
            )
        calls = [_inner(block, "toolUse").get("toolUseId") for block in message.content if "toolUse" in block]
        if (calls or results) and given.tool_config is None:
            raise _invalid(
                "The toolConfig field must be defined when using toolUse and toolResult content blocks."
            )


def _check_block(block: Object, where: str) -> None:
    kinds = [name for name in block if name in _BLOCKS]
    if len(kinds) != 1 or len(block) != 1:
        raise _invalid(f"The content block at {where} must have exactly one known member.")
    if kinds == ["text"] and not str(block["text"]).strip():
        raise _invalid(f"The text field in the ContentBlock object at {where} is blank.")
    if kinds == ["toolUse"] and not isinstance(_inner(block, "toolUse").get("input"), dict):
        raise _invalid(f"The format of the value at {where}.toolUse.input is invalid. Provide a json object.")
    if kinds == ["toolResult"]:
        content = _inner(block, "toolResult").get("content")
        for part in content if isinstance(content, list) else []:
            told = part.get("json", {}) if isinstance(part, dict) else None
            if not isinstance(told, dict):
                raise _invalid(
                    f"The format of the value at {where}.toolResult.content.json is invalid. Provide a json object."
                )


def _check_thinking(messages: list[_Message], seals: Seals) -> None:
    """Every reasoning block is one of ours, unchanged."""
    for place, message in enumerate(messages):
        for at, block in enumerate(message.content):
            reasoning = _inner(block, "reasoningContent")
            if not reasoning:
                continue
            where = f"messages.{place}.content.{at}"
            text = _inner(reasoning, "reasoningText")
            if text:
                signature = text.get("signature")
                if not isinstance(signature, str):
                    raise _invalid(f"{where}.thinking.signature: Field required")
                if not seals.holds(THINKING, str(text.get("text")), signature):
                    raise _invalid(f"{where}: Invalid `signature` in `thinking` block")
            elif not _ours(reasoning.get("redactedContent"), seals):
                raise _invalid(f"{where}: Invalid `data` in `redacted_thinking` block")


def _ours(blob: object, seals: Seals) -> bool:
    try:
        return isinstance(blob, str) and seals.unwrap(REDACTED, b64decode(blob).decode("latin-1")) is not None
    except (Error, ValueError):
        return False


def _check_loop(messages: list[_Message]) -> None:
    if len(messages) > 1 and any("toolResult" in block for block in messages[-1].content):
        first = next(iter(messages[-2].content), {})
        if "reasoningContent" not in first:
            raise _invalid(
                f"messages.{len(messages) - 2}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
                f"`{next(iter(first), '')}`. When `thinking` is enabled, a final `assistant` message must start with a "
                "thinking block."
            )


# --- what is wanted -----------------------------------------------------------------------------------------------


def _thinking(given: _Request) -> tuple[bool | None, bool | None]:
    """Whether to think, and whether to show it."""
    fields = given.additional_model_request_fields or {}
    config = _inner(fields, "thinking") or _inner(fields, "reasoning_config")
    if not config:
        return None, None
    if config.get("type") == "disabled":
        return False, None
    return True, config.get("display") != "omitted"


def _tools(config: _Tools | None) -> Iterator[Tool]:
    for tool in config.tools if config else ():
        spec = _inner(tool, "toolSpec")
        if not spec:
            continue
        schema = _inner(spec, "inputSchema").get("json")
        if not isinstance(spec.get("name"), str) or not isinstance(schema, dict):
            raise _invalid(
                "Value at 'toolConfig.tools.1.member.toolSpec' must have a name and an inputSchema.json"
            )
        yield Tool(str(spec["name"]), schema)


def _tool_choice(config: _Tools | None) -> str:
    choice = (config.tool_choice if config else None) or {}
    if "tool" in choice:
        return f"={_inner(choice, 'tool').get('name')}"
    return "required" if "any" in choice else "auto"


def _schema(config: Object | None) -> Object | None:
    form = _inner(config or {}, "textFormat")
    text = _inner(_inner(form, "structure"), "jsonSchema").get("schema")
    if not form:
        return None
    try:
        return msgspec.json.decode(str(text), type=dict[str, object])
    except msgspec.DecodeError:
        raise _invalid("Value at 'outputConfig.textFormat.structure.jsonSchema.schema' is not JSON") from None


# --- tokens -------------------------------------------------------------------------------------------------------


def _count(given: _Request) -> Count:
    """In the order in which prompts are cached: tools, system, messages."""
    count = Count()
    for tool in given.tool_config.tools if given.tool_config else ():
        count.add(PER_TOOL if "toolSpec" in tool else 0, tool)
        _mark(count, tool)
    if given.system:
        count.add(PER_MESSAGE, "system")
        _add_blocks(count, given.system)
    for message in given.messages:
        count.add(PER_MESSAGE, message.role)
        _add_blocks(count, message.content)
        texts = [text for block in message.content if isinstance(text := block.get("text"), str)]
        if message.role == "user" and texts:
            count.last_text = " ".join(texts)
    return count


def _add_blocks(count: Count, blocks: list[Object]) -> None:
    for block in blocks:
        if "cachePoint" in block:
            _mark(count, block)
        else:
            count.add(_block_tokens(block), block)
            count.audio += PER_AUDIO if "audio" in block else 0


def _mark(count: Count, block: Object) -> None:
    if "cachePoint" in block:
        count.mark(_TTLS.get(str(_inner(block, "cachePoint").get("ttl")), 300))


def _block_tokens(block: Object) -> int:
    fixed = {"image": PER_IMAGE, "document": PER_FILE, "video": PER_FILE, "audio": PER_AUDIO}
    for name, tokens in fixed.items():
        if name in block:
            return tokens
    if "toolUse" in block:
        return PER_CALL + object_words(_inner(block, "toolUse").get("input", {}))
    if "toolResult" in block:
        content = _inner(block, "toolResult").get("content")
        parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
        return sum(object_words(part["json"]) if "json" in part else _block_tokens(part) for part in parts)
    if "reasoningContent" in block:
        return words(_inner(_inner(block, "reasoningContent"), "reasoningText").get("text"))
    return words(block.get("text"))
