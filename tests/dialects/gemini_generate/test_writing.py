from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waypost.core.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, Used
from waypost.core.fold import fold, unfold
from waypost.core.request import Citation, Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish, ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.gemini_generate.own import MAKER
from waypost.dialects.gemini_generate.stream import GeminiStreamParser
from waypost.dialects.gemini_generate.writing import GeminiStreamRenderer
from waypost.dialects.sse import SseParser
from waypost.errors import Overloaded, Unrepresentable

USAGE = Usage(input=5, output=2)


def write(events: list[Event], form: str = "sse", usage: Usage = USAGE) -> bytes:
    renderer = GeminiStreamRenderer(form, "exchange")
    return b"".join(renderer.render(event) for event in events) + renderer.end(usage, 5)


def objects(stream: bytes) -> list[Any]:
    return [msgspec.json.decode(event.data) for event in SseParser().feed(stream) if event.data]


def stream_of(*parts: ReplyPart, finish: Finish = Finish.STOP) -> list[Event]:
    return list(unfold(ChatResponse("id", "m", (Choice(0, parts, finish),))))


def shown(*parts: ReplyPart) -> list[Any]:
    """The parts of the stream's events. The last one has nothing but an empty text: google-genai's chats forget an
    answer when any event of it has no content (3.6.1, `_validate_response`, 2026-11-25)."""
    *found, last = [
        part
        for event in objects(write(stream_of(*parts)))
        for candidate in event["candidates"]
        for part in candidate["content"]["parts"]
    ]
    assert last == {"text": ""}
    return found


def test_the_last_event_has_the_finish_reason_and_the_usage_with_its_cost() -> None:
    first, last = objects(write(stream_of(Text("hi"))))
    assert first == {
        "candidates": [{"content": {"parts": [{"text": "hi"}], "role": "model"}, "index": 0}],
        "modelVersion": "m",
        "responseId": "id",
    }
    assert last == {
        "candidates": [
            {"content": {"parts": [{"text": ""}], "role": "model"}, "index": 0, "finishReason": "STOP"}
        ],
        "usageMetadata": {
            "promptTokenCount": 5,
            "candidatesTokenCount": 2,
            "totalTokenCount": 7,
            "cost": 0.000000005,
        },
        "modelVersion": "m",
        "responseId": "id",
    }


def test_an_array() -> None:
    assert msgspec.json.decode(write(stream_of(Text("hi")), "array")) == objects(write(stream_of(Text("hi"))))


def test_a_call_is_kept_until_it_is_whole() -> None:
    renderer = GeminiStreamRenderer("sse", "x")
    renderer.render(Started("id", "m"))
    assert renderer.render(PartStarted(0, 0, ToolCall("c", "f", ""))) == b""
    assert renderer.render(PartDelta(0, 0, '{"a":')) == renderer.render(PartDelta(0, 0, " 1.50}")) == b""
    whole = renderer.render(PartEnded(0, 0))
    assert b'"functionCall":{"id":"c","name":"f","args":{"a": 1.50}}' in whole
    assert shown(ToolCall("c", "f", "{")) == [
        {"functionCall": {"id": "c", "name": "f", "args": {"invalid_json": "{"}}}
    ]


def test_thoughts_and_signatures() -> None:
    assert shown(Thinking("hm", "c2ln", maker=MAKER)) == [
        {"text": "hm", "thought": True, "thoughtSignature": "c2ln"}
    ]
    assert shown(Text("a"), Thinking("", "c2ln", maker=MAKER)) == [
        {"text": "a"},
        {"text": "", "thoughtSignature": "c2ln"},
    ]
    assert shown(Thinking("hm", "x", maker="anthropic-claude-v1")) == [{"text": "hm", "thought": True}]
    assert shown(Thinking("", "x", maker="anthropic-claude-v1", redacted=True)) == []
    assert shown(Refusal("no")) == [{"text": "no"}]


def test_a_signature_that_comes_after_its_thought() -> None:
    events: list[Event] = [
        PartStarted(0, 0, Thinking("", maker=MAKER)),
        PartDelta(0, 0, "hm"),
        PartDelta(0, 0, signature="c2ln"),
        PartEnded(0, 0),
    ]
    last = objects(write(events))[1]["candidates"][0]["content"]["parts"]
    assert last == [{"text": "", "thought": True, "thoughtSignature": "c2ln"}]


def test_sources_go_out_with_the_finish_reason() -> None:
    last = objects(write(stream_of(Text("Täg.", citations=(Citation("u", "t", None, 0, 3),)))))[-1]
    [support] = last["candidates"][0]["groundingMetadata"]["groundingSupports"]
    assert support["segment"] == {"partIndex": 0, "startIndex": 0, "endIndex": 4, "text": "Täg"}


@pytest.mark.parametrize("odd", [Opaque("other", msgspec.Raw(b"{}")), Media("video", file_id="file-1")])
def test_a_part_without_a_form_is_refused(odd: ReplyPart) -> None:
    with pytest.raises(Unrepresentable):
        write([Started("a", "m"), PartStarted(0, 0, odd)])


@pytest.mark.parametrize("form", ["sse", "array"])
def test_nothing_follows_a_failure(form: str) -> None:
    renderer = GeminiStreamRenderer(form, "x")
    out = renderer.render(Started("a", "m")) + renderer.render(PartStarted(0, 0, Text("x")))
    out += renderer.render(Failed("upstream_rate_limited", "gone"))
    assert renderer.fail(Overloaded("again")) == renderer.end(USAGE, None) == b""
    found = msgspec.json.decode(out) if form == "array" else objects(out)
    assert found[-1]["error"]["message"] == "gone"
    assert found[-1]["error"]["details"][0]["metadata"] == {"code": "upstream_rate_limited"}


def test_a_failure_of_the_gateway() -> None:
    renderer = GeminiStreamRenderer("array", "x")
    out = renderer.render(PartStarted(0, 0, Text("x"))) + renderer.fail(Overloaded("busy"))
    assert msgspec.json.decode(out)[-1]["error"]["code"] == 503


def test_counts_of_our_own_are_marked() -> None:
    last = objects(write(stream_of(Text("a")), usage=Usage(output=1, source="estimated")))[-1]
    assert last["usageMetadata"]["estimated"] is True


def test_usage_on_the_way_is_not_shown() -> None:
    assert GeminiStreamRenderer("sse", "x").render(Used(USAGE)) == b""


words = st.text(min_size=1, max_size=6)
one_part: st.SearchStrategy[ReplyPart] = st.one_of(
    words.map(Text),
    words.map(lambda text: Text(text, citations=(Citation("https://e.org", "E", None, 0, len(text)),))),
    st.builds(lambda text, sign: Thinking(text, sign, None, MAKER), words, st.none() | st.just("c2ln")),
    st.builds(
        lambda call_id, args, sign: ToolCall(call_id, "f", args, None, sign, MAKER if sign else None),
        words,
        st.sampled_from(["{}", '{"a":1.50}']),
        st.none() | st.just("c2ln"),
    ),
    st.just(Media("image", data="AA==", mime="image/png")),
    st.just(Opaque("gemini_generate", msgspec.Raw(b'{"executableCode":{"code":"1"}}'), "parts")),
)


def distinct_neighbours(parts: list[ReplyPart]) -> bool:
    """Two texts side by side can not be told from one, and only the last text keeps its sources."""
    same = any(type(a) is type(b) and isinstance(a, Text | Thinking) for a, b in pairwise(parts))
    cited = [number for number, part in enumerate(parts) if isinstance(part, Text) and part.citations]
    return not same and all(number == len(parts) - 1 for number in cited)


choice_parts = st.lists(one_part, min_size=1, max_size=5).filter(distinct_neighbours).map(tuple)


def finish_of(parts: tuple[ReplyPart, ...], finish: Finish) -> Finish:
    called = any(isinstance(part, ToolCall) for part in parts)
    if finish in (Finish.STOP, Finish.TOOLS):
        return Finish.TOOLS if called else Finish.STOP
    return finish


answers = st.builds(
    lambda parts, finish: ChatResponse(
        "id", "m", tuple(Choice(i, p, finish_of(p, finish)) for i, p in enumerate(parts)), usage=USAGE
    ),
    st.lists(choice_parts, min_size=1, max_size=3),
    st.sampled_from([Finish.STOP, Finish.TOOLS, Finish.LENGTH, Finish.FILTERED, Finish.PAUSED, Finish.OTHER]),
)


@settings(deadline=None)
@given(answers)
def test_a_rendered_stream_folds_to_the_same_answer(answer: ChatResponse) -> None:
    parser = GeminiStreamParser()
    events = parser.feed(write(list(unfold(answer)))) + parser.end()
    assert parser.finished
    assert fold(events) == answer


def test_finish_reasons_of_two_candidates_go_out_together() -> None:
    events: list[Event] = [Finished(0, Finish.STOP), Finished(1, Finish.LENGTH)]
    [last] = objects(write(events))
    assert [each["finishReason"] for each in last["candidates"]] == ["STOP", "MAX_TOKENS"]
