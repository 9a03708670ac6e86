from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.golden import cases, counts_of
from waypost.core.request import Citation, Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish, ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.gemini_generate.own import MAKER
from waypost.dialects.gemini_generate.response import parse_response, render_response
from waypost.errors import Garbled, Throttled, Unrepresentable


def read(body: Any) -> ChatResponse:
    return parse_response(msgspec.json.encode(body))


def write(response: ChatResponse, cost: int | None = None) -> Any:
    return msgspec.json.decode(render_response(response, cost, "exchange"))


@pytest.mark.parametrize("case", cases("gemini_generate", "responses"))
def test_golden_round_trip(case: Any) -> None:
    response = read(case["body"])
    assert write(response) == case["body"]
    assert counts_of(response.usage) == case["usage"]
    assert response.tier == case["tier"]


def golden(name: str) -> ChatResponse:
    [found] = [case.values[0] for case in cases("gemini_generate", "responses") if case.id == name]
    return read(found["body"])  # type: ignore[index]  # a golden case is an object


def test_calls_without_ids_get_them_from_the_answer() -> None:
    [choice] = golden("tools_without_ids").choices
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    assert [call.call_id for call in calls] == [
        "call_mAitaLmkHPPlz7IPvtfUqQ4_0_0",
        "call_mAitaLmkHPPlz7IPvtfUqQ4_0_1",
    ]
    assert choice.finish is Finish.TOOLS


def test_a_blocked_prompt_is_a_filtered_choice() -> None:
    [choice] = golden("blocked").choices
    assert (choice.index, choice.parts, choice.finish) == (0, (), Finish.FILTERED)


def test_sources_are_citations() -> None:
    [text] = golden("grounded").choices[0].parts
    assert isinstance(text, Text)
    assert text.citations == (
        Citation("https://example.org/a", "a", None, 0, 16),
        Citation("https://example.org/b", "b", None, 0, 16),
        Citation("https://example.org/c"),
    )
    [recited] = golden("recitation").choices[0].parts
    assert isinstance(recited, Text)
    assert recited.citations == (Citation("https://example.org/moby", None, None, 0, 7),)


def test_a_result_in_an_answer_is_opaque() -> None:
    part = {"functionResponse": {"name": "f", "response": {}}}
    response = read({"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]})
    [found] = response.choices[0].parts
    assert isinstance(found, Opaque)


def test_an_answer_of_another_dialect() -> None:
    response = ChatResponse(
        "",
        "claude",
        (
            Choice(
                0,
                (
                    Thinking("hm", "x", maker="anthropic-claude-v1"),
                    Text("Täg.", citations=(Citation("https://e.org", "E", None, 0, 3),)),
                    Refusal("no"),
                    ToolCall("c", "f", '{"a": 1}'),
                    Media("image", data="AA==", mime="image/png"),
                ),
                Finish.TOOLS,
            ),
        ),
        created=17,
        usage=Usage(input=10, output=9, cache_read=4, reasoning=3),
    )
    assert write(response, 5) == {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"text": "hm", "thought": True},
                        {"text": "Täg."},
                        {"text": "no"},
                        {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}},
                        {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
                    ],
                    "role": "model",
                },
                "index": 0,
                "finishReason": "STOP",
                "groundingMetadata": {
                    "groundingChunks": [{"web": {"uri": "https://e.org", "title": "E"}}],
                    "groundingSupports": [
                        {
                            "segment": {"partIndex": 1, "startIndex": 0, "endIndex": 4, "text": "Täg"},
                            "groundingChunkIndices": [0],
                        }
                    ],
                },
            }
        ],
        "modelVersion": "claude",
        "responseId": "exchange",
        "usageMetadata": {
            "promptTokenCount": 10,
            "cachedContentTokenCount": 4,
            "candidatesTokenCount": 6,
            "thoughtsTokenCount": 3,
            "totalTokenCount": 19,
            "cost": 0.000000005,
        },
    }


def test_a_filter_of_another_dialect_leaves_no_content() -> None:
    response = ChatResponse("r", "m", (Choice(0, (), Finish.FILTERED),), usage=Usage(input=1))
    assert write(response)["candidates"] == [{"index": 0, "finishReason": "SAFETY"}]


@pytest.mark.parametrize(
    "odd", [Opaque("openai_chat", msgspec.Raw(b"{}"), "content"), Media("video", file_id="file-1")]
)
def test_a_part_of_another_dialect_is_refused(odd: ReplyPart) -> None:
    with pytest.raises(Unrepresentable):
        write(ChatResponse("r", "m", (Choice(0, (odd,), Finish.STOP),)))


@pytest.mark.parametrize("body", [b"{}", b'{"candidates":7}', b'{"candidates":[7]}', b"[]", b"<html>"])
def test_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        parse_response(body)


def test_an_error_inside_an_answer() -> None:
    with pytest.raises(Throttled):
        parse_response(b'{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"x"}}')


words = st.text(min_size=1, max_size=6)
parts = st.lists(
    st.one_of(
        words.map(Text),
        st.builds(lambda text, sign: Thinking(text, sign, None, MAKER), words, st.none() | st.just("c2ln")),
        st.builds(
            lambda call_id, args, sign: ToolCall(call_id, "f", args, None, sign, MAKER if sign else None),
            words,
            st.sampled_from(["{}", '{"a":1.50}', '{"a": [null]}']),
            st.none() | st.just("c2ln"),
        ),
        st.builds(
            lambda data: Media("image", data=data, mime="image/png"), st.sampled_from(["AA==", "iVBO"])
        ),
        st.just(Opaque("gemini_generate", msgspec.Raw(b'{"executableCode":{"code":"1"}}'), "parts")),
    ),
    max_size=5,
).map(tuple)
answers = st.builds(
    lambda all_parts, finish, usage: ChatResponse(
        "id", "m", tuple(Choice(i, p, finish) for i, p in enumerate(all_parts)), None, usage
    ),
    st.lists(parts, min_size=1, max_size=3),
    st.sampled_from(list(Finish)),
    st.builds(Usage, input=st.integers(5, 9), output=st.integers(5, 9), cache_read=st.integers(0, 5)),
)


@settings(deadline=None)
@given(answers)
def test_what_is_rendered_is_read_again(answer: ChatResponse) -> None:
    first = parse_response(render_response(answer))
    assert parse_response(render_response(first)) == first
    assert [choice.parts for choice in first.choices] == [choice.parts for choice in answer.choices]
    assert first.usage == answer.usage
