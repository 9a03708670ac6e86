from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.golden import cases
from waypost.core.request import Citation, Extras, Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish, ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.bedrock_converse.response import parse_response, render_response
from waypost.errors import Garbled, Unrepresentable


def shown(*parts: ReplyPart, finish: Finish | None = Finish.STOP, **more: Any) -> Any:
    response = ChatResponse("id", "m", (Choice(0, parts, finish),), 17, Usage(input=5, output=2), **more)
    return msgspec.json.decode(render_response(response, 7))


@pytest.mark.parametrize("case", cases("bedrock_converse", "responses"))
def test_golden_round_trip(case: Any) -> None:
    body = msgspec.json.encode(case["body"])
    response = parse_response(body)
    assert msgspec.json.decode(render_response(response, 5)) == case["body"]
    assert response.usage == (None if case["usage"] is None else Usage(**case["usage"]))


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("end_turn", Finish.STOP),
        ("stop_sequence", Finish.STOP),
        ("max_tokens", Finish.LENGTH),
        ("model_context_window_exceeded", Finish.LENGTH),
        ("tool_use", Finish.TOOLS),
        ("content_filtered", Finish.FILTERED),
        ("guardrail_intervened", Finish.FILTERED),
        ("malformed_model_output", Finish.OTHER),
        ("malformed_tool_use", Finish.OTHER),
        ("brand_new", Finish.OTHER),
    ],
)
def test_why_it_ended(word: str, finish: Finish) -> None:
    body = {"output": {"message": {"role": "assistant", "content": []}}, "stopReason": word}
    assert parse_response(msgspec.json.encode(body)).choices[0].finish is finish


@pytest.mark.parametrize("finish", [*Finish, None])
def test_every_end_has_a_word(finish: Finish | None) -> None:
    word = shown(finish=finish)["stopReason"]
    assert word in {"end_turn", "max_tokens", "tool_use", "content_filtered"}


def test_an_answer_of_another_dialect() -> None:
    foreign = Extras("openai_chat", {"x": msgspec.Raw(b"1")})
    answer = shown(
        Thinking("hm", "theirs", foreign, "google-gemini-v1"),
        Text("a", citations=(Citation("https://e.org", "t", "q", 0, 1),)),
        ToolCall("c", "f", '{"a":1}', foreign, "sig", "google-gemini-v1"),
        ToolCall("d", "g", "not json"),
        Refusal("no"),
        tier="priority",
        extras=foreign,
    )
    assert answer["output"]["message"] == {
        "role": "assistant",
        "content": [
            {"reasoningContent": {"reasoningText": {"text": "hm"}}},
            {
                "citationsContent": {
                    "content": [{"text": "a"}],
                    "citations": [
                        {
                            "title": "t",
                            "sourceContent": [{"text": "q"}],
                            "location": {"web": {"url": "https://e.org"}},
                        }
                    ],
                }
            },
            {"toolUse": {"toolUseId": "c", "name": "f", "input": {"a": 1}}},
            {"toolUse": {"toolUseId": "d", "name": "g", "input": {"INVALID_JSON": "not json"}}},
            {"text": "no"},
        ],
    }
    assert answer["usage"] == {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7, "cost": 7e-09}
    assert (answer["serviceTier"], answer["stopReason"]) == ({"type": "priority"}, "end_turn")
    assert "x" not in answer


def test_hidden_reasoning_of_another_maker_is_not_shown_as_claudes() -> None:
    answer = shown(
        Thinking("", "x", maker="openai-responses-v1", redacted=True),
        Thinking("", "y", maker="google-gemini-v1"),
    )
    assert answer["output"]["message"]["content"] == []


def test_claudes_reasoning_goes_back_as_it_came() -> None:
    answer = shown(
        Thinking("a", "s", maker="anthropic-claude-v1"),
        Thinking("", "EuoB", maker="anthropic-claude-v1", redacted=True),
    )
    assert answer["output"]["message"]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "a", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "RXVvQg=="}},
    ]


def test_a_met_stop_text_is_said() -> None:
    response = ChatResponse("", "", (Choice(0, (), Finish.STOP, None, "END"),), usage=Usage())
    answer = msgspec.json.decode(render_response(response, None))
    assert answer["stopReason"] == "stop_sequence"
    assert answer["additionalModelResponseFields"] == {"stop_sequence": "END"}


@pytest.mark.parametrize("part", [Opaque("other", msgspec.Raw(b"{}")), Media("audio", url="https://e.org")])
def test_what_can_not_be_said_is_refused(part: Opaque | Media) -> None:
    with pytest.raises(Unrepresentable):
        shown(part)


def test_several_choices_are_refused() -> None:
    with pytest.raises(Unrepresentable):
        render_response(ChatResponse("", "", (Choice(0, (), None), Choice(1, (), None))), None)


def test_no_choice_is_an_empty_answer() -> None:
    answer = msgspec.json.decode(render_response(ChatResponse("", "", ()), None))
    assert answer["output"]["message"]["content"] == []


@pytest.mark.parametrize("body", [b"{}", b'{"output":7}', b'{"output":{"message":7}}'])
def test_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        parse_response(body)
