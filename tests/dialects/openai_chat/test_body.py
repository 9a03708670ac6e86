from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import (
    CacheHint,
    ChatRequest,
    Citation,
    Media,
    Message,
    Refusal,
    Sampling,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from waypost.dialects.openai_chat.body import render_request

PLAIN = Quirks()
HELLO = (Message("user", (Text("hi"),)),)


def rendered(request: ChatRequest, quirks: Quirks = PLAIN) -> tuple[Any, tuple[str, ...]]:
    loss = Loss()
    return msgspec.json.decode(render_request(request, quirks, loss)), loss.names


def test_every_setting_of_another_dialect_is_said_or_named() -> None:
    request = ChatRequest(
        "m",
        HELLO,
        sampling=Sampling(0.5, 0.9, 40, 0.1, 0.2, 7, ("a", "b")),
        parallel_tool_calls=False,
        max_output=9,
        effort="low",
        show_thinking=True,
        choices=2,
        stream=True,
        user="u",
        tier="flex",
        top_logprobs=3,
        metadata={"a": "b"},
        verbosity="high",
        cache_key="k",
        modalities=("text", "audio"),
    )
    body, named = rendered(request)
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "seed": 7,
        "stop": ["a", "b"],
        "parallel_tool_calls": False,
        "max_tokens": 9,
        "reasoning_effort": "low",
        "n": 2,
        "stream": True,
        "stream_options": {"include_usage": True},
        "user": "u",
        "service_tier": "flex",
        "logprobs": True,
        "top_logprobs": 3,
        "metadata": {"a": "b"},
        "verbosity": "high",
        "prompt_cache_key": "k",
        "modalities": ["text", "audio"],
    }
    assert named == ("show_thinking",)


@pytest.mark.parametrize(
    ("quirks", "field"),
    [
        (Quirks(), "max_tokens"),
        (Quirks(max_tokens_field="max_completion_tokens"), "max_completion_tokens"),
    ],
)
def test_the_limit_has_the_name_that_the_target_wants(quirks: Quirks, field: str) -> None:
    body, _ = rendered(ChatRequest("m", HELLO, max_output=9), quirks)
    assert body[field] == 9


def test_a_dropped_field_is_named_as_the_core_calls_it() -> None:
    request = ChatRequest("m", HELLO, max_output=9, effort="low", top_logprobs=0, tier="flex")
    quirks = Quirks(drop=("max_tokens", "reasoning_effort", "logprobs", "service_tier", "seed"))
    body, named = rendered(request, quirks)
    assert body == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    assert named == ("max_output", "effort", "top_logprobs", "tier")


def test_a_target_that_knows_no_stream_options_gets_none() -> None:
    body, _ = rendered(ChatRequest("m", HELLO, stream=True, wants_usage=True), Quirks(stream_usage=False))
    assert "stream_options" not in body


def test_pictures_are_asked_only_of_those_that_make_them() -> None:
    request = ChatRequest("m", HELLO, modalities=("text", "image"))
    assert rendered(request) == (
        {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
        ("modalities",),
    )
    body, named = rendered(request, Quirks(takes=("images",)))
    assert (body["modalities"], named) == (["text", "image"], ())


def test_what_tools_answer_besides_text_follows_all_their_results() -> None:
    picture = Media("image", data="AA", mime="image/png")
    request = ChatRequest(
        "m",
        (
            Message("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}"))),
            Message("tool", (ToolResult("a", (Text("one"), picture)),)),
            Message("tool", (ToolResult("b", (picture,), is_error=True),)),
            Message("user", (Text("go on"),)),
        ),
    )
    body, named = rendered(request)
    assert [message["role"] for message in body["messages"]] == ["assistant", "tool", "tool", "user", "user"]
    assert all("image_url" not in str(message) for message in body["messages"][:3])
    moved = body["messages"][3]["content"]
    assert [part["type"] for part in moved] == ["text", "image_url", "text", "image_url"]
    assert "tool call a" in moved[0]["text"]
    assert "tool call b" in moved[2]["text"]
    assert named == ("messages[2].is_error",)


def test_what_a_tool_answers_at_the_end_is_moved_too() -> None:
    request = ChatRequest("m", (Message("tool", (ToolResult("a", (Media("image", url="u"),)),)),))
    body, _ = rendered(request)
    assert [message["role"] for message in body["messages"]] == ["tool", "user"]


def test_an_empty_result_is_an_empty_text() -> None:
    body, _ = rendered(ChatRequest("m", (Message("tool", (ToolResult("a", ()),)),)))
    assert body["messages"] == [{"role": "tool", "tool_call_id": "a", "content": ""}]


def test_a_hint_on_a_result_is_on_its_last_part_or_named() -> None:
    hint = CacheHint(300)
    answered = ToolResult("a", (Text("one"), Text("two")), cache=hint)
    request = ChatRequest(
        "m", (Message("tool", (answered,)), Message("tool", (ToolResult("b", (), cache=hint),)))
    )
    body, named = rendered(request, Quirks(takes=("cache_control",)))
    first, last = body["messages"][0]["content"]
    assert "cache_control" not in first
    assert last["cache_control"] == {"type": "ephemeral"}
    assert named == ("cache",), "nothing carries the second one"


def test_developer_is_system_for_those_that_do_not_know_it() -> None:
    request = ChatRequest("m", (Message("developer", (Text("d"),)),))
    assert rendered(request)[0]["messages"][0]["role"] == "system"
    assert rendered(request, Quirks(takes=("developer",)))[0]["messages"][0]["role"] == "developer"


def test_a_history_of_another_dialect() -> None:
    request = ChatRequest(
        "m",
        (
            Message("user", (Text("a", CacheHint(300)),)),
            Message(
                "assistant",
                (
                    Thinking("hm", "s", maker="anthropic-claude-v1"),
                    Text("b", citations=(Citation("u", start=0, end=1),)),
                    ToolCall("c", "f", ""),
                ),
            ),
            Message("assistant", (Refusal("no"),)),
        ),
    )
    body, named = rendered(request)
    assert body["messages"] == [
        {"role": "user", "content": "a"},
        {
            "role": "assistant",
            "content": "b",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "assistant", "content": None, "refusal": "no"},
    ]
    assert named == ("cache", "messages[1].thinking", "messages[1].citations")
    router = Quirks(takes=("cache_control", "reasoning_details"))
    body, named = rendered(request, router)
    assert named == ()
    assert body["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert body["messages"][1]["reasoning_details"][0]["signature"] == "s"
    assert body["messages"][1]["annotations"][0]["url_citation"]["url"] == "u"


def test_deepseek_wants_reasoning_with_every_call() -> None:
    quirks = Quirks(takes=("reasoning_content",))
    calls = Message("assistant", (ToolCall("c", "f", "{}"),))
    thought = Message("assistant", (Thinking("hm"), ToolCall("d", "f", "{}")))
    body, _ = rendered(ChatRequest("m", (calls, thought)), quirks)
    assert [message["reasoning_content"] for message in body["messages"]] == ["", "hm"]
