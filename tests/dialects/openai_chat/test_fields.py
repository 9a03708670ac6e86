"""Every field of OpenAI's chat format, and what becomes of it on the way to another dialect.

`carried`: the core says it. `kept`: it stays with the request, and is named as left out. `own`: a part or a tool that
only this dialect can say; it is refused, unless the client lets it be dropped. The fields are read from OpenAI's own
types, so a new one fails here until somebody has decided.
"""

from __future__ import annotations

from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionAssistantMessageParam,
    ChatCompletionChunk,
    ChatCompletionCustomToolParam,
    ChatCompletionDeveloperMessageParam,
    ChatCompletionFunctionMessageParam,
    ChatCompletionFunctionToolParam,
    ChatCompletionSystemMessageParam,
    ChatCompletionToolMessageParam,
    ChatCompletionUserMessageParam,
    completion_create_params,
)
from openai.types.chat.chat_completion_content_part_param import ChatCompletionContentPartParam
from openai.types.chat.chat_completion_content_part_refusal_param import ChatCompletionContentPartRefusalParam
from openai.types.shared_params import FunctionDefinition, ResponseFormatJSONSchema
from pydantic import BaseModel

from waypost.core.request import ChatRequest, Opaque, Sampling, ToolResult
from waypost.dialects.cross import foreign_settings
from waypost.dialects.openai_chat.codec import CHAT
from waypost.dialects.openai_chat.crossing import CROSSING
from waypost.dialects.openai_chat.response import parse_response
from waypost.dialects.openai_chat.stream import ChatStreamParser

ASSISTANT: dict[str, Any] = {"role": "assistant", "content": "a"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
HI: dict[str, Any] = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "f"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}}

#: Field of the request -> what becomes of it, and values to send.
REQUEST: dict[str, tuple[str, dict[str, Any]]] = {
    "messages": ("carried", {}),
    "model": ("carried", {}),
    "audio": ("kept", {"audio": {"voice": "alloy", "format": "wav"}}),
    "frequency_penalty": ("carried", {"frequency_penalty": 0.5}),
    "function_call": ("carried", {"functions": [{"name": "f"}], "function_call": {"name": "f"}}),
    "functions": ("carried", {"functions": [{"name": "f", "description": "d", "parameters": {}}]}),
    "logit_bias": ("kept", {"logit_bias": {"50256": -100}}),
    "logprobs": ("carried", {"logprobs": True}),
    "max_completion_tokens": ("carried", {"max_completion_tokens": 9}),
    "max_tokens": ("carried", {"max_tokens": 9}),
    "metadata": ("carried", {"metadata": {"a": "b"}}),
    "modalities": ("carried", {"modalities": ["text", "audio"]}),
    "moderation": ("kept", {"moderation": {"model": "omni-moderation-latest"}}),
    "n": ("carried", {"n": 2}),
    "parallel_tool_calls": ("carried", {"tools": [TOOL], "parallel_tool_calls": False}),
    "prediction": ("kept", {"prediction": {"type": "content", "content": "x"}}),
    "presence_penalty": ("carried", {"presence_penalty": 0.5}),
    "prompt_cache_key": ("carried", {"prompt_cache_key": "k"}),
    "prompt_cache_options": ("kept", {"prompt_cache_options": {"mode": "explicit"}}),
    "prompt_cache_retention": ("kept", {"prompt_cache_retention": "24h"}),
    "reasoning_effort": ("carried", {"reasoning_effort": "xhigh"}),
    "response_format": ("carried", {"response_format": SCHEMA}),
    "safety_identifier": ("carried", {"safety_identifier": "u"}),
    "seed": ("carried", {"seed": 7}),
    "service_tier": ("carried", {"service_tier": "flex"}),
    "stop": ("carried", {"stop": ["a", "b"]}),
    "store": ("kept", {"store": True}),
    "stream": ("carried", {"stream": True}),
    "stream_options": ("carried", {"stream": True, "stream_options": {"include_usage": True}}),
    "temperature": ("carried", {"temperature": 0.5}),
    "tool_choice": ("carried", {"tools": [TOOL], "tool_choice": "required"}),
    "tools": ("carried", {"tools": [TOOL]}),
    "top_logprobs": ("carried", {"logprobs": True, "top_logprobs": 3}),
    "top_p": ("carried", {"top_p": 0.5}),
    "user": ("carried", {"user": "u"}),
    "verbosity": ("carried", {"verbosity": "low"}),
    "web_search_options": ("kept", {"web_search_options": {}}),
}
#: What OpenAI's types do not have and clients of other servers of this format send.
BEYOND: dict[str, tuple[str, dict[str, Any]]] = {
    "top_k": ("carried", {"top_k": 40}),
    "reasoning": ("carried", {"reasoning": {"effort": "high", "exclude": True, "enabled": True}}),
    "reasoning.max_tokens": ("carried", {"reasoning": {"max_tokens": 2000}}),
    "include_reasoning": ("carried", {"include_reasoning": True}),
    "thinking": ("carried", {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
    "min_p": ("kept", {"min_p": 0.1}),
    "provider": ("kept", {"provider": {"order": ["a"]}}),
    "transforms": ("kept", {"transforms": ["middle-out"]}),
    "stream_options.include_obfuscation": ("kept", {"stream_options": {"include_obfuscation": True}}),
}
#: Role and field of a message.
MESSAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "system.content": ("carried", {"role": "system", "content": "s"}),
    "system.role": ("carried", {"role": "system", "content": "s"}),
    "system.name": ("kept", {"role": "system", "content": "s", "name": "n"}),
    "developer.content": ("carried", {"role": "developer", "content": "s"}),
    "developer.role": ("carried", {"role": "developer", "content": "s"}),
    "developer.name": ("kept", {"role": "developer", "content": "s", "name": "n"}),
    "user.content": ("carried", HI),
    "user.role": ("carried", HI),
    "user.name": ("kept", {**HI, "name": "n"}),
    "assistant.role": ("carried", ASSISTANT),
    "assistant.content": ("carried", ASSISTANT),
    "assistant.audio": ("kept", {"role": "assistant", "audio": {"id": "a"}}),
    "assistant.function_call": ("carried", {**ASSISTANT, "function_call": {"name": "f", "arguments": "{}"}}),
    "assistant.name": ("kept", {**ASSISTANT, "name": "n"}),
    "assistant.refusal": ("carried", {"role": "assistant", "content": None, "refusal": "no"}),
    "assistant.tool_calls": ("carried", {"role": "assistant", "tool_calls": [CALL]}),
    "tool.content": ("carried", {"role": "tool", "tool_call_id": "c", "content": "1"}),
    "tool.role": ("carried", {"role": "tool", "tool_call_id": "c", "content": "1"}),
    "tool.tool_call_id": ("carried", {"role": "tool", "tool_call_id": "c", "content": "1"}),
    "function.content": ("carried", {"role": "function", "name": "f", "content": "1"}),
    "function.role": ("carried", {"role": "function", "name": "f", "content": "1"}),
    "function.name": ("carried", {"role": "function", "name": "f", "content": "1"}),
}
BEYOND_MESSAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "reasoning_content": ("carried", {**ASSISTANT, "reasoning_content": "hm"}),
    "reasoning": ("carried", {**ASSISTANT, "reasoning": "hm"}),
    "reasoning_details": (
        "carried",
        {**ASSISTANT, "reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "s"}]},
    ),
    "annotations": (
        "carried",
        {**ASSISTANT, "annotations": [{"type": "url_citation", "url_citation": {"url": "u"}}]},
    ),
    "images": ("carried", {**ASSISTANT, "images": [{"type": "image_url", "image_url": {"url": "u"}}]}),
    "extra_content": ("carried", {**ASSISTANT, "extra_content": {"google": {"thought_signature": "s"}}}),
    "audio with its data": ("carried", {**ASSISTANT, "audio": {"id": "a", "data": "AA=="}}),
    "tool.name": ("carried", {"role": "tool", "tool_call_id": "c", "name": "f", "content": "1"}),
    "custom call": (
        "own",
        {
            "role": "assistant",
            "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "x", "input": ""}}],
        },
    ),
    "prefix": ("kept", {**ASSISTANT, "prefix": True}),
}
BREAKPOINT = {"prompt_cache_breakpoint": {"mode": "explicit"}}
TEXT = {"type": "text", "text": "a"}
IMAGE = {"type": "image_url", "image_url": {"url": "u", "detail": "original"}}
AUDIO = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}}
FILE = {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"}}
#: Kind and field of a content part.
PARTS: dict[str, tuple[str, dict[str, Any]]] = {
    "text.text": ("carried", TEXT),
    "text.type": ("carried", TEXT),
    "text.prompt_cache_breakpoint": ("carried", {**TEXT, **BREAKPOINT}),
    "image_url.image_url": ("carried", IMAGE),
    "image_url.type": ("carried", IMAGE),
    "image_url.prompt_cache_breakpoint": ("carried", {**IMAGE, **BREAKPOINT}),
    "input_audio.input_audio": ("carried", AUDIO),
    "input_audio.type": ("carried", AUDIO),
    "input_audio.prompt_cache_breakpoint": ("carried", {**AUDIO, **BREAKPOINT}),
    "file.file": ("carried", FILE),
    "file.type": ("carried", FILE),
    "file.prompt_cache_breakpoint": ("carried", {**FILE, **BREAKPOINT}),
    "refusal.refusal": ("carried", {"type": "refusal", "refusal": "no"}),
    "refusal.type": ("carried", {"type": "refusal", "refusal": "no"}),
}
BEYOND_PARTS: dict[str, tuple[str, dict[str, Any]]] = {
    "file by id": ("carried", {"type": "file", "file": {"file_id": "f"}}),
    "file by url": ("carried", {"type": "file", "file": {"file_data": "https://e.org/a.pdf"}}),
    "video_url": ("carried", {"type": "video_url", "video_url": {"url": "https://e.org/a.mp4"}}),
    "cache_control": ("carried", {**TEXT, "cache_control": {"type": "ephemeral", "ttl": "1h"}}),
    "odd": ("kept", {**TEXT, "odd": 1}),
    "new kind": ("own", {"type": "new_kind"}),
}
TOOLS: dict[str, tuple[str, dict[str, Any]]] = {
    "function.type": ("carried", TOOL),
    "function.function": ("carried", TOOL),
    "function.name": ("carried", TOOL),
    "function.description": ("carried", {"type": "function", "function": {"name": "f", "description": "d"}}),
    "function.parameters": ("carried", {"type": "function", "function": {"name": "f", "parameters": {}}}),
    "function.strict": ("carried", {"type": "function", "function": {"name": "f", "strict": True}}),
    "custom.type": ("own", {"type": "custom", "custom": {"name": "x"}}),
    "custom.custom": ("own", {"type": "custom", "custom": {"name": "x"}}),
}
#: Fields of an answer, whole or streamed; what is kept reaches clients of this dialect alone.
ANSWER = {
    "carried": {
        "id", "choices", "created", "model", "object", "service_tier", "usage", "index", "message", "delta",
        "finish_reason", "content", "refusal", "role", "annotations", "audio", "function_call", "tool_calls",
    },
    "kept": {"system_fingerprint", "metadata", "moderation", "logprobs", "obfuscation"},
}  # fmt: skip


def parse(body: dict[str, Any]) -> ChatRequest:
    asked = CHAT.parse_ask(msgspec.json.encode({"model": "m", "messages": [HI], **body}))
    return CROSSING.parse_request(asked)


def fate(request: ChatRequest) -> str:
    """What another dialect would find."""
    parts = [part for message in request.messages for part in message.parts]
    inner = [each for part in parts if isinstance(part, ToolResult) for each in part.parts]
    if any(isinstance(part, Opaque) for part in (*parts, *inner, *request.tools)):
        return "own"
    return "kept" if list(foreign_settings(request, CROSSING, "another")) else "carried"


def rows(*tables: dict[str, tuple[str, dict[str, Any]]]) -> list[Any]:
    return [pytest.param(what, value, id=name) for table in tables for name, (what, value) in table.items()]


@pytest.mark.parametrize(("what", "value"), rows(REQUEST, BEYOND))
def test_fields_of_a_request(what: str, value: dict[str, Any]) -> None:
    request = parse(value)
    assert fate(request) == what
    changed = msgspec.structs.replace(request, extras=None) != parse({})
    assert changed is (what == "carried" and bool(value)), (
        "what is carried is in the core, and nothing else is"
    )


@pytest.mark.parametrize(("what", "value"), rows(MESSAGES, BEYOND_MESSAGES))
def test_fields_of_a_message(what: str, value: dict[str, Any]) -> None:
    assert fate(parse({"messages": [value]})) == what


@pytest.mark.parametrize(("what", "value"), rows(PARTS, BEYOND_PARTS))
def test_fields_of_a_part(what: str, value: dict[str, Any]) -> None:
    assert fate(parse({"messages": [{"role": "user", "content": [value]}]})) == what


@pytest.mark.parametrize(("what", "value"), rows(TOOLS))
def test_fields_of_a_tool(what: str, value: dict[str, Any]) -> None:
    assert fate(parse({"tools": [value]})) == what


def test_every_setting_of_the_core_has_a_name_that_clients_of_this_dialect_know() -> None:
    said = {"model", "messages", "tools", "extras", "sampling"}
    cores = {*ChatRequest.__struct_fields__, *Sampling.__struct_fields__} - said
    for name in cores:
        wire = CROSSING.names.get(name, name)
        assert wire.partition(".")[0] in REQUEST.keys() | BEYOND.keys(), name
    assert set(CROSSING.names) - cores == {"cache"}, "a part's setting"


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in CROSSING.neutral.items() for value in sorted(values)],
)
def test_what_says_nothing_is_not_named(name: str, value: bytes) -> None:
    assert fate(parse({name: msgspec.Raw(value)})) == "carried"
    message = {**ASSISTANT, name: msgspec.Raw(value)}
    assert fate(parse({"messages": [message]})) == "carried"


def fields(kind: Any) -> set[str]:
    return set(get_type_hints(kind))


def kinds(union: Any) -> list[Any]:
    return [arm for arm in get_args(union) if hasattr(arm, "__required_keys__")]


def constant(kind: Any, field: str) -> str:
    """The one text that a field may have."""
    hint = get_type_hints(kind)[field]
    while get_origin(hint) is not None and not isinstance(get_args(hint)[0], str):
        hint = get_args(hint)[0]
    return str(get_args(hint)[0])


def test_no_field_of_openais_requests_is_forgotten() -> None:
    streaming = fields(completion_create_params.CompletionCreateParamsStreaming)
    assert set(REQUEST) == streaming | fields(completion_create_params.CompletionCreateParamsNonStreaming)
    assert fields(ResponseFormatJSONSchema) == {"json_schema", "type"}


def test_no_field_of_openais_messages_is_forgotten() -> None:
    messages = (
        ChatCompletionAssistantMessageParam,
        ChatCompletionDeveloperMessageParam,
        ChatCompletionFunctionMessageParam,
        ChatCompletionSystemMessageParam,
        ChatCompletionToolMessageParam,
        ChatCompletionUserMessageParam,
    )
    found = {f"{constant(kind, 'role')}.{field}" for kind in messages for field in fields(kind)}
    assert found == set(MESSAGES)


def test_no_field_of_openais_parts_and_tools_is_forgotten() -> None:
    parts = (*kinds(ChatCompletionContentPartParam), ChatCompletionContentPartRefusalParam)
    assert {f"{constant(kind, 'type')}.{field}" for kind in parts for field in fields(kind)} == set(PARTS)
    tools = (ChatCompletionFunctionToolParam, ChatCompletionCustomToolParam)
    found = {f"{constant(kind, 'type')}.{field}" for kind in tools for field in fields(kind)}
    assert found | {f"function.{field}" for field in fields(FunctionDefinition)} == set(TOOLS)


def models(kind: type[BaseModel]) -> set[str]:
    """Fields of an answer, of its choices and of their messages and deltas."""
    found = set(kind.model_fields)
    for name in ("choices", "message", "delta"):
        if name in kind.model_fields:
            inner = kind.model_fields[name].annotation
            found |= models(get_args(inner)[0] if get_args(inner) else inner)  # type: ignore[arg-type]
    return found


def test_no_field_of_openais_answers_is_forgotten() -> None:
    assert models(ChatCompletion) | models(ChatCompletionChunk) == ANSWER["carried"] | ANSWER["kept"]


WHOLE = {
    "id": "a",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "service_tier": "flex",
    "system_fingerprint": "fp",
    "metadata": {"a": "b"},
    "moderation": {"input": {}},
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "logprobs": {"content": [{"token": "a"}], "refusal": None},
            "message": {
                "role": "assistant",
                "content": "a",
                "refusal": "no",
                "annotations": [{"type": "url_citation", "url_citation": {"url": "u", "title": "t"}}],
                "audio": {"id": "a", "data": "AA==", "expires_at": 1, "transcript": "t"},
                "function_call": {"name": "f", "arguments": "{}"},
                "tool_calls": [CALL],
            },
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2},
}


def test_fields_of_an_answer() -> None:
    response = parse_response(msgspec.json.encode(WHOLE))
    [choice] = response.choices
    kept: set[str] = set()
    for extras in (response.extras, choice.extras):
        kept |= set() if extras is None else extras.fields.keys()
    assert kept - {"object", "usage"} == ANSWER["kept"] - {"obfuscation"}
    assert [type(part).__name__ for part in choice.parts] == [
        "Text",
        "Media",
        "Refusal",
        "ToolCall",
        "ToolCall",
    ]


def test_fields_of_a_streamed_answer() -> None:
    choice: dict[str, Any] = WHOLE["choices"][0]  # type: ignore[index]
    message = {**choice["message"], "tool_calls": [{**CALL, "index": 0}]}
    chunk = {**WHOLE, "obfuscation": "x", "choices": [{**choice, "delta": message}]}
    del chunk["choices"][0]["message"]
    parser = ChatStreamParser()
    events = parser.feed(b"data: " + msgspec.json.encode(chunk) + b"\n\n")
    kept = {name for event in events if getattr(event, "extras", None) for name in event.extras.fields}  # type: ignore[union-attr]
    assert kept == ANSWER["kept"]
