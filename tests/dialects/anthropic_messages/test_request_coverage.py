"""Every field of the public request, and what becomes of it on the way to another dialect.

The fields are those of anthropic 2.14.0 on PyPI (`types/message_create_params.py`, `types/beta/…`), with the sampling
settings of version 2023-06-01.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import pytest

from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Media, Message, Text, Thinking, Tool, ToolCall, ToolResult
from waypost.dialects.anthropic_messages.codec import MESSAGES
from waypost.dialects.anthropic_messages.crossing import CROSSING
from waypost.dialects.cross import foreign_settings, render_across
from waypost.dialects.openai_chat.codec import CHAT
from waypost.errors import Unrepresentable


class Row(NamedTuple):
    """`carried`: the core has it, as `proof` says. `dropped`: the name the client is told. `refused`: the param."""

    name: str
    body: dict[str, Any]
    verdict: str
    proof: Callable[[ChatRequest], object] | str


def user(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def bot(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": list(blocks)}]}


def part(request: ChatRequest) -> Any:
    return request.messages[-1].parts[0]


def tool(**more: Any) -> dict[str, Any]:
    return {"tools": [{"name": "f", "input_schema": {"type": "object"}, **more}]}


def image(**source: Any) -> dict[str, Any]:
    return user({"type": "image", "source": source})


def document(source: dict[str, Any], **more: Any) -> dict[str, Any]:
    return user({"type": "document", "source": source, **more})


EPH = {"type": "ephemeral"}
WHAT = {"type": "text", "text": "x"}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
USE = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
RESULT = {"type": "tool_result", "tool_use_id": "t"}
SCHEMA = {"type": "json_schema", "schema": {"type": "object"}}
FIRST = "messages[0].content[0]"
LAST = "messages[1].content[0]"

SETTINGS = [
    Row("model", {"model": "n"}, "carried", lambda r: r.model == "n"),
    Row("messages", user(WHAT), "carried", lambda r: r.messages == (Message("user", (Text("x"),)),)),
    Row("max_tokens", {"max_tokens": 7}, "carried", lambda r: r.max_output == 7),
    Row("system", {"system": "s"}, "carried", lambda r: r.messages[0].role == "system"),
    Row("temperature", {"temperature": 0.5}, "carried", lambda r: r.sampling.temperature == 0.5),
    Row("top_p", {"top_p": 0.5}, "carried", lambda r: r.sampling.top_p == 0.5),
    Row("top_k", {"top_k": 5}, "carried", lambda r: r.sampling.top_k == 5),
    Row("stop_sequences", {"stop_sequences": ["a"]}, "carried", lambda r: r.sampling.stop == ("a",)),
    Row("stream", {"stream": True}, "carried", lambda r: r.stream and r.wants_usage),
    Row("metadata", {"metadata": {"user_id": "u"}}, "carried", lambda r: r.user == "u"),
    Row("metadata.other", {"metadata": {"other": "u"}}, "dropped", "metadata"),
    Row("service_tier", {"service_tier": "standard_only"}, "carried", lambda r: r.tier == "default"),
    Row("service_tier.new", {"service_tier": "new"}, "dropped", "service_tier"),
    Row("thinking", {"thinking": {"type": "enabled", "budget_tokens": 2048}}, "carried",
        lambda r: r.thinking_budget == 2048),
    Row("thinking.disabled", {"thinking": {"type": "disabled"}}, "carried", lambda r: r.thinking_budget == 0),
    Row("thinking.adaptive", {"thinking": {"type": "adaptive"}}, "carried", lambda r: r.thinking_budget == -1),
    Row("thinking.display", {"thinking": {"type": "adaptive", "display": "omitted"}}, "carried",
        lambda r: r.show_thinking is False),
    Row("thinking.between_tools", {"thinking": {"type": "between_tools"}}, "dropped", "thinking"),
    Row("output_config", {"output_config": {"effort": "low"}}, "carried", lambda r: r.effort == "low"),
    Row("output_config.format", {"output_config": {"format": SCHEMA}}, "carried",
        lambda r: r.response_format is not None and r.response_format.kind == "json_schema"),
    Row("output_config.task_budget", {"output_config": {"task_budget": {"type": "tokens", "total": 9}}}, "dropped",
        "output_config"),
    Row("output_format", {"output_format": SCHEMA}, "carried", lambda r: r.response_format is not None),
    Row("tool_choice", tool() | {"tool_choice": {"type": "any"}}, "carried",
        lambda r: r.tool_choice is not None and r.tool_choice.mode == "required"),
    Row("tool_choice.disable_parallel_tool_use",
        tool() | {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, "carried",
        lambda r: r.parallel_tool_calls is False),
    Row("tools", tool(description="d", strict=True), "carried",
        lambda r: r.tools == (Tool("f", "d", msgspec.Raw(b'{"type":"object"}'), True),)),
    Row("tools.type", tool(type="custom"), "carried", lambda r: isinstance(r.tools[0], Tool)),
    Row("tools.cache_control", tool(cache_control=EPH), "carried",
        lambda r: isinstance(r.tools[0], Tool) and r.tools[0].cache is not None),
    Row("tools.input_examples", tool(input_examples=[{"a": 1}]), "dropped", "tools[0].input_examples"),
    Row("tools.allowed_callers", tool(allowed_callers=["code_execution_20260521"]), "dropped",
        "tools[0].allowed_callers"),
    Row("tools.defer_loading", tool(defer_loading=True), "dropped", "tools[0].defer_loading"),
    Row("tools.eager_input_streaming", tool(eager_input_streaming=True), "dropped",
        "tools[0].eager_input_streaming"),
    *(
        Row(f"tools.{kind}", {"tools": [{"type": kind, "name": "x"}]}, "refused", "tools[0]")
        for kind in (
            "bash_20250124", "code_execution_20250522", "code_execution_20250825", "code_execution_20260120",
            "code_execution_20260521", "browser_toolset_20260801", "memory_20250818", "computer_toolset_20260801",
            "computer_20241022", "computer_20250124", "computer_20251124", "text_editor_20250124",
            "text_editor_20250429", "text_editor_20250728", "web_search_20250305", "web_search_20260209",
            "web_search_20260318", "web_fetch_20250910", "web_fetch_20260209", "web_fetch_20260309",
            "web_fetch_20260318", "tool_search_tool_bm25_20251119", "tool_search_tool_regex_20251119",
            "advisor_20260301", "mcp_toolset",
        )
    ),
    Row("mcp_servers", {"mcp_servers": [{"type": "url", "url": "https://e.org", "name": "s"}]}, "refused",
        "tools[0]"),
    *(
        Row(name, {name: value}, "dropped", name)
        for name, value in (
            ("cache_control", EPH), ("container", "c"), ("diagnostics", {"previous_message_id": "m"}),
            ("inference_geo", "us"), ("speed", "fast"), ("billing_policy", {"a": 1}),
            ("compaction", {"type": "summarize"}), ("context_management", {"edits": [{"type": "x"}]}),
            ("fallback_credit_token", "t"), ("fallbacks", "default"), ("thread", {"a": 1}), ("new_field", 1),
        )
    ),
]  # fmt: skip

CONTENT = [
    Row("text.cache_control", user(WHAT | {"cache_control": EPH}), "carried", lambda r: part(r).cache is not None),
    Row("text.citations", bot(WHAT | {"citations": [{"type": "page_location", "cited_text": "q"}]}), "carried",
        lambda r: part(r).citations[0].quote == "q"),
    Row("image.base64", image(type="base64", media_type="image/png", data="iVBORw0KGgo="), "carried",
        lambda r: part(r) == Media("image", data="iVBORw0KGgo=", mime="image/png")),
    Row("image.url", image(type="url", url="u"), "carried", lambda r: part(r) == Media("image", url="u")),
    Row("document.base64", document(PDF), "carried", lambda r: part(r).mime == "application/pdf"),
    Row("document.text", document({"type": "text", "media_type": "text/plain", "data": "hi"}), "carried",
        lambda r: part(r) == Media("file", data="aGk=", mime="text/plain")),
    Row("document.file", document({"type": "file", "file_id": "f"}), "carried",
        lambda r: part(r) == Media("file", file_id="f")),
    Row("document.title", document(PDF, title="a"), "carried", lambda r: part(r).name == "a"),
    Row("document.context", document(PDF, context="a"), "dropped", "messages[0].context"),
    Row("document.citations", document(PDF, citations={"enabled": True}), "dropped", "messages[0].citations"),
    Row("document.content", document({"type": "content", "content": "a"}), "refused", FIRST),
    Row("image.transformations", user({"type": "image", "source": {"type": "url", "url": "u"},
        "transformations": {"a": 1}}), "dropped", "messages[0].transformations"),
    Row("thinking", bot({"type": "thinking", "thinking": "a", "signature": "s"}), "carried",
        lambda r: part(r) == Thinking("a", "s", maker="anthropic-claude-v1")),
    Row("redacted_thinking", bot({"type": "redacted_thinking", "data": "d"}, WHAT), "carried",
        lambda r: part(r).redacted and part(r).signature == "d"),
    Row("tool_use", bot(USE), "carried", lambda r: part(r) == ToolCall("t", "f", '{"a":1}')),
    Row("tool_use.cache_control", bot(USE | {"cache_control": EPH}), "dropped", "messages[1].cache_control"),
    Row("tool_use.caller", bot(USE | {"caller": {"type": "x"}}), "dropped", "messages[1].caller"),
    Row("tool_use.toolset_name", bot(USE | {"toolset_name": "x"}), "dropped", "messages[1].toolset_name"),
    Row("tool_result", user(RESULT | {"content": "x"}), "carried",
        lambda r: part(r).parts == (Text("x"),) and isinstance(part(r), ToolResult)),
    Row("tool_result.is_error", user(RESULT | {"content": "x", "is_error": True}), "carried",
        lambda r: part(r).is_error),
    Row("tool_result.cache_control", user(RESULT | {"content": "x", "cache_control": EPH}), "carried",
        lambda r: part(r).cache is not None),
    Row("tool_result.toolset_name", user(RESULT | {"content": "x", "toolset_name": "n"}), "dropped",
        "messages[0].toolset_name"),
    *(
        Row(f"tool_result.{kind}", user(RESULT | {"content": [{"type": kind}]}), "refused", "")
        for kind in ("search_result", "tool_reference", "browser_state")
    ),
    *(
        Row(kind, user({"type": kind}), "refused", FIRST)
        for kind in ("search_result", "container_upload")
    ),
    *(
        Row(kind, bot({"type": kind}), "refused", LAST)
        for kind in (
            "server_tool_use", "web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result",
            "bash_code_execution_tool_result", "text_editor_code_execution_tool_result", "tool_search_tool_result",
            "mcp_tool_use", "mcp_tool_result", "mcp_tool_listing", "advisor_tool_result", "compaction", "fallback",
            "tool_addition", "tool_removal",
        )
    ),
    Row("message.new", {"messages": [{"role": "user", "content": "x", "new": 1}]}, "dropped", "messages[0].new"),
]  # fmt: skip

#: Carried by the core; OpenAI's format has no form for them.
CORE_ONLY = [
    Row("image.file", image(type="file", file_id="f"), "carried",
        lambda r: part(r) == Media("image", file_id="f")),
    Row("document.url", document({"type": "url", "url": "u"}), "carried",
        lambda r: part(r) == Media("file", url="u")),
]  # fmt: skip

#: Of the SDK's arguments, those that travel in headers: `anthropic-beta` is forwarded, the others name accounts.
HEADERS = frozenset({"betas", "user_profile_id", "workspace_id"})


def whole(row: Row) -> bytes:
    return msgspec.json.encode(
        {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]} | row.body
    )


def ids(row: Row) -> str:
    return row.name


@pytest.mark.parametrize("row", SETTINGS + CONTENT, ids=ids)
def test_crossing_to_openai(row: Row) -> None:
    asked = MESSAGES.parse_ask(whole(row))
    assert CHAT.codec is not None
    if row.verdict == "refused":
        with pytest.raises(Unrepresentable) as caught:
            render_across(CROSSING, CHAT.codec, "openai_chat", asked, "m", Quirks())
        assert isinstance(row.proof, str)
        assert (caught.value.param or "").startswith(row.proof)
        return
    onward = render_across(CROSSING, CHAT.codec, "openai_chat", asked, "m", Quirks())
    if row.verdict == "dropped":
        assert row.proof in onward.dropped
    else:
        proven(row)


@pytest.mark.parametrize("row", CORE_ONLY, ids=ids)
def test_carried_by_the_core(row: Row) -> None:
    proven(row)


def proven(row: Row) -> None:
    request = CROSSING.parse_request(MESSAGES.parse_ask(whole(row)))
    assert not isinstance(row.proof, str)
    assert row.proof(request)
    assert list(foreign_settings(request, CROSSING, "openai_chat")) == []


@pytest.mark.parametrize("row", SETTINGS + CONTENT + CORE_ONLY, ids=ids)
def test_the_same_lane_passes_all_of_it(row: Row) -> None:
    body = whole(row)
    asked = MESSAGES.parse_ask(body)
    sent = msgspec.json.decode(MESSAGES.render_onward(asked, asked.model, Quirks()).body)
    assert sent == msgspec.json.decode(body)
