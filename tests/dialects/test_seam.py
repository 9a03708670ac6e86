from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.asked import Asked, Stamp
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
from waypost.core.request import Citation, Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Finish, ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.anthropic_messages.codec import MESSAGES
from waypost.dialects.bedrock_converse.codec import CONVERSE
from waypost.dialects.dialect import Dialect
from waypost.dialects.gemini_generate.codec import GENERATE
from waypost.dialects.openai_chat.codec import CHAT
from waypost.dialects.openai_responses.codec import RESPONSES
from waypost.dialects.seam import (
    OVERLAP_LEAST,
    OVERLAP_MOST,
    ContinuingRelay,
    Mark,
    Overlap,
    Seam,
    mark_by_comment,
    mark_by_field,
    mark_nothing,
)
from waypost.errors import Truncated, UpstreamError

ASKED = Asked("fast", True, {}, wants_usage=True, input_estimate=9)
CLIENTS = (CHAT, RESPONSES, MESSAGES, GENERATE, CONVERSE)
MARKS: dict[str, Mark] = {"openai_chat": mark_by_field, "openai_responses": mark_by_comment}
SEAM = Seam("a/m", "b/n", Usage(input=5, output=4, source="partial"), 45)
LONG = "The quick brown fox jumps over the lazy dog"


class Scripted:
    """A parser that says one list of events per chunk. `ends` False: the stream breaks behind them."""

    def __init__(self, events: Sequence[Event], *, ends: bool) -> None:
        self.finished = False
        self.failure: UpstreamError | None = None
        self._events = list(events)
        self._ends = ends

    def feed(self, chunk: bytes) -> list[Event]:
        return [self._events.pop(0)] if self._events else []

    def end(self) -> list[Event]:
        left, self._events = self._events, []
        self.finished = self._ends
        self.failure = None if self._ends else Truncated("It broke.")
        return left


def price(usage: Usage, tier: str | None) -> int:
    return usage.input + 10 * usage.output


class Stream:
    """What a client of one dialect gets."""

    def __init__(self, dialect: Dialect, events: Sequence[Event], *, ends: bool = False) -> None:
        assert dialect.codec is not None
        self.codec = dialect.codec
        asked = msgspec.structs.replace(ASKED, form="sse" if dialect is GENERATE else "")
        self.relay = ContinuingRelay(
            asked,
            price,
            Scripted(events, ends=ends),
            self.codec.stream_renderer(asked, Stamp("x1", 17)),
            MARKS.get(dialect.name, mark_nothing),
        )
        self.out = b""
        self.pieces: list[bytes] = []
        self.run(len(events))

    def run(self, count: int) -> None:
        for _ in range(count):
            self.pieces.append(self.relay.feed(b"x"))
        self.pieces.append(self.relay.end())
        self.out = b"".join(self.pieces)

    def go_on(self, events: Sequence[Event], *, ends: bool = True, seam: Seam = SEAM) -> Stream:
        self.relay.switch(ASKED, price, Scripted(events, ends=ends), seam)
        self.run(len(events))
        return self

    @property
    def answer(self) -> ChatResponse:
        """As the client's own reader puts it together."""
        parser = self.codec.stream_parser()
        events = [*parser.feed(self.out), *parser.end()]
        assert parser.failure is None, parser.failure
        assert parser.finished
        return fold(events)

    @property
    def text(self) -> str:
        return text_of(self.answer)


def text_of(answer: ChatResponse) -> str:
    return "".join(part.text for part in answer.choices[0].parts if isinstance(part, Text))


def begun(text: str, *, cut: int = 3, part: int = 0) -> list[Event]:
    """A text part that is not ended."""
    pieces = [text[at : at + cut] for at in range(0, len(text), cut)]
    return [PartStarted(0, part, Text("")), *(PartDelta(0, part, piece) for piece in pieces)]


def started(*events: Event, name: str = "m") -> list[Event]:
    return [Started(f"id-{name}", name), *events]


def ended(part: int | None = 0, finish: Finish = Finish.STOP) -> list[Event]:
    end: list[Event] = [] if part is None else [PartEnded(0, part)]
    return [*end, Finished(0, finish), Used(Usage(input=30, output=2))]


every_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda dialect: dialect.name)


@every_client
@pytest.mark.parametrize("cut", range(1, 12))
def test_wherever_it_breaks_the_client_reads_one_whole_answer(client: Dialect, cut: int) -> None:
    first = started(*begun("Oslo is the capital of Norway."))[: cut + 1]
    said = "".join(event.text for event in first if isinstance(event, PartDelta))
    stream = Stream(client, first)
    assert stream.relay.continuable
    assert stream.relay.said == said
    stream.go_on(started(*begun(" And that is all."), *ended(), name="n"))

    assert stream.text == said + " And that is all."
    assert stream.answer.choices[0].finish is Finish.STOP
    assert stream.relay.finished
    usage = stream.answer.usage
    assert usage is not None
    assert (usage.input, usage.output) == (35, 6), "the sum of both"
    assert stream.relay.usage == Usage(input=30, output=2), "the ledger's line is of the second alone"


@every_client
def test_a_text_that_had_ended_is_followed_by_another(client: Dialect) -> None:
    stream = Stream(client, started(*begun("Oslo"), PartEnded(0, 0)))
    assert stream.go_on(started(*begun(" it is."), *ended())).text == "Oslo it is."


@every_client
def test_it_may_break_more_than_once(client: Dialect) -> None:
    stream = Stream(client, started(*begun("One, ")))
    stream.go_on(started(*begun("two, ")), ends=False)
    assert stream.relay.said == "One, two, "
    stream.go_on([], ends=False)
    stream.go_on(started(Used(Usage(input=1))), ends=False)
    assert not stream.relay.committed
    assert stream.go_on(started(*begun("three."), *ended())).text == "One, two, three."


@every_client
def test_what_is_repeated_at_the_seam_is_left_out(client: Dialect) -> None:
    stream = Stream(client, started(*begun("He said: " + LONG)))
    assert stream.go_on(started(*begun(LONG + ", twice."), *ended())).text == f"He said: {LONG}, twice."


@every_client
def test_when_everything_is_a_repetition_nothing_is_added(client: Dialect) -> None:
    stream = Stream(client, started(*begun(LONG)))
    assert stream.go_on(started(*begun(LONG[-20:]), *ended())).text == LONG


@every_client
def test_a_target_with_nothing_to_add_ends_the_answer(client: Dialect) -> None:
    stream = Stream(client, started(*begun("Oslo.")))
    assert stream.go_on(started(*ended(None))).text == "Oslo."


@every_client
def test_the_reasoning_of_the_second_is_left_out(client: Dialect) -> None:
    thought: list[Event] = [PartStarted(0, 0, Thinking("")), PartDelta(0, 0, "Hmm, hidden."), PartEnded(0, 0)]
    stream = Stream(client, started(*begun("Oslo")))
    stream.go_on(started(*thought, *begun(" it is.", part=1), *ended(1)))
    assert stream.text == "Oslo it is."
    assert b"hidden" not in stream.out


@every_client
def test_reasoning_that_broke_off_is_followed_by_the_answer(client: Dialect) -> None:
    stream = Stream(client, started(PartStarted(0, 0, Thinking("")), PartDelta(0, 0, "Let me")))
    assert (stream.relay.continuable, stream.relay.said) == (True, "")
    stream.go_on(started(*begun("Oslo. And so on.")), ends=False)
    assert b"And" in stream.out, "what was open does not hold it up"
    assert stream.go_on(started(*ended(None))).text == "Oslo. And so on."


@every_client
def test_a_call_may_follow(client: Dialect) -> None:
    call: list[Event] = [
        PartStarted(0, 1, ToolCall("call_1", "look", "")),
        PartDelta(0, 1, '{"at":'),
        PartDelta(0, 1, '"Oslo"}'),
        PartEnded(0, 1),
    ]
    stream = Stream(client, started(*begun("I look")))
    stream.go_on(started(*begun(" it up."), PartEnded(0, 0), *call, *ended(None, Finish.TOOLS)))
    assert stream.text == "I look it up."
    [called] = [part for part in stream.answer.choices[0].parts if isinstance(part, ToolCall)]
    assert (called.name, msgspec.json.decode(called.arguments)) == ("look", {"at": "Oslo"})
    assert stream.answer.choices[0].finish is Finish.TOOLS


@every_client
def test_a_call_may_follow_at_once(client: Dialect) -> None:
    call: list[Event] = [PartStarted(0, 0, ToolCall("call_1", "look", "{}")), PartEnded(0, 0)]
    stream = Stream(client, started(*begun("I look it up.")))
    stream.go_on(started(*call, *ended(None, Finish.TOOLS)))
    assert stream.text == "I look it up."
    assert any(isinstance(part, ToolCall) for part in stream.answer.choices[0].parts)
    assert not stream.relay.continuable


@every_client
def test_without_a_break_it_is_the_stream_of_a_crossing(client: Dialect) -> None:
    events = started(PartStarted(0, 0, Thinking("")), PartDelta(0, 0, "Hm"), PartEnded(0, 0))
    events += [*begun("Oslo.", part=1), *ended(1)]
    stream = Stream(client, events, ends=True)
    assert stream.text == "Oslo."
    assert stream.answer.usage is not None
    assert stream.answer.usage.output == 2
    assert b"waypost" not in stream.out
    assert not stream.relay.continuable


@pytest.mark.parametrize(
    "value",
    [
        ToolCall("c", "f", ""),
        Refusal("No"),
        Media("image", data="aGk=", mime="image/png"),
        Opaque("x", msgspec.Raw(b"{}")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_nobody_can_go_on_from(value: ReplyPart) -> None:
    stream = Stream(CHAT, started(*begun("Look: "), PartEnded(0, 0), PartStarted(0, 1, value)))
    assert not stream.relay.continuable


def test_an_answer_that_was_finished_is_not_gone_on_with() -> None:
    stream = Stream(CHAT, started(*begun("Oslo."), PartEnded(0, 0), Finished(0, Finish.STOP)))
    assert not stream.relay.continuable


def test_an_answer_with_a_reason_for_its_end_is_not_gone_on_with() -> None:
    """Google's comes before the end of the stream: who goes on from there would add to a whole answer."""
    stream = Stream(CHAT, [Started("r", "m"), PartStarted(0, 0, Text("")), PartDelta(0, 0, "all"), Ending(0)])
    assert not stream.relay.continuable


def test_an_error_event_is_not_shown() -> None:
    stream = Stream(CHAT, started(*begun("Oslo"), Failed("overloaded", "Too much.")))
    assert b"Too much" not in stream.out
    stream.go_on(started(Failed("overloaded", "Still.")), ends=False)
    assert b"Still" not in stream.out


def test_nothing_is_written_before_there_is_something_to_show() -> None:
    for client in CLIENTS:
        stream = Stream(client, started(*begun("Oslo is"), PartEnded(0, 0)))
        before = stream.out
        events: list[Event] = [
            PartStarted(0, 0, Thinking("")),
            PartDelta(0, 0, "x"),
            PartEnded(0, 0),
            PartStarted(0, 1, Text("")),
        ]
        stream.go_on(started(*events), ends=False)
        assert stream.out == before
        assert not stream.relay.committed
        assert stream.relay.deltas == 1, "it was work all the same"


def test_the_books_are_those_of_the_attempt_under_way() -> None:
    stream = Stream(CHAT, started(*begun("One two three", cut=4)))
    relay = stream.relay
    assert relay.partial() == Usage(input=9, output=4, source="partial")
    relay.switch(msgspec.structs.replace(ASKED, input_estimate=50), price, Scripted([], ends=False), SEAM)
    assert (relay.deltas, relay.usage, relay.committed, relay.failure) == (0, None, False, None)
    assert relay.partial() == Usage(input=50, source="partial")


def test_the_client_is_told_the_sum_of_the_costs() -> None:
    stream = Stream(CHAT, started(*begun("One"))).go_on(started(*begun(" two"), *ended()))
    assert b'"cost":0.000000095' in stream.out, "45 + 30 + 10 * 2"
    unknown = msgspec.structs.replace(SEAM, cost_nusd=None)
    stream = Stream(CHAT, started(*begun("One"))).go_on(started(*begun(" two"), *ended()), seam=unknown)
    assert b'"cost":null' in stream.out


def test_a_stream_without_usage_is_estimated() -> None:
    events = started(*begun(" two"), PartEnded(0, 0), Finished(0, Finish.STOP))
    stream = Stream(CHAT, started(*begun("One"))).go_on(events)
    assert stream.relay.usage is None
    assert b'"completion_tokens":6' in stream.out


# --- how it is marked ---

NOTE = b'{"continued":{"from":"a/m","to":"b/n","at_chars":3}}'


def test_a_chat_client_finds_a_field_in_the_first_event_behind_the_seam() -> None:
    stream = Stream(CHAT, started(*begun("One")))
    assert b"waypost" not in stream.out
    stream.go_on(started(*begun(" two three"), *ended()))
    assert stream.out.count(b'"waypost"') == 1
    [marked] = [event for event in stream.out.split(b"\n\n") if b'"waypost"' in event]
    body = msgspec.json.decode(marked.removeprefix(b"data: "))
    assert body["waypost"] == msgspec.json.decode(NOTE)
    assert body["choices"][0]["delta"] == {"content": " tw"}


def test_others_find_a_comment_or_nothing() -> None:
    stream = Stream(RESPONSES, started(*begun("One"))).go_on(started(*begun(" two"), *ended()))
    assert stream.out.count(b": waypost " + NOTE + b"\n\nevent: response.output_text.delta\n") == 1
    stream = Stream(CONVERSE, started(*begun("One"))).go_on(started(*begun(" two"), *ended()))
    assert b"waypost" not in stream.out


# --- citations ---


@pytest.mark.parametrize("repeated", ["", LONG[-15:]])
def test_citations_count_in_the_whole_text(repeated: str) -> None:
    size = len(repeated)
    cited = Citation("https://example.org", start=size + 1, end=size + 5)
    events = started(*begun(repeated + " Oslo"), PartDelta(0, 0, citation=cited), *ended())
    stream = Stream(CHAT, started(*begun(LONG))).go_on(events)
    [text] = [part for part in stream.answer.choices[0].parts if isinstance(part, Text)]
    [found] = text.citations
    assert found.start is not None
    assert text.text[found.start : found.end] == "Oslo"


def test_citations_of_a_text_of_its_own_stay() -> None:
    cited = Citation("https://example.org", start=0, end=4)
    events = started(*begun("Oslo"), PartDelta(0, 0, citation=cited), *ended())
    stream = Stream(CHAT, started(*begun("One. "), PartEnded(0, 0))).go_on(events)
    assert stream.text == "One. Oslo"
    citations = [
        each for part in stream.answer.choices[0].parts if isinstance(part, Text) for each in part.citations
    ]
    assert [stream.text[each.start : each.end] for each in citations] == ["Oslo"]


# --- repetitions ---


def run(before: str, after: str, cut: int = 1) -> str:
    overlap = Overlap(before)
    pieces = [overlap.feed(after[at : at + cut]) for at in range(0, len(after), cut)]
    return "".join(pieces) + (overlap.end() if not overlap.over else "")


@given(before=st.text("ab", max_size=60), after=st.text("ab", max_size=60), cut=st.integers(1, 9))
def test_only_the_longest_repetition_is_left_out_however_it_comes(before: str, after: str, cut: int) -> None:
    sizes = range(OVERLAP_LEAST, min(len(before), len(after), OVERLAP_MOST) + 1)
    longest = max((size for size in sizes if before.endswith(after[:size])), default=0)
    assert run(before, after, cut) == after[longest:]


@given(before=st.text(max_size=40), after=st.text(max_size=40), cut=st.integers(1, 9))
def test_nothing_else_is_lost(before: str, after: str, cut: int) -> None:
    left = run(before, after, cut)
    assert after.endswith(left)
    assert before.endswith(after[: len(after) - len(left)])


def test_a_few_letters_in_common_are_chance() -> None:
    assert run("Mis", "sissippi") == "sissippi"
    assert run("x" * 11, "x" * 11) == "x" * 11
    assert run("x" * 12, "x" * 12) == ""


def test_what_can_be_no_repetition_is_not_held_back() -> None:
    overlap = Overlap(LONG)
    assert overlap.feed("Z") == "Z"
    assert overlap.over
    assert overlap.feed(LONG) == LONG
