from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waypost.core.events import Failed, Finished, PartDelta, PartEnded, PartStarted, Started, Used
from waypost.core.fold import Fold, fold, unfold
from waypost.core.request import Citation, Extras, Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.core.usage import Usage

text = st.text(max_size=5)
extras = st.none() | st.just(Extras("d", {"a": msgspec.Raw(b"1")}, "f"))
part = st.one_of(
    st.builds(
        Text, text, extras=extras, citations=st.lists(st.builds(Citation, text), max_size=2).map(tuple)
    ),
    st.builds(Thinking, text, st.none() | text, extras=extras, redacted=st.booleans()),
    st.builds(ToolCall, text, text, text, extras=extras, signature=st.none() | text),
    st.builds(Refusal, text, extras=extras),
    st.builds(Media, st.just("image"), data=text),
    st.just(Opaque("d", msgspec.Raw(b"{}"))),
)
choice = st.builds(
    Choice,
    st.integers(0, 9),
    st.lists(part, max_size=4).map(tuple),
    st.sampled_from(list(Finish)),
    extras,
    st.none() | text,
)
answer = st.builds(
    ChatResponse,
    text,
    text,
    st.lists(choice, max_size=3, unique_by=lambda one: one.index).map(
        lambda found: tuple(sorted(found, key=lambda one: one.index))
    ),
    st.none() | st.integers(0, 9),
    st.none() | st.builds(Usage, input=st.integers(0, 9)),
    st.none() | text,
    extras,
)


@settings(deadline=None)
@given(answer)
def test_fold_undoes_unfold(whole: ChatResponse) -> None:
    assert fold(unfold(whole)) == whole


def test_interleaved_parts_and_choices() -> None:
    whole = fold(
        [
            Started("id", "m"),
            PartStarted(1, 0, Text("")),
            PartStarted(0, 0, ToolCall("a", "f", "")),
            PartStarted(0, 1, ToolCall("b", "g", "")),
            PartDelta(0, 1, "2"),
            PartDelta(1, 0, "x"),
            PartDelta(0, 0, "1"),
            PartDelta(1, 0, "y"),
            PartEnded(0, 0),
            Used(Usage(input=1)),
            Finished(0, Finish.TOOLS),
            Used(Usage(input=2)),
        ]
    )
    assert whole.choices == (
        Choice(0, (ToolCall("a", "f", "1"), ToolCall("b", "g", "2")), Finish.TOOLS),
        Choice(1, (Text("xy"),), None),
    )
    assert whole.usage == Usage(input=2)


def test_a_signature_closes_thinking() -> None:
    events = [PartStarted(0, 0, Thinking("")), PartDelta(0, 0, "hm"), PartDelta(0, 0, signature="s")]
    assert fold(events).choices[0].parts == (Thinking("hm", "s"),)


def test_a_delta_before_its_part_is_a_fault() -> None:
    with pytest.raises(ValueError):
        fold([PartDelta(0, 0, "x")])


def test_a_failure_is_kept() -> None:
    folding = Fold()
    folding.take(Failed("upstream_failed", "gone"))
    assert folding.failure == Failed("upstream_failed", "gone")
