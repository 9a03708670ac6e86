"""What reached a provider, read from the simulator's record of the request, in words that are nobody's.

Each reader is written from the provider's reference and knows nothing of the gateway: what the gateway got wrong
shows here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sdk.speakers.talk import Call

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """A request as its provider understands it. What it does not say is empty or None."""

    system: str
    tools: list[tuple[str, Any]]
    """Names and schemas."""
    choice: str
    """`none`, `any`, the name of one tool; empty where the provider may choose, or is not told."""
    calls: list[Call]
    results: list[tuple[str, str, Any]]
    """Of every result in the conversation: the call's id, its name where the dialect says it, and the result."""
    limit: int | None
    stop: list[str]
    temperature: float | None


def seen(dialect: str, body: Body) -> Seen:
    """Read a request in a dialect."""
    return _READERS[dialect](body)


def _texts(content: Any) -> str:
    """A string, or the texts of parts."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or ())


# --- OpenAI and Cohere --------------------------------------------------------------------------------------------


def _chat(body: Body) -> Seen:
    messages = body["messages"]
    choice = body.get("tool_choice", "")
    if isinstance(choice, dict):
        choice = choice["function"]["name"]
    return Seen(
        system="".join(_texts(m["content"]) for m in messages if m["role"] in ("system", "developer")),
        tools=[(tool["function"]["name"], tool["function"]["parameters"]) for tool in body.get("tools", ())],
        choice={"auto": "", "required": "any", "REQUIRED": "any", "NONE": "none"}.get(choice, choice),
        calls=[
            Call(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
            for message in messages
            for call in message.get("tool_calls") or ()
        ],
        results=[
            (message["tool_call_id"], "", _texts(message["content"]))
            for message in messages
            if message["role"] == "tool"
        ],
        limit=body.get("max_completion_tokens", body.get("max_tokens")),
        stop=_listed(body.get("stop", body.get("stop_sequences"))),
        temperature=body.get("temperature"),
    )


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _responses(body: Body) -> Seen:
    items = body["input"] if isinstance(body["input"], list) else []
    choice = body.get("tool_choice", "")
    if isinstance(choice, dict):
        choice = choice["name"]
    system = [_texts(item["content"]) for item in items if item.get("role") in ("system", "developer")]
    return Seen(
        system="".join([body.get("instructions") or "", *system]),
        tools=[(tool["name"], tool["parameters"]) for tool in body.get("tools", ())],
        choice={"auto": "", "required": "any"}.get(choice, choice),
        calls=[
            Call(item["call_id"], item["name"], json.loads(item["arguments"]))
            for item in items
            if item.get("type") == "function_call"
        ],
        results=[
            (item["call_id"], "", _texts(item["output"]))
            for item in items
            if item.get("type") == "function_call_output"
        ],
        limit=body.get("max_output_tokens"),
        stop=[],
        temperature=body.get("temperature"),
    )


# --- Anthropic ----------------------------------------------------------------------------------------------------


def _messages(body: Body) -> Seen:
    blocks = [
        block
        for message in body["messages"]
        if not isinstance(message["content"], str)
        for block in message["content"]
    ]
    choice = body.get("tool_choice") or {"type": "auto"}
    return Seen(
        system=_texts(body.get("system")),
        tools=[(tool["name"], tool["input_schema"]) for tool in body.get("tools", ())],
        choice=choice["name"] if choice["type"] == "tool" else choice["type"].replace("auto", ""),
        calls=[
            Call(block["id"], block["name"], block["input"])
            for block in blocks
            if block["type"] == "tool_use"
        ],
        results=[
            (block["tool_use_id"], "", _texts(block["content"]))
            for block in blocks
            if block["type"] == "tool_result"
        ],
        limit=body["max_tokens"],
        stop=list(body.get("stop_sequences") or ()),
        temperature=body.get("temperature"),
    )


# --- Gemini -------------------------------------------------------------------------------------------------------


def _gemini(body: Body) -> Seen:
    parts = [part for content in body["contents"] for part in content["parts"]]
    config = body.get("generationConfig", {})
    calling = body.get("toolConfig", {}).get("functionCallingConfig", {})
    declared = [
        function for tool in body.get("tools", ()) for function in tool.get("functionDeclarations", ())
    ]
    return Seen(
        system="".join(part["text"] for part in body.get("systemInstruction", {}).get("parts", ())),
        tools=[
            (function["name"], function.get("parametersJsonSchema") or _lower(function["parameters"]))
            for function in declared
        ],
        choice=_gemini_choice(calling),
        calls=[
            Call(call.get("id", ""), call["name"], call.get("args", {}))
            for call in (part["functionCall"] for part in parts if "functionCall" in part)
        ],
        results=[
            (told.get("id", ""), told["name"], told["response"])
            for told in (part["functionResponse"] for part in parts if "functionResponse" in part)
        ],
        limit=config.get("maxOutputTokens"),
        stop=list(config.get("stopSequences") or ()),
        temperature=config.get("temperature"),
    )


def _gemini_choice(calling: Body) -> str:
    names = calling.get("allowedFunctionNames") or ()
    if len(names) == 1:
        return str(names[0])
    return {"NONE": "none", "ANY": "any"}.get(calling.get("mode", ""), "")


def _lower(schema: Any) -> Any:
    """A schema of Google's, whose types are in capitals."""
    if isinstance(schema, dict):
        return {
            name: value.lower() if name == "type" and isinstance(value, str) else _lower(value)
            for name, value in schema.items()
        }
    return schema


# --- Bedrock ------------------------------------------------------------------------------------------------------


def _converse(body: Body) -> Seen:
    blocks = [block for message in body["messages"] for block in message["content"]]
    config = body.get("toolConfig", {})
    choice = config.get("toolChoice") or {}
    inference = body.get("inferenceConfig", {})
    uses = [block["toolUse"] for block in blocks if "toolUse" in block]
    results = [block["toolResult"] for block in blocks if "toolResult" in block]
    return Seen(
        system=_texts([block for block in body.get("system", ()) if "text" in block]),
        tools=[
            (tool["toolSpec"]["name"], tool["toolSpec"]["inputSchema"]["json"])
            for tool in config.get("tools", ())
        ],
        choice="any" if "any" in choice else choice.get("tool", {}).get("name", ""),
        calls=[Call(use["toolUseId"], use["name"], use["input"]) for use in uses],
        results=[(result["toolUseId"], "", _result(result["content"])) for result in results],
        limit=inference.get("maxTokens"),
        stop=list(inference.get("stopSequences") or ()),
        temperature=inference.get("temperature"),
    )


def _result(content: list[Any]) -> Any:
    if any("json" in block for block in content):
        (block,) = content
        return block["json"]
    return _texts(content)


def _cohere(body: Body) -> Seen:
    return _chat({**body, "messages": list(_plain(body["messages"]))})


def _plain(messages: Any) -> Iterator[Any]:
    """Cohere's results may be documents, whose data is the result."""
    for message in messages:
        if message["role"] != "tool" or isinstance(message["content"], str):
            yield message
            continue
        texts = [
            part.get("text") or part["document"]["data"] if "document" in part else part.get("text", "")
            for part in message["content"]
        ]
        yield {**message, "content": "".join(map(str, texts))}


_READERS: Mapping[str, Callable[[Body], Seen]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic_messages": _messages,
    "gemini_generate": _gemini,
    "bedrock_converse": _converse,
    "cohere_chat": _cohere,
}
