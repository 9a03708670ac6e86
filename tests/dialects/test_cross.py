from __future__ import annotations

import msgspec
import pytest

from waypost.core.asked import Asked, Stamp
from waypost.core.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, Used
from waypost.core.request import ChatRequest, Extras, Media, Message, Opaque, Text, Tool, ToolCall, ToolResult
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.core.usage import Usage
from waypost.dialects.cross import CrossRelay, foreign_settings, part_size
from waypost.dialects.openai_chat.crossing import CROSSING
from waypost.dialects.openai_chat.stream_renderer import ChatStreamRenderer
from waypost.errors import Throttled, UpstreamError

ASKED = Asked("m", True, {}, wants_usage=True, input_estimate=9)


class Scripted:
    """A parser that says a chunk's events and how the stream ends."""

    def __init__(self, *steps: list[Event], failure: UpstreamError | None = None) -> None:
        self.finished = False
        self.failure: UpstreamError | None = None
        self._steps = list(steps)
        self._last = failure

    def feed(self, chunk: bytes) -> list[Event]:
        return self._next()

    def end(self) -> list[Event]:
        return self._next()

    def _next(self) -> list[Event]:
        step = self._steps.pop(0)
        if not self._steps:
            self.failure = self._last
            self.finished = self._last is None
        return step


def relay(*steps: list[Event], failure: UpstreamError | None = None) -> CrossRelay:
    renderer = ChatStreamRenderer(wants_usage=True, created=17)
    return CrossRelay(
        ASKED,
        lambda usage, tier: usage.input + 10 * usage.output,
        Scripted(*steps, failure=failure),
        renderer,
    )


def test_a_stream_is_committed_by_content_and_metered_beside() -> None:
    passing = relay(
        [Started("id", "m", tier="flex"), Used(Usage(input=4, output=1))],
        [PartStarted(0, 0, Text("")), PartDelta(0, 0, "hello")],
        [PartEnded(0, 0), Finished(0, Finish.STOP), Used(Usage(input=4, output=3))],
    )
    passing.feed(b"1")
    assert not passing.committed
    assert b"hello" in passing.feed(b"2")
    assert passing.committed
    assert passing.usage is None, "a running count is not the bill"
    assert passing.partial() == Usage(input=4, output=1, source="partial")
    last = passing.end()
    assert passing.finished
    assert passing.usage == Usage(input=4, output=3)
    assert (passing.tier, passing.finish_reason, passing.deltas) == ("flex", "stop", 1)
    assert b'"cost":0.000000034' in last
    assert last.endswith(b"data: [DONE]\n\n")
    assert passing.feed(b"late") == b""


def test_a_tool_call_commits_before_its_arguments() -> None:
    passing = relay([Started("id", "m"), PartStarted(0, 0, ToolCall("c", "f", ""))], [])
    passing.feed(b"1")
    assert passing.committed


def test_a_stream_without_usage_is_billed_by_its_text() -> None:
    passing = relay([Started("id", "m"), PartStarted(0, 0, Text("")), PartDelta(0, 0, "x" * 100)], [])
    passing.feed(b"1")
    assert b'"completion_tokens":25' in passing.end()
    assert passing.usage is None
    assert passing.partial() == Usage(input=9, output=25, source="partial")


def test_a_failure_ends_the_stream_without_a_terminator() -> None:
    error = Throttled("Slow down.")
    passing = relay([Started("id", "m"), Failed("x", "Slow down.")], failure=error)
    assert passing.feed(b"1") == b"", "the error is told once, by fail"
    assert passing.failure is error
    assert not passing.finished
    assert b"[DONE]" not in passing.fail(error)


def test_a_part_the_client_can_not_be_shown_is_a_failure_and_no_silence() -> None:
    passing = relay([Started("id", "m"), PartStarted(0, 0, Opaque("other", msgspec.Raw(b"{}")))], [])
    passing.feed(b"1")
    assert passing.failure is not None
    assert "no form" in passing.failure.message


@pytest.mark.parametrize(
    ("part", "size"),
    [
        (Text("ä"), 2),
        (ToolCall("id", "f", "{}"), 3),
        (Media("image", data="abcd"), 4),
        (Opaque("d", msgspec.Raw(b"[1]")), 3),
    ],
)
def test_sizes_are_bytes(part: Text | ToolCall | Media | Opaque, size: int) -> None:
    assert part_size(part) == size


def test_every_place_a_foreign_setting_can_stand_in_is_looked_at() -> None:
    odd = Extras("openai_chat", {"odd": msgspec.Raw(b"1"), "empty": msgspec.Raw(b"null")})
    request = ChatRequest(
        "m",
        (
            Message("user", (Text("x", extras=odd),), odd),
            Message("tool", (ToolResult("c", (Text("y", extras=odd),), extras=odd),)),
        ),
        tools=(Tool("f", extras=odd), Opaque("openai_chat", msgspec.Raw(b"{}"))),
        extras=Extras("openai_chat", {"n": msgspec.Raw(b"1"), "odd": msgspec.Raw(b"2")}),
    )
    assert list(foreign_settings(request, CROSSING, "other")) == [
        "odd",
        "tools[0].odd",
        "messages[0].odd",
        "messages[0].odd",
        "messages[1].odd",
        "messages[1].odd",
    ]
    assert list(foreign_settings(request, CROSSING, "openai_chat")) == []


def test_stamp_dates_an_answer_that_has_no_date() -> None:
    renderer = CROSSING.stream_renderer(ASKED, Stamp("x", 17))
    renderer.render(Started("id", "m"))
    assert b'"created":17' in renderer.render(PartStarted(0, 0, Text("x")))


def test_an_answer_that_names_no_model_has_the_one_that_was_asked_for() -> None:
    passing = relay([Started("", ""), PartStarted(0, 0, Text("hi"))], [])
    assert b'"model":"m"' in passing.feed(b"1")


def test_an_answer_without_an_id_gets_one_of_the_gateways() -> None:
    stamp = Stamp("x-1", 17)
    answer = ChatResponse("", "m", (Choice(0, (Text("hi"),), Finish.STOP),))
    assert b'"id":"chatcmpl-x-1"' in CROSSING.render_response(answer, ASKED, None, stamp)
    renderer = CROSSING.stream_renderer(ASKED, stamp)
    begun = renderer.render(Started("", "m")) + renderer.render(PartStarted(0, 0, Text("hi")))
    assert b'"id":"chatcmpl-x-1"' in begun
