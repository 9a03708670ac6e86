from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.golden import cases
from waypost.core.asked import Stamp
from waypost.core.request import (
    Citation,
    Extras,
    Media,
    Opaque,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from waypost.core.response import ChatResponse, Choice, Finish, ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.anthropic_messages.response import FINISHES, parse_response, render_response
from waypost.errors import Garbled, Throttled, Unrepresentable

STAMP = Stamp("x1", 17)
RESPONSES = cases("anthropic_messages", "responses")


def golden(name: str) -> ChatResponse:
    return parse_response(msgspec.json.encode(next(c.values[0]["body"] for c in RESPONSES if c.id == name)))


def render(response: ChatResponse) -> Any:
    return msgspec.json.decode(render_response(response, 1500, STAMP))


def foreign(*parts: ReplyPart, finish: Finish | None = Finish.STOP, stop: str | None = None) -> ChatResponse:
    return ChatResponse("r", "m", (Choice(0, parts, finish, None, stop),), 5, Usage(input=3, output=2))


@pytest.mark.parametrize("case", RESPONSES)
def test_golden_round_trip(case: Any) -> None:
    response = parse_response(msgspec.json.encode(case["body"]))
    assert render(response) == case["body"]
    assert parse_response(render_response(response, 1500, STAMP)) == response


def test_what_the_core_sees() -> None:
    assert golden("tools").choices[0].parts == (
        Text("I look."),
        ToolCall("toolu_1", "get_weather", '{"city":"Oslo"}'),
        ToolCall("toolu_2", "now", "{}"),
    )
    assert golden("thinking").choices[0].parts == (
        Thinking("Hm. So.", "EqQB", maker="anthropic-claude-v1"),
        Thinking("", "EmwK", maker="anthropic-claude-v1", redacted=True),
        Text("42"),
    )
    assert golden("cache").usage == Usage(
        input=2303, output=5, cache_read=2000, cache_write=300, cache_write_1h=100
    )
    assert golden("plain").tier == "default"
    assert golden("priority").tier == "priority"
    text = golden("web_search").choices[0].parts[2]
    assert isinstance(text, Text)
    assert (text.citations[0].url, text.citations[0].quote) == ("https://example.org", "much")


@pytest.mark.parametrize(
    ("name", "finish", "stop"),
    [
        ("plain", Finish.STOP, None),
        ("max_tokens", Finish.LENGTH, None),
        ("stop_sequence", Finish.STOP, "END"),
        ("tools", Finish.TOOLS, None),
        ("pause_turn", Finish.PAUSED, None),
        ("refusal", Finish.REFUSED, None),
        ("context_window", Finish.LENGTH, None),
        ("compaction", Finish.PAUSED, None),
    ],
)
def test_why_it_ended(name: str, finish: Finish, stop: str | None) -> None:
    choice = golden(name).choices[0]
    assert (choice.finish, choice.stop_text) == (finish, stop)


def test_every_documented_reason_is_known() -> None:
    assert set(FINISHES) == {
        "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "compaction",
        "model_context_window_exceeded",
    }  # fmt: skip


def test_a_new_reason_is_kept() -> None:
    body = b'{"id":"m","type":"message","role":"assistant","model":"c","content":[],"stop_reason":"new","usage":{}}'
    response = parse_response(body)
    assert response.choices[0].finish is Finish.OTHER
    assert render(response)["stop_reason"] == "new"


def test_an_answer_of_another_dialect_is_complete() -> None:
    shown = render(
        foreign(
            Thinking("hm", "sig", maker="google-gemini-v1"),
            Text("a", citations=(Citation(url="https://example.org", title="t", quote="q"),)),
            ToolCall("call.1", "f", '{"a":1}'),
            Text("  "),
            Thinking("", "enc", maker="openai-responses-v1", redacted=True),
        )
    )
    assert shown == {
        "id": "r",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": ""},
            {
                "type": "text",
                "text": "a",
                "citations": [
                    {
                        "type": "web_search_result_location",
                        "cited_text": "q",
                        "url": "https://example.org",
                        "title": "t",
                        "encrypted_index": "",
                    }
                ],
            },
            {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 3,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 2,
            "cost": 0.0000015,
        },
    }


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (foreign(Text("a")), "end_turn"),
        (foreign(Text("a"), stop="END"), "stop_sequence"),
        (foreign(Refusal("no")), "refusal"),
        (foreign(Text("a"), finish=Finish.FILTERED), "refusal"),
        (foreign(Text("a"), finish=Finish.LENGTH), "max_tokens"),
        (foreign(Text("a"), finish=Finish.PAUSED), "pause_turn"),
        (foreign(Text("a"), finish=Finish.OTHER), "end_turn"),
        (foreign(Text("a"), finish=None), None),
        (ChatResponse("", "m", ()), "end_turn"),
    ],
)
def test_reasons_of_others(response: ChatResponse, reason: str | None) -> None:
    shown = render(response)
    assert shown["stop_reason"] == reason
    assert shown["id"] == (response.response_id or "msg_x1")


def test_counts_of_our_own_are_marked() -> None:
    usage = Usage(input=3, output=2, source="estimated")
    assert render(msgspec.structs.replace(foreign(Text("a")), usage=usage))["usage"]["estimated"] is True


@pytest.mark.parametrize("part", [Media("image", data="AA=="), Opaque("openai_chat", msgspec.Raw(b"{}"))])
def test_what_can_not_be_shown(part: ReplyPart) -> None:
    with pytest.raises(Unrepresentable) as caught:
        render(foreign(Text("a"), part))
    assert caught.value.param == "content[1]"


def test_arguments_that_are_no_json_are_wrapped() -> None:
    shown = render(foreign(ToolCall("c", "f", '{"a":'), ToolCall("d", "f", "")))
    assert [block["input"] for block in shown["content"]] == [{"INVALID_JSON": '{"a":'}, {}]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"[]", Garbled),
        (b"{}", Garbled),
        (b'{"content":7}', Garbled),
        (b'{"type":"error","error":{"type":"rate_limit_error","message":"x"}}', Throttled),
    ],
)
def test_what_is_no_answer(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_response(body)


def test_extras_of_others_are_not_shown() -> None:
    response = msgspec.structs.replace(
        foreign(Text("a")), extras=Extras("openai_chat", {"x": msgspec.Raw(b"1")}, "whole")
    )
    assert "x" not in render(response)
