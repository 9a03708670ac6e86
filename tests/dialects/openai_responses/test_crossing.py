"""Every field of a request, to chat: carried, dropped and named, refused, or of the same lane only."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_type_hints

import msgspec
import pytest
from openai.types.responses import response_create_params, response_input_item_param, tool_param

from waypost.core.asked import Asked, Stamp
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import CacheHint, ChatRequest
from waypost.dialects.cross import CrossRelay, render_across
from waypost.dialects.openai_responses.ask import parse_ask
from waypost.dialects.openai_responses.crossing import CROSSING
from waypost.dialects.registry import DIALECTS
from waypost.errors import Throttled, Unrepresentable

Fate = Literal["carried", "named", "neutral", "refused"]

CHAT = DIALECTS["openai_chat"].codec
assert CHAT is not None
STAMP = Stamp("wp-1", 17)
PNG = "data:image/png;base64,AAAA"
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}


def ask(**fields: Any) -> Asked:
    return parse_ask(msgspec.json.encode({"model": "m", "input": "x", **fields}))


#: A target that takes reasoning back as text: what it carries is this dialect's doing.
ROUTER = Quirks(takes=("reasoning_details",))


def across(asked: Asked, quirks: Quirks = ROUTER) -> tuple[Any, tuple[str, ...]]:
    assert CHAT is not None
    onward = render_across(CROSSING, CHAT, "openai_chat", asked, "m", quirks)
    return msgspec.json.decode(onward.body), onward.dropped


def core(**fields: Any) -> ChatRequest:
    return CROSSING.parse_request(ask(**fields))


#: Field, a value of it, its fate, and the core's attribute that has it, or the name it is dropped under.
FIELDS: list[tuple[str, Any, Fate, str | None]] = [
    ("access_programs", {"cyber": "standard"}, "named", "access_programs"),
    ("background", True, "named", "background"),
    ("background", False, "neutral", None),
    ("context_management", [{"type": "compaction"}], "named", "context_management"),
    ("conversation", "conv_1", "refused", "conversation"),
    ("image", {"context_compression": "auto"}, "named", "image"),
    ("include", ["reasoning.encrypted_content"], "neutral", None),
    ("include", ["message.output_text.logprobs"], "carried", "top_logprobs"),
    ("include", ["file_search_call.results"], "named", "include"),
    ("input", "hello", "carried", "messages"),
    ("instructions", "Be short.", "carried", "messages"),
    ("max_output_tokens", 99, "carried", "max_output"),
    ("max_tool_calls", 4, "named", "max_tool_calls"),
    ("metadata", {"a": "b"}, "carried", "metadata"),
    ("moderation", {"model": "omni"}, "named", "moderation"),
    ("parallel_tool_calls", False, "carried", "parallel_tool_calls"),
    ("previous_response_id", "resp_1", "refused", "previous_response_id"),
    ("prompt", {"id": "pmpt_1"}, "refused", "prompt"),
    ("prompt_cache_key", "k", "carried", "cache_key"),
    ("prompt_cache_options", {"mode": "explicit"}, "named", "prompt_cache_options"),
    ("prompt_cache_retention", "24h", "named", "prompt_cache_retention"),
    ("prompt_cache_retention", "in_memory", "neutral", None),
    ("reasoning", {"effort": "high"}, "carried", "effort"),
    ("reasoning", {"summary": "detailed"}, "carried", "show_thinking"),
    ("reasoning", {"context": "all_turns"}, "named", "reasoning.context"),
    ("reasoning", {"mode": "pro"}, "named", "reasoning.mode"),
    ("safety_identifier", "h1", "carried", "user"),
    ("service_tier", "flex", "carried", "tier"),
    ("store", False, "neutral", None),
    ("store", True, "neutral", None),
    ("stream", True, "carried", "stream"),
    ("stream_options", {"include_obfuscation": False}, "neutral", None),
    ("temperature", 0.5, "carried", "sampling"),
    ("text", {"format": {"type": "json_object"}}, "carried", "response_format"),
    ("text", {"format": {"type": "json_schema", "name": "n", "schema": {}}}, "carried", "response_format"),
    ("text", {"format": {"type": "text"}}, "carried", "response_format"),
    ("text", {"format": {"type": "grammar"}}, "named", "text.format"),
    ("text", {"verbosity": "low"}, "carried", "verbosity"),
    ("tool_choice", "required", "carried", "tool_choice"),
    ("tool_choice", {"type": "function", "name": "f"}, "carried", "tool_choice"),
    ("tool_choice", {"type": "web_search_preview"}, "named", "tool_choice"),
    ("tool_choice", {"type": "mcp", "server_label": "d"}, "named", "tool_choice"),
    ("tools", [FUNCTION], "carried", "tools"),
    ("top_logprobs", 3, "carried", "top_logprobs"),
    ("top_p", 0.9, "carried", "sampling"),
    ("truncation", "auto", "named", "truncation"),
    ("truncation", "disabled", "neutral", None),
    ("user", "u1", "carried", "user"),
    ("a_new_field", 1, "named", "a_new_field"),
]


def test_every_field_of_the_sdk_has_a_row() -> None:
    known = set(get_type_hints(response_create_params.ResponseCreateParamsStreaming))
    assert known - {"model"} == {name for name, *_ in FIELDS} - {"a_new_field"}


@pytest.mark.parametrize(("name", "value", "fate", "where"), FIELDS)
def test_fields(name: str, value: Any, fate: Fate, where: str | None) -> None:
    asked = ask(**{name: value})
    if fate == "refused":
        with pytest.raises(Unrepresentable) as caught:
            across(asked)
        assert caught.value.param == where
        return
    _, dropped = across(asked)
    if fate == "named":
        assert dropped == (where,)
        return
    assert where not in dropped
    if fate == "carried":
        assert where is not None
        assert getattr(core(**{name: value}), where) != getattr(ChatRequest("m", ()), where)


MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
#: Item or part, by the SDK's name of its type: its fate, and what chat is given.
ITEMS: list[tuple[str, Any, Fate, str]] = [
    ("EasyInputMessageParam", {"role": "user", "content": "abc"}, "carried", "abc"),
    (
        "Message",
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "abc"}]},
        "carried",
        "abc",
    ),
    ("input_image", {"role": "user", "content": [{"type": "input_image", "image_url": PNG}]}, "carried", PNG),
    (
        "input_image",
        {"role": "user", "content": [{"type": "input_image", "file_id": "file-9"}]},
        "refused",
        "input",
    ),
    (
        "input_file",
        {
            "role": "user",
            "content": [
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ"}
            ],
        },
        "carried",
        "data:application/pdf;base64,QQ",
    ),
    (
        "input_file",
        {"role": "user", "content": [{"type": "input_file", "file_id": "file-9"}]},
        "carried",
        "file-9",
    ),
    (
        "input_audio",
        {
            "role": "user",
            "content": [{"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}],
        },
        "carried",
        "UklG",
    ),
    ("new part", {"role": "user", "content": [{"type": "input_video"}]}, "refused", "input"),
    (
        "ResponseOutputMessageParam",
        {**MESSAGE, "content": [{"type": "output_text", "text": "said so", "annotations": []}]},
        "carried",
        "said so",
    ),
    ("refusal", {**MESSAGE, "content": [{"type": "refusal", "refusal": "never"}]}, "carried", "never"),
    (
        "ResponseFunctionToolCallParam",
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_9",
            "name": "f",
            "arguments": "{}",
            "status": "completed",
        },
        "carried",
        "call_9",
    ),
    (
        "FunctionCallOutput",
        {"type": "function_call_output", "call_id": "call_9", "output": "four"},
        "carried",
        "four",
    ),
    (
        "ResponseCustomToolCallParam",
        {"type": "custom_tool_call", "call_id": "call_9", "name": "run", "input": "ls"},
        "carried",
        'input\\":\\"ls',
    ),
    (
        "ResponseCustomToolCallOutputParam",
        {"type": "custom_tool_call_output", "call_id": "call_9", "output": "four"},
        "carried",
        "four",
    ),
    (
        "ResponseReasoningItemParam",
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "pondering"}]},
        "carried",
        "pondering",
    ),
    *(
        (name, {"type": kind, "id": "x_1"}, "refused", "input")
        for name, kind in {
            "ResponseFileSearchToolCallParam": "file_search_call",
            "ResponseComputerToolCallParam": "computer_call",
            "ComputerCallOutput": "computer_call_output",
            "ResponseFunctionWebSearchParam": "web_search_call",
            "ToolSearchCall": "tool_search_call",
            "ResponseToolSearchOutputItemParamParam": "tool_search_output",
            "AdditionalTools": "additional_tools",
            "ResponseConfigurationUpdateItemParamParam": "configuration_update",
            "ResponseCompactionItemParamParam": "compaction",
            "ImageGenerationCall": "image_generation_call",
            "ResponseCodeInterpreterToolCallParam": "code_interpreter_call",
            "LocalShellCall": "local_shell_call",
            "LocalShellCallOutput": "local_shell_call_output",
            "ShellCall": "shell_call",
            "ShellCallOutput": "shell_call_output",
            "ApplyPatchCall": "apply_patch_call",
            "ApplyPatchCallOutput": "apply_patch_call_output",
            "McpListTools": "mcp_list_tools",
            "McpApprovalRequest": "mcp_approval_request",
            "McpApprovalResponse": "mcp_approval_response",
            "McpCall": "mcp_call",
            "CompactionTrigger": "compaction_trigger",
            "ItemReference": "item_reference",
            "Program": "program",
            "ProgramOutput": "program_output",
        }.items()
    ),
]


def test_every_item_of_the_sdk_has_a_row() -> None:
    known = {each.__name__ for each in get_args(response_input_item_param.ResponseInputItemParam)}
    assert known <= {name for name, *_ in ITEMS}


@pytest.mark.parametrize(("name", "item", "fate", "shown"), ITEMS)
def test_items(name: str, item: Any, fate: Fate, shown: str) -> None:
    asked = ask(input=[{"role": "user", "content": "first"}, item])
    if fate == "refused":
        with pytest.raises(Unrepresentable) as caught:
            across(asked)
        assert (caught.value.param or "").startswith("messages[1]")
        return
    body, _ = across(asked)
    if name == "ResponseReasoningItemParam":  # whether chat says it is up to the target: its quirks decide
        assert getattr(CROSSING.parse_request(asked).messages[1].parts[0], "text", None) == shown
        return
    assert shown in msgspec.json.encode(body["messages"][1]).decode()
    assert '"id":"fc_1"' not in msgspec.json.encode(body).decode()


def test_reasoning_that_a_plain_target_does_not_take_is_named() -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]}
    body, dropped = across(ask(input=[{"role": "user", "content": "x"}, reasoning]), Quirks())
    assert body["messages"] == [{"role": "user", "content": "x"}], "a turn of nothing would be refused"
    assert dropped == ("messages[1].thinking",)


#: Tools, by the SDK's name of their type.
TOOLS: list[tuple[str, Any, Fate]] = [
    ("FunctionToolParam", FUNCTION, "carried"),
    ("CustomToolParam", {"type": "custom", "name": "run"}, "carried"),
    *(
        (name, {"type": kind}, "refused")
        for name, kind in {
            "FileSearchToolParam": "file_search",
            "ComputerToolParam": "computer",
            "ComputerUsePreviewToolParam": "computer_use_preview",
            "WebSearchToolParam": "web_search",
            "Mcp": "mcp",
            "CodeInterpreter": "code_interpreter",
            "ProgrammaticToolCalling": "programmatic_tool_calling",
            "ImageGeneration": "image_generation",
            "LocalShell": "local_shell",
            "FunctionShellToolParam": "shell",
            "NamespaceToolParam": "namespace",
            "ToolSearchToolParam": "tool_search",
            "WebSearchPreviewToolParam": "web_search_preview",
            "ApplyPatchToolParam": "apply_patch",
        }.items()
    ),
]


def test_every_tool_of_the_sdk_has_a_row() -> None:
    assert {each.__name__ for each in get_args(tool_param.ToolParam)} <= {name for name, *_ in TOOLS}


@pytest.mark.parametrize(("name", "tool", "fate"), TOOLS)
def test_tools(name: str, tool: Any, fate: Fate) -> None:
    if fate == "refused":
        with pytest.raises(Unrepresentable) as caught:
            across(ask(tools=[tool]))
        assert caught.value.param == "tools[0]"
    else:
        [shown] = across(ask(tools=[tool]))[0]["tools"]
        assert shown["function"]["name"] == tool["name"]


def test_a_whole_conversation_to_chat() -> None:
    body, dropped = across(
        ask(
            instructions="Be short.",
            input=[
                {"role": "user", "content": [{"type": "input_text", "text": "Weather in Oslo and Rome?"}]},
                {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
                {"type": "function_call", "id": "fc_2", "call_id": "c2", "name": "f", "arguments": "[]"},
                {"type": "function_call_output", "call_id": "c1", "output": "4"},
                {"type": "function_call_output", "call_id": "c2", "output": "18"},
            ],
            tools=[FUNCTION],
            tool_choice={"type": "function", "name": "f"},
            max_output_tokens=99,
            stream=True,
        )
    )
    assert dropped == ()
    assert body["messages"][0] == {"role": "system", "content": "Be short."}
    assert [message["role"] for message in body["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
    ]
    assert [call["id"] for call in body["messages"][2]["tool_calls"]] == ["c1", "c2"]
    assert body["messages"][4]["content"] == "18"
    assert body["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert body["max_tokens"] == 99
    assert body["stream_options"]["include_usage"] is True


def test_a_whole_conversation_from_chat() -> None:
    assert CHAT is not None
    asked = DIALECTS["openai_chat"].parse_ask(
        msgspec.json.encode(
            {
                "model": "m",
                "messages": [
                    {"role": "system", "content": "Be short."},
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "Look"},
                            {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
                        ],
                    },
                    {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [
                            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                            {"id": "c2", "type": "function", "function": {"name": "f", "arguments": "[]"}},
                        ],
                    },
                    {"role": "tool", "tool_call_id": "c1", "content": "4"},
                    {"role": "tool", "tool_call_id": "c2", "content": "18"},
                ],
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
                "tool_choice": "required",
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
                },
                "stop": ["END"],
                "seed": 7,
                "max_tokens": 99,
                "reasoning_effort": "low",
            }
        )
    )
    onward = render_across(CHAT, CROSSING, "openai_responses", asked, "m", Quirks())
    assert set(onward.dropped) == {"stop", "seed"}
    assert msgspec.json.decode(onward.body) == {
        "model": "m",
        "input": [
            {"role": "system", "content": "Be short."},
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Look"},
                    {"type": "input_image", "image_url": PNG, "detail": "low"},
                ],
            },
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "[]"},
            {"type": "function_call_output", "call_id": "c1", "output": "4"},
            {"type": "function_call_output", "call_id": "c2", "output": "18"},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}],
        "tool_choice": "required",
        "text": {
            "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}
        },
        "max_output_tokens": 99,
        "reasoning": {"effort": "low"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }


def test_a_custom_tool_crosses_as_a_function_and_comes_back() -> None:
    asked = ask(
        tools=[{"type": "custom", "name": "run", "format": {"type": "grammar", "syntax": "lark"}}],
        tool_choice={"type": "custom", "name": "run"},
    )
    body, dropped = across(asked)
    assert dropped == ("tools[0].format",)
    assert body["tools"][0]["function"]["parameters"]["required"] == ["input"]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "run"}}
    answer = (
        b'{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":['
        b'{"id":"c1","type":"function","function":{"name":"run","arguments":"{\\"input\\":\\"ls\\"}"}}]},'
        b'"finish_reason":"tool_calls"}]}'
    )
    assert CHAT is not None
    shown = msgspec.json.decode(CROSSING.render_response(CHAT.parse_response(answer), asked, None, STAMP))
    [item] = shown["output"]
    assert (item["type"], item["input"], item["call_id"]) == ("custom_tool_call", "ls", "c1")


def test_allowed_tools_cross_as_the_only_tools() -> None:
    body, dropped = across(
        ask(
            tools=[FUNCTION, {"type": "web_search"}, {"type": "function", "name": "g"}],
            tool_choice={
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}],
            },
        )
    )
    assert dropped == ()
    assert [tool["function"]["name"] for tool in body["tools"]] == ["f"]
    assert body["tool_choice"] == "required"


def test_breakpoints_cross_as_cache_hints() -> None:
    point = {"type": "input_text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}
    [message] = core(input=[{"role": "user", "content": [point]}]).messages
    [part] = message.parts
    assert getattr(part, "cache", None) == CacheHint(1800)


def chat_stream(*events: bytes) -> bytes:
    return b"".join(b"data: %b\n\n" % event for event in events)


def relay(asked: Asked) -> CrossRelay:
    assert CHAT is not None
    return CrossRelay(
        asked, lambda usage, tier: 1000, CHAT.stream_parser(), CROSSING.stream_renderer(asked, STAMP)
    )


def test_a_chat_stream_to_a_client_of_this_format() -> None:
    passing = relay(ask(stream=True))
    out = passing.feed(
        chat_stream(
            b'{"id":"c","model":"gpt-x","created":5,"choices":[{"index":0,"delta":{"role":"assistant"}}]}'
        )
    )
    assert not passing.committed
    out += passing.feed(
        chat_stream(
            b'{"choices":[{"index":0,"delta":{"content":"Hi"}}]}',
            b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
            b'{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}',
            b"[DONE]",
        )
    )
    assert passing.finished
    last = msgspec.json.decode(out.split(b"data: ")[-1])
    assert last["type"] == "response.completed"
    assert last["response"]["usage"]["cost"] == 0.000001
    assert last["response"]["usage"]["input_tokens"] == 5
    assert last["response"]["output"][0]["content"][0]["text"] == "Hi"


def test_an_error_in_a_chat_stream_reaches_the_client_once() -> None:
    passing = relay(ask(stream=True))
    out = passing.feed(
        chat_stream(
            b'{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"Hi"}}]}',
            b'{"error":{"message":"Slow down.","code":429}}',
        )
    )
    assert isinstance(passing.failure, Throttled)
    out += passing.fail(passing.failure)
    assert out.count(b"event: error\n") == 1
    assert b"response.completed" not in out


def test_a_stream_of_this_format_to_a_chat_client() -> None:
    assert CHAT is not None
    asked = DIALECTS["openai_chat"].parse_ask(
        b'{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true,'
        b'"stream_options":{"include_usage":true}}'
    )
    passing = CrossRelay(
        asked, lambda usage, tier: 1000, CROSSING.stream_parser(), CHAT.stream_renderer(asked, STAMP)
    )
    out = passing.feed(
        b'data: {"type":"response.created","response":{"id":"resp_1","model":"m","created_at":5}}\n\n'
        b'data: {"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"fc_1",'
        b'"call_id":"c1","name":"f","arguments":""}}\n\n'
        b'data: {"type":"response.function_call_arguments.delta","output_index":0,"delta":"{}"}\n\n'
        b'data: {"type":"response.completed","response":{"status":"completed","output":[],"usage":{"input_tokens":5,'
        b'"output_tokens":7,"total_tokens":12}}}\n\n'
    )
    assert passing.finished
    assert (passing.finish_reason, passing.deltas) == ("tools", 2)
    assert b'"finish_reason":"tool_calls"' in out
    assert b'"prompt_tokens":5' in out
    assert out.endswith(b"data: [DONE]\n\n")


def test_thinking_over_a_tool_loop() -> None:
    """What a target of another maker signed comes back to it, through a client that only knows this format."""
    items = [
        {
            "type": "reasoning",
            "id": "rs_wp_1",
            "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": "anthropic-claude-v1:shown:sig",
        },
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
    ]
    [message] = core(input=items).messages
    thinking, call = message.parts
    assert getattr(thinking, "signature", None) == "sig"
    assert getattr(thinking, "maker", None) == "anthropic-claude-v1"
    assert getattr(call, "call_id", None) == "c1"


def test_names_are_the_formats_own() -> None:
    assert CROSSING.names["max_output"] == "max_output_tokens"
    assert b"null" not in {value for values in CROSSING.neutral.values() for value in values}
    body = CROSSING.render_request(core(input="x"), Quirks(), Loss())
    assert msgspec.json.decode(body) == {"model": "m", "input": "x"}
