from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.anthropic_messages.wire import sse, unsse
from dialects.golden import cases
from waypost.core.asked import Stamp
from waypost.core.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, Used
from waypost.core.fold import fold, unfold
from waypost.core.request import Citation, Extras, Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish, ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.anthropic_messages.response import parse_response
from waypost.dialects.anthropic_messages.stream_parser import AnthropicStreamParser
from waypost.dialects.anthropic_messages.stream_renderer import AnthropicStreamRenderer
from waypost.errors import Overloaded, Unrepresentable

STAMP = Stamp("x1", 17)
MAKER = "anthropic-claude-v1"


def write(events: list[Event], usage: Usage | None = None, cost: int | None = None) -> bytes:
    renderer = AnthropicStreamRenderer(STAMP)
    return b"".join(map(renderer.render, events)) + renderer.end(usage, cost)


def read(stream: bytes) -> ChatResponse:
    parser = AnthropicStreamParser()
    events = parser.feed(stream) + parser.end()
    assert parser.finished
    return fold(events)


@pytest.mark.parametrize("case", cases("anthropic_messages", "responses"))
def test_a_golden_answer_streams_to_the_same(case: Any) -> None:
    answer = parse_response(msgspec.json.encode(case["body"]))
    assert read(write(list(unfold(answer)))) == answer


words = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=6)
PLACE = {name: msgspec.Raw(b"0") for name in ("document_index", "start_char_index", "end_char_index")}
cited = st.builds(
    lambda quote, title: Citation(
        title=title,
        quote=quote,
        extras=Extras("anthropic_messages", PLACE, "char_location"),
    ),
    words,
    words,
)
one_part: st.SearchStrategy[ReplyPart] = st.one_of(
    st.builds(lambda text, found: Text(text, citations=tuple(found)), words, st.lists(cited, max_size=2)),
    st.builds(lambda text, sign: Thinking(text, sign, maker=MAKER), st.text(max_size=4), st.text(max_size=4)),
    words.map(lambda data: Thinking("", data, maker=MAKER, redacted=True)),
    st.builds(ToolCall, st.sampled_from(["a", "b-1"]), words, st.sampled_from(["{}", '{"a":[1]}'])),
    st.just(Opaque("anthropic_messages", msgspec.Raw(b'{"type":"x","a":1}'), "content")),
)
usages = st.builds(
    lambda plain, read, output: Usage(input=plain + read, output=output, cache_read=read),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 9),
)
answers = st.builds(
    lambda parts, finish, usage: ChatResponse(
        "id",
        "m",
        (Choice(0, tuple(parts), finish),),
        None,
        usage,
        "default",
        Extras("anthropic_messages", {}, "own"),
    ),
    st.lists(one_part, max_size=5),
    st.sampled_from([Finish.LENGTH, Finish.TOOLS, Finish.REFUSED, Finish.PAUSED]),
    usages,
)


@settings(deadline=None)
@given(answers)
def test_a_rendered_stream_folds_to_the_same_answer(answer: ChatResponse) -> None:
    assert read(write(list(unfold(answer)))) == answer


@settings(deadline=None)
@given(answers, st.randoms(use_true_random=False))
def test_parts_that_come_interleaved_are_put_in_order(answer: ChatResponse, random: Any) -> None:
    """Calls of one answer may come piece by piece in turns; blocks of this dialect follow each other."""
    events = list(unfold(answer))
    head = [event for event in events if isinstance(event, Started | Used)]
    starts = [event for event in events if isinstance(event, PartStarted)]
    rest: dict[int, list[Event]] = {}
    for event in events:
        if isinstance(event, PartDelta | PartEnded):
            rest.setdefault(event.part, []).append(event)
    mixed: list[Event] = []
    while rest:
        part = random.choice(sorted(rest))
        mixed.append(rest[part].pop(0))
        if not rest[part]:
            del rest[part]
    last = [event for event in events if isinstance(event, Finished)]
    shown = unsse(write([*head, *starts, *mixed, *last]))
    assert read(sse(shown)) == answer
    open_index: int | None = None
    for event in shown:
        if event["type"] == "content_block_start":
            assert open_index is None
            open_index = event["index"]
        elif event["type"] == "content_block_delta":
            assert event["index"] == open_index
        elif event["type"] == "content_block_stop":
            assert event["index"] == open_index
            open_index = None
    assert open_index is None


def foreign(*parts: ReplyPart, finish: Finish = Finish.STOP) -> list[Event]:
    return list(unfold(ChatResponse("", "m", (Choice(0, parts, finish),))))


def test_an_answer_of_another_dialect_is_complete() -> None:
    shown = unsse(write(foreign(Text("a"), ToolCall("", "f", "{}")), Usage(input=3, output=2), 1500))
    assert shown[0]["message"]["id"] == "msg_x1"
    assert shown[0]["message"]["usage"]["input_tokens"] == 0
    starts = [event["content_block"] for event in shown if event["type"] == "content_block_start"]
    assert starts[1] == {"type": "tool_use", "id": "toolu_x1_1", "name": "f", "input": {}}
    assert shown[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert shown[-2]["usage"]["cost"] == 0.0000015
    assert (shown[-2]["usage"]["input_tokens"], shown[-2]["usage"]["output_tokens"]) == (3, 2)
    assert shown[-1] == {"type": "message_stop"}


def test_counts_of_our_own_are_marked() -> None:
    shown = unsse(write(foreign(Text("a")), Usage(input=3, source="estimated")))
    assert shown[-2]["usage"]["estimated"] is True


def test_what_is_empty_is_not_shown() -> None:
    shown = unsse(
        write(
            foreign(
                Text(" \n"),
                Thinking("", "sig", maker="google-gemini-v1"),
                Thinking("", "enc", maker="openai-responses-v1", redacted=True),
                Refusal("no"),
            )
        )
    )
    blocks = [event["content_block"]["type"] for event in shown if event["type"] == "content_block_start"]
    assert blocks == ["text"]
    assert shown[-2]["delta"]["stop_reason"] == "refusal"


def test_white_space_waits_for_words() -> None:
    renderer = AnthropicStreamRenderer(STAMP)
    renderer.render(Started("", "m"))
    renderer.render(PartStarted(0, 0, Text("")))
    assert renderer.render(PartDelta(0, 0, "\n")) == b""
    deltas = unsse(renderer.render(PartDelta(0, 0, "a")))[1:]
    assert [event["delta"]["text"] for event in deltas] == ["\n", "a"]


def test_thinking_of_others_has_no_signature() -> None:
    shown = unsse(write(foreign(Thinking("hm", "sig", maker="google-gemini-v1"))))
    assert [event["type"] for event in shown].count("content_block_delta") == 1
    assert shown[1]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}


@pytest.mark.parametrize("event", [PartStarted(1, 0, Text("x")), Finished(1, Finish.LENGTH)])
def test_there_is_no_room_for_other_choices(event: Event) -> None:
    with pytest.raises(Unrepresentable):
        AnthropicStreamRenderer(STAMP).render(event)


def test_more_of_a_part_that_never_began_is_nothing() -> None:
    assert AnthropicStreamRenderer(STAMP).render(PartDelta(0, 9, "x")) == b""


def test_no_terminator_after_a_failure() -> None:
    stream = write([Started("a", "m"), PartStarted(0, 0, Text("x")), Failed("upstream_failed", "gone")])
    assert b"message_stop" not in stream
    last = unsse(stream)[-1]
    assert last["error"]["details"] == {"error_code": "upstream_failed"}
    renderer = AnthropicStreamRenderer(STAMP)
    assert renderer.fail(Overloaded("busy")).startswith(b"event: error\n")
    assert renderer.end(Usage(), 0) == b""


@pytest.mark.parametrize("part", [Media("image", data="AA=="), Opaque("openai_chat", msgspec.Raw(b"{}"))])
def test_what_can_not_be_shown(part: ReplyPart) -> None:
    with pytest.raises(Unrepresentable):
        write(foreign(part))
