from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.bedrock_converse.frames import said
from waypost.core.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, Used
from waypost.core.fold import fold, unfold
from waypost.core.request import Citation, Extras, Media, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish, ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.bedrock_converse.stream import ConverseStreamParser
from waypost.dialects.bedrock_converse.writing import ConverseStreamRenderer
from waypost.errors import Overloaded, Unrepresentable

OWN = Extras("bedrock_converse", {}, "own")


def write(events: list[Event]) -> bytes:
    renderer = ConverseStreamRenderer()
    return b"".join(map(renderer.render, events)) + renderer.end()


words = st.text(min_size=1, max_size=6)
one_part: st.SearchStrategy[ReplyPart] = st.one_of(
    words.map(Text),
    st.builds(
        lambda text, cited: Text(text, citations=tuple(cited)),
        words,
        st.lists(
            st.builds(lambda url, quote: Citation(url, None, quote, extras=OWN), words, words), max_size=2
        ),
    ),
    st.builds(lambda text, sign: Thinking(text, sign, OWN, "anthropic-claude-v1"), words, st.none() | words),
    st.text(alphabet="abc", min_size=1, max_size=6).map(
        lambda data: Thinking("", data, maker="anthropic-claude-v1", redacted=True)
    ),
    st.builds(ToolCall, words, words, st.sampled_from(["{}", '{"a":1}', "[]"])),
    st.just(Media("image", data="AAAA", mime="image/png")),
)
answers = st.builds(
    lambda parts, finish, usage, stop: ChatResponse(
        "", "", (Choice(0, tuple(parts), finish, None, stop if finish is Finish.STOP else None),), None, usage
    ),
    st.lists(one_part, max_size=5),
    st.sampled_from([Finish.STOP, Finish.LENGTH, Finish.TOOLS, Finish.FILTERED]),
    st.builds(Usage, input=st.integers(5, 9), output=st.integers(5, 9), cache_read=st.integers(0, 5)),
    st.none(),
)


@settings(deadline=None)
@given(answers)
def test_a_rendered_stream_folds_to_the_same_answer(answer: ChatResponse) -> None:
    parser = ConverseStreamParser()
    found = parser.feed(write(list(unfold(answer))))
    assert parser.finished
    assert fold(found) == answer


def test_what_a_client_sees() -> None:
    renderer = ConverseStreamRenderer()
    events: list[Event] = [
        Started("id", "m", tier="flex"),
        PartStarted(0, 0, Thinking("", maker="google-gemini-v1")),
        PartDelta(0, 0, "hm", "theirs"),
        PartEnded(0, 0),
        PartStarted(0, 1, ToolCall("c", "f", "")),
        PartStarted(0, 2, Refusal("no")),
        PartEnded(0, 1),
        PartEnded(0, 2),
        PartStarted(0, 3, Text("")),
        PartEnded(0, 3),
        Used(Usage(input=1, output=2)),
        Finished(0, Finish.STOP, stop_text="END"),
    ]
    shown = said(b"".join(map(renderer.render, events)) + renderer.end(Usage(input=1, output=2), 5))
    assert shown == [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"reasoningContent": {"text": "hm"}}, "contentBlockIndex": 0}},
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {
            "contentBlockStart": {
                "start": {"toolUse": {"toolUseId": "c", "name": "f"}},
                "contentBlockIndex": 1,
            }
        },
        {"contentBlockDelta": {"delta": {"text": "no"}, "contentBlockIndex": 2}},
        {"contentBlockDelta": {"delta": {"toolUse": {"input": "{}"}}, "contentBlockIndex": 1}},
        {"contentBlockStop": {"contentBlockIndex": 1}},
        {"contentBlockStop": {"contentBlockIndex": 2}},
        {
            "messageStop": {
                "stopReason": "stop_sequence",
                "additionalModelResponseFields": {"stop_sequence": "END"},
            }
        },
        {
            "metadata": {
                "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3, "cost": 5e-09},
                "metrics": {"latencyMs": 0},
                "serviceTier": {"type": "flex"},
            }
        },
    ]


def test_no_terminator_after_a_failure() -> None:
    shown = said(write([Started("a", "m"), PartStarted(0, 0, Text("x")), Failed("upstream_failed", "gone")]))
    assert list(shown[-1]) == ["modelStreamErrorException"]
    assert shown[-1]["modelStreamErrorException"]["originalMessage"] == "gone"


def test_hidden_reasoning_of_another_maker_is_passed_over() -> None:
    events: list[Event] = [
        PartStarted(0, 0, Thinking("", "x", maker="openai-responses-v1", redacted=True)),
        PartDelta(0, 0, "", "y"),
        PartEnded(0, 0),
    ]
    assert [list(each) for each in said(b"".join(map(ConverseStreamRenderer().render, events)))] == [
        ["messageStart"]
    ]


def test_a_start_that_was_never_said_is_made_up_for() -> None:
    assert list(said(ConverseStreamRenderer().render(Finished(0, Finish.STOP)))[0]) == ["messageStart"]


@pytest.mark.parametrize(
    "event", [PartStarted(1, 0, Text("x")), PartStarted(0, 0, Media("audio", data="AA"))]
)
def test_what_has_no_form_is_refused(event: PartStarted) -> None:
    with pytest.raises(Unrepresentable):
        ConverseStreamRenderer().render(event)


def test_fail() -> None:
    [event] = said(ConverseStreamRenderer().fail(Overloaded("busy")))
    assert event["serviceUnavailableException"]["message"] == "busy"
