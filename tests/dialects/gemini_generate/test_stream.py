from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.golden import cases, counts_of, sse
from waypost.core.events import (
    Ending,
    Event,
    Failed,
    Finished,
    PartDelta,
    PartEnded,
    PartStarted,
    Started,
    Used,
)
from waypost.core.fold import fold
from waypost.core.request import Citation, Media, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.core.usage import Usage
from waypost.dialects.gemini_generate.own import MAKER
from waypost.dialects.gemini_generate.response import parse_response
from waypost.dialects.gemini_generate.stream import GeminiStreamParser
from waypost.errors import Garbled, Throttled, Truncated, Unavailable

CASES = cases("gemini_generate", "streams")


def read(stream: bytes, cuts: list[int] = []) -> tuple[list[Event], GeminiStreamParser]:  # noqa: B006
    parser = GeminiStreamParser()
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    events = [event for a, b in pairwise(edges) for event in parser.feed(stream[a:b])]
    return events + parser.end(), parser


def bare(response: ChatResponse) -> ChatResponse:
    """Without what only the wire of a whole answer has."""
    choices = tuple(
        Choice(
            choice.index,
            tuple(
                msgspec.structs.replace(part, extras=None) if hasattr(part, "extras") else part
                for part in choice.parts
            ),
            choice.finish,
        )
        for choice in response.choices
    )
    return msgspec.structs.replace(response, choices=choices, extras=None)


def whole(events: list[Any]) -> dict[str, Any]:
    """The same answer as Google sends it at once: the parts of all events, side by side pieces of text joined."""
    found: dict[int, dict[str, Any]] = {}
    out: dict[str, Any] = {}
    for event in events:
        out.update({name: value for name, value in event.items() if name != "candidates"})
        for candidate in event.get("candidates", []):
            into = found.setdefault(candidate["index"], {"content": {"parts": [], "role": "model"}})
            into.update({name: value for name, value in candidate.items() if name != "content"})
            for part in candidate.get("content", {}).get("parts", []):
                _join(into["content"]["parts"], part)
    return {**out, **({"candidates": list(found.values())} if found else {})}


def _join(parts: list[Any], part: Any) -> None:
    same = parts and parts[-1].keys() == part.keys() and parts[-1].get("thought") == part.get("thought")
    if part == {"text": ""}:
        return
    if same and "text" in part and "thoughtSignature" not in part:
        parts[-1] = {**part, "text": parts[-1]["text"] + part["text"]}
    else:
        parts.append(part)


@pytest.mark.parametrize("case", CASES)
def test_a_stream_folds_to_the_whole_answer(case: Any) -> None:
    events, parser = read(sse(case["events"]))
    if not parser.finished:
        assert parser.failure is not None
        assert parser.failure.code == case["state"]["failure"]
        return
    folded = fold(events)
    assert bare(folded) == bare(parse_response(msgspec.json.encode(whole(case["events"]))))
    usage = case["state"]["usage"]
    assert counts_of(folded.usage) == usage


@pytest.mark.parametrize("case", CASES)
@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 10_000), max_size=8))
def test_any_split_gives_the_same_events(case: Any, cuts: list[int]) -> None:
    stream = sse(case["events"])
    assert read(stream, cuts)[0] == read(stream)[0]
    assert read(stream.replace(b"\n", b"\r\n"), cuts)[0] == read(stream)[0]


@pytest.mark.parametrize("case", CASES)
def test_every_part_that_starts_ends_before_its_choice_does(case: Any) -> None:
    events, parser = read(sse(case["events"]))
    open_parts: set[tuple[int, int]] = set()
    ended: set[int] = set()
    for event in events:
        if isinstance(event, PartStarted | PartDelta | PartEnded):
            assert event.choice not in ended
        if isinstance(event, PartStarted):
            open_parts.add((event.choice, event.part))
        elif isinstance(event, PartDelta):
            assert (event.choice, event.part) in open_parts
        elif isinstance(event, PartEnded):
            open_parts.remove((event.choice, event.part))
        elif isinstance(event, Finished):
            assert not [part for part in open_parts if part[0] == event.choice]
            ended.add(event.choice)
    assert not open_parts or not parser.finished


def one(*parts: Any, finish: str | None = None, **more: Any) -> Any:
    candidate = {"content": {"parts": parts, "role": "model"}, **more}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})], "responseId": "r"}


def parts_of(*events: Any) -> tuple[Any, ...]:
    return fold(read(sse(list(events)))[0]).choices[0].parts


def test_a_signed_text_is_two_parts_and_the_next_text_a_third() -> None:
    assert parts_of(
        one({"text": "a"}), one({"text": "b", "thoughtSignature": "c2ln"}), one({"text": "c"}, finish="STOP")
    ) == (Text("ab"), Thinking("", "c2ln", maker=MAKER), Text("c"))


def test_a_signed_thought_is_one_part() -> None:
    assert parts_of(
        one({"text": "a", "thought": True}),
        one({"text": "", "thought": True, "thoughtSignature": "c2ln"}),
        one({"text": "b"}, finish="STOP"),
    ) == (Thinking("a", "c2ln", maker=MAKER), Text("b"))


def test_sources_that_come_with_the_signature_belong_to_the_text() -> None:
    grounding = {"groundingChunks": [{"web": {"uri": "https://e.org"}}]}
    [text, signature] = parts_of(
        one({"text": "a"}, groundingMetadata=grounding),
        one({"text": "", "thoughtSignature": "c2ln"}, finish="STOP", groundingMetadata=grounding),
    )
    assert text == Text("a", citations=(Citation("https://e.org"),))
    assert signature == Thinking("", "c2ln", maker=MAKER)


def test_media_and_calls_come_whole() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    call = {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}}
    assert parts_of(one({"text": "a"}), one(picture, call, finish="STOP")) == (
        Text("a"),
        Media("image", data="AA==", mime="image/png"),
        ToolCall("c", "f", '{"a":1}'),
    )


def test_content_behind_a_finish_reason_is_not_lost() -> None:
    """It was once left out without a word. Google documents a reason as the end of generation, and has sent STOP with
    every chunk: only the end of the body ends a candidate."""
    picture = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    events, parser = read(
        sse(
            [
                one({"text": "a"}, finish="STOP"),
                one({"text": "b"}, finish="STOP"),
                {**one(picture), "usageMetadata": {"promptTokenCount": 3}},
            ]
        )
    )
    assert parser.finished
    picture_part = Media("image", data="AA==", mime="image/png")
    assert fold(events).choices == (Choice(0, (Text("ab"), picture_part), Finish.STOP),)
    assert Used(Usage(input=3)) in events
    assert events[-1] == Finished(0, Finish.STOP)
    assert [event for event in events if isinstance(event, Ending)] == [Ending(0)]


@pytest.mark.parametrize(
    ("reasons", "finish"),
    [
        (("STOP", "MAX_TOKENS"), Finish.LENGTH),
        (("STOP", "SAFETY", None), Finish.FILTERED),
        (("MAX_TOKENS", "FINISH_REASON_UNSPECIFIED"), Finish.LENGTH),
        (("OTHER", "STOP"), Finish.STOP),
    ],
)
def test_the_last_reason_counts(reasons: tuple[str | None, ...], finish: Finish) -> None:
    events, parser = read(sse([one({"text": "a"}, finish=reason) for reason in reasons]))
    assert parser.finished
    assert [event for event in events if isinstance(event, Finished)] == [Finished(0, finish)]


def test_a_call_behind_the_reason_is_what_it_ended_for() -> None:
    call = {"functionCall": {"id": "c", "name": "f", "args": {}}}
    events, _ = read(sse([one({"text": "a"}, finish="STOP"), one(call)]))
    assert events[-1] == Finished(0, Finish.TOOLS)


def test_sources_behind_the_reason_belong_to_the_text() -> None:
    grounding = {"groundingChunks": [{"web": {"uri": "https://e.org"}}]}
    assert parts_of(one({"text": "a"}, finish="STOP"), one(groundingMetadata=grounding)) == (
        Text("a", citations=(Citation("https://e.org"),)),
    )


def test_a_candidate_that_ended_is_told_of_where_another_was_cut() -> None:
    two = {"candidates": [one({"text": "a"}, finish="STOP", index=0)["candidates"][0],
                          one({"text": "b"}, index=1)["candidates"][0]]}  # fmt: skip
    events, parser = read(sse([two]))
    assert isinstance(parser.failure, Truncated)
    assert [event for event in events if isinstance(event, Finished)] == [Finished(0, Finish.STOP)]


def test_the_tier_is_told_at_the_start() -> None:
    events, _ = read(
        sse([{**one({"text": "a"}), "usageMetadata": {"promptTokenCount": 3, "serviceTier": "flex"}}])
    )
    assert events[0] == Started("r", "", tier="flex")


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        (b'data: {"error":{"code":429,"message":"x"}}\n\n', Throttled),
        (b'{"error":\n{"code":503,"message":"x"}}\n', Unavailable),
        (b'[{"error":{"code":503,"message":"x"}}]', Unavailable),
        (b"data: <html>\n\n", Garbled),
        (b"data: 7\n\n", Garbled),
        (b"", Truncated),
        (b": ping\n\n", Truncated),
        (b'data: {"usageMetadata":{"promptTokenCount":1}}\n\n', Truncated),
    ],
)
def test_failures(stream: bytes, kind: type[Exception]) -> None:
    events, parser = read(stream)
    assert isinstance(parser.failure, kind)
    assert not parser.finished
    told = [event for event in events if isinstance(event, Failed)]
    assert bool(told) is (kind in (Throttled, Unavailable))
    assert parser.feed(sse([one({"text": "late"}, finish="STOP")])) == []


def test_a_last_event_without_a_blank_line() -> None:
    events, parser = read(sse([one({"text": "a"}, finish="STOP")]).rstrip(b"\n"))
    assert parser.finished
    assert fold(events).choices[0].parts == (Text("a"),)


def test_the_sources_of_a_text_come_after_the_calls_that_follow_it() -> None:
    call = {"functionCall": {"id": "c", "name": "f", "args": {}}}
    grounding = {"groundingChunks": [{"web": {"uri": "https://e.org", "title": "E"}}]}
    chunks = [
        {"candidates": [{"content": {"parts": [{"text": "Said."}]}}], "responseId": "r", "modelVersion": "m"},
        {"candidates": [{"content": {"parts": [call]}}]},
        {"candidates": [{"finishReason": "STOP", "groundingMetadata": grounding}]},
    ]
    parser = GeminiStreamParser()
    events = parser.feed(b"".join(b"data: %b\n\n" % msgspec.json.encode(chunk) for chunk in chunks))
    [choice] = fold(events + parser.end()).choices
    [text, called] = choice.parts
    assert text == Text("Said.", citations=(Citation("https://e.org", "E"),))
    assert isinstance(called, ToolCall)
