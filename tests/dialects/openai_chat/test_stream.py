from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import openai._streaming as sdk
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.golden import cases, sse
from waypost.core.events import Event, Failed, PartStarted, Started
from waypost.core.fold import fold, unfold
from waypost.core.request import Citation, Extras, Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish, ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.openai_chat.stream import ChatStreamParser
from waypost.dialects.openai_chat.stream_renderer import ChatStreamRenderer
from waypost.errors import Garbled, Truncated, Unrepresentable


def read(stream: bytes, *cuts: int) -> list[Event]:
    parser = ChatStreamParser()
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [e for i in range(len(edges) - 1) for e in parser.feed(stream[edges[i] : edges[i + 1]])]


def write(events: list[Event]) -> bytes:
    renderer = ChatStreamRenderer(wants_usage=True)
    return b"".join(map(renderer.render, events)) + renderer.end()


@pytest.mark.parametrize("case", cases("openai_chat", "streams"))
@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 10_000), max_size=6))
def test_any_split_gives_the_same_events(case: Any, cuts: list[int]) -> None:
    stream = sse(case["events"])
    assert read(stream, *cuts) == read(stream)


def deltas(events: list[Any], field: str) -> str:
    choices = [c for e in events if not isinstance(e, str) for c in e.get("choices", []) if c["index"] == 0]
    return "".join(choice["delta"].get(field) or "" for choice in choices)


@pytest.mark.parametrize(
    "name", ["plain", "tools", "choices", "refusal", "usage_on_last_content", "error_event"]
)
def test_what_the_core_sees(name: str) -> None:
    [case] = [case.values[0] for case in cases("openai_chat", "streams") if case.id == name]
    events = read(sse(case["events"]))
    answer = fold(events)
    texts = [part.text for part in answer.choices[0].parts if isinstance(part, Text)]
    shown = case["client"]
    assert "".join(texts) == deltas(shown, "content")
    assert [p.text for p in answer.choices[0].parts if isinstance(p, Refusal)] == [
        t for t in [deltas(shown, "refusal")] if t
    ]
    if name == "tools":
        assert answer.choices[0].parts == (
            ToolCall("call_1", "weather", '{"city":"Oslo"}'),
            ToolCall("call_2", "weather", "{}"),
        )
    if name == "error_event":
        assert isinstance(events[-1], Failed)
        assert events[-1].code == "upstream_overloaded"
    else:
        assert answer.usage == Usage(input=19, output=10)


own = Extras("openai_chat", {}, "field")
words = st.text(min_size=1, max_size=6)
one_part: st.SearchStrategy[ReplyPart] = st.one_of(
    words.map(Text),
    words.map(Thinking),
    words.map(lambda text: Refusal(text, own)),
    st.builds(ToolCall, words, words, words),
    st.just(Opaque("openai_chat", msgspec.Raw(b'{"type":"x"}'), "content")),
)


def distinct_neighbours(parts: list[ReplyPart]) -> bool:
    """Two texts side by side can not be told from one in this dialect."""
    mergeable = (Text, Thinking, Refusal)
    return not any(type(a) is type(b) and isinstance(a, mergeable) for a, b in pairwise(parts))


choice_parts = st.lists(one_part, min_size=1, max_size=5).filter(distinct_neighbours).map(tuple)
answers = st.builds(
    lambda parts, finish, usage: ChatResponse(
        "id", "m", tuple(Choice(i, p, finish) for i, p in enumerate(parts)), 17, usage, "flex"
    ),
    st.lists(choice_parts, min_size=1, max_size=3),
    st.sampled_from([Finish.STOP, Finish.LENGTH, Finish.TOOLS, Finish.FILTERED]),
    st.none()
    | st.builds(Usage, input=st.integers(5, 9), output=st.integers(5, 9), cache_read=st.integers(0, 5)),
)


@settings(deadline=None)
@given(answers)
def test_a_rendered_stream_folds_to_the_same_answer(answer: ChatResponse) -> None:
    stream = write(list(unfold(answer)))
    assert fold(read(stream)) == answer
    decoded = [event.data for event in sdk.SSEDecoder().iter_bytes(iter([stream]))]
    assert decoded[-1] == "[DONE]"
    assert all(msgspec.json.decode(data)["object"] == "chat.completion.chunk" for data in decoded[:-1])


def test_no_terminator_after_a_failure() -> None:
    stream = write([Started("a", "m"), PartStarted(0, 0, Text("x")), Failed("upstream_failed", "gone")])
    assert b"[DONE]" not in stream
    assert stream.endswith(b'"code":"upstream_failed"}}\n\n')


def test_garbage_is_garbled() -> None:
    parser = ChatStreamParser()
    assert parser.feed(b"data: <html>\n\n") == []
    assert isinstance(parser.failure, Garbled)


@pytest.mark.parametrize(
    ("stream", "whole"),
    [
        (b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n', True),
        (b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\ndata: [DONE]', True),
        (b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n', False),
        (b"", False),
    ],
)
def test_an_end_is_whole_or_truncated(stream: bytes, whole: bool) -> None:
    parser = ChatStreamParser()
    parser.feed(stream)
    parser.end()
    assert parser.finished is whole
    assert isinstance(parser.failure, Truncated) is not whole


def test_a_part_without_a_form_is_refused() -> None:
    with pytest.raises(Unrepresentable):
        write([Started("a", "m"), PartStarted(0, 0, Media("file", data="AA"))])


def test_lists_of_parts_are_opaque() -> None:
    chunk = {
        "id": "c",
        "choices": [{"index": 0, "delta": {"content": [{"type": "thinking"}]}, "finish_reason": "stop"}],
    }
    [part] = fold(read(sse([chunk]))).choices[0].parts
    assert part == Opaque("openai_chat", msgspec.Raw(b'{"type":"thinking"}'), "content")


GOLDEN_PARTS: dict[str, tuple[ReplyPart, ...]] = {
    "openrouter_reasoning": (
        Thinking("Hm.", "c2ln", maker="anthropic-claude-v1"),
        Text("A.", citations=(Citation("https://example.org", "T", None, 0, 2),)),
    ),
    "gemini_signed_call": (
        ToolCall("c1", "weather", "{}", None, "c2ln", "google-gemini-v1"),
        ToolCall("c2", "weather", '{"a":1}'),
    ),
    "old_function_call": (
        ToolCall("function_call", "weather", "{}", Extras("openai_chat", {}, "function_call")),
    ),
    "mistral_thinking": (Thinking("Hm.", extras=Extras("openai_chat", {}, "content")), Text("A.")),
    "custom_tool": (
        Opaque(
            "openai_chat",
            msgspec.Raw(b'{"id":"c1","type":"custom","custom":{"name":"sql","input":"select 1"}}'),
            "tool_calls",
        ),
    ),
    "audio": (
        Media(
            "audio",
            data="UklGRg==",
            file_id="a1",
            extras=Extras("openai_chat", {"transcript": msgspec.Raw(b'"hi"')}, "audio"),
        ),
    ),
}


@pytest.mark.parametrize("name", sorted(GOLDEN_PARTS))
def test_the_parts_of_a_golden_stream(name: str) -> None:
    [case] = [case.values[0] for case in cases("openai_chat", "streams") if case.id == name]
    answer = fold(read(sse(case["events"])))
    assert answer.choices[0].parts == GOLDEN_PARTS[name]
    assert answer.choices[0].finish is not None


def test_pieces_of_calls_without_a_number_belong_to_the_last_one() -> None:
    deltas = [
        {"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{"}}]},
        {"tool_calls": [{"function": {"arguments": "}"}}]},
        {"tool_calls": [{"id": "b", "function": {"name": "g", "arguments": "{}"}}]},
    ]
    events = [{"id": "x", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    ended = {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    assert fold(read(sse([*events, ended]))).choices[0].parts == (
        ToolCall("a", "f", "{}"),
        ToolCall("b", "g", "{}"),
    )


def test_both_fields_of_a_delta_are_one_text_and_details_without_an_index_go_on() -> None:
    detail = {"type": "reasoning.text", "text": "a", "format": "unknown"}
    encrypted = {"type": "reasoning.encrypted", "data": "x", "format": "google-gemini-v1"}
    deltas = [
        {"reasoning": "h", "reasoning_content": "h"},
        {"reasoning_details": [detail]},
        {"reasoning_details": [detail]},
        {"reasoning_details": [encrypted, {"type": "reasoning.server_tool_call"}]},
        {"extra_content": {"google": {"thought_signature": "s"}}},
    ]
    events = [{"id": "x", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    parts = fold(read(sse(events))).choices[0].parts
    assert parts == (
        Thinking("h"),
        Thinking("aa"),
        Thinking("", "x", maker="google-gemini-v1", redacted=True),
        Opaque("openai_chat", msgspec.Raw(b'{"type":"reasoning.server_tool_call"}'), "reasoning_details"),
        Thinking("", "s", maker="google-gemini-v1"),
    )
