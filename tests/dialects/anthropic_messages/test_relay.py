from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.anthropic_messages.wire import pieces, sse, unsse
from dialects.golden import cases
from waypost.core.asked import Asked
from waypost.core.usage import Usage
from waypost.dialects.anthropic_messages.relay import AnthropicRelay
from waypost.errors import Failed, Garbled, Overloaded, Truncated, Unavailable

COST = 120_000
STREAMS = cases("anthropic_messages", "streams")


def golden(name: str) -> list[Any]:
    return next(case.values[0]["events"] for case in STREAMS if case.id == name)  # type: ignore[no-any-return]


def relay() -> AnthropicRelay:
    asked = Asked("m", True, {}, wants_usage=True, input_estimate=7)
    return AnthropicRelay(asked, lambda usage, tier: COST)


def run(subject: AnthropicRelay, stream: bytes, cuts: list[int] = []) -> bytes:  # noqa: B006
    return b"".join(map(subject.feed, pieces(stream, cuts))) + subject.end()


def state(subject: AnthropicRelay) -> dict[str, Any]:
    usage = subject.usage
    return {
        "committed": subject.committed,
        "finished": subject.finished,
        "failure": subject.failure and subject.failure.code,
        "deltas": subject.deltas,
        "finish_reason": subject.finish_reason,
        "usage": None
        if usage is None
        else {
            name: value
            for name, value in msgspec.structs.asdict(usage).items()
            if name in ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning")
        },
    }


def shown(case: Any) -> list[Any]:
    """What the client is to see: the events, the cost beside the last counts, and never an upstream's error."""
    events: list[Any] = copy.deepcopy([event for event in case["events"] if event["type"] != "error"])
    for event in events:
        if event["type"] == "message_delta":
            event["usage"]["cost"] = COST / 10**9
    return events + [{"type": name} for name in case["state"].get("added", [])]


@pytest.mark.parametrize("case", STREAMS)
@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 10_000), max_size=8))
def test_any_split_gives_the_same_events_and_state(case: Any, cuts: list[int]) -> None:
    subject = relay()
    events = unsse(run(subject, sse(case["events"]), cuts))
    expected = {name: value for name, value in case["state"].items() if name not in ("added", "estimated")}
    assert state(subject) == expected
    if case["state"].get("estimated"):
        assert events[-2]["usage"]["estimated"] is True
        assert events[-2]["usage"]["input_tokens"] == 7
    else:
        assert events == shown(case)


def test_what_is_not_changed_passes_byte_by_byte() -> None:
    stream = (
        b'event: content_block_delta\ndata: {"delta" : {"type":"text_delta","text":"a"} }\r\n\r\n: ping\n\n'
    )
    subject = relay()
    assert subject.feed(stream) == stream
    assert subject.committed


def test_nothing_commits_before_content() -> None:
    events = golden("plain")
    subject = relay()
    subject.feed(sse(events[:3]))
    assert not subject.committed
    subject.feed(sse(events[3:4]))
    assert subject.committed


def test_usage_so_far() -> None:
    events = golden("truncated")
    subject = relay()
    assert subject.partial() == Usage(input=7, source="partial")
    subject.feed(sse(events))
    assert subject.partial() == Usage(input=10, output=1, source="partial")


def test_the_tier_that_was_served() -> None:
    subject = relay()
    subject.feed(sse([{"type": "message_start", "message": {"usage": {"input_tokens": 1, "speed": "fast"}}}]))
    assert subject.tier == "fast"


@pytest.mark.parametrize(
    ("stream", "failure"),
    [
        (b"event: message_start\ndata: <html>\n\n", Garbled),
        (b"event: content_block_delta\ndata: [1]\n\n", Garbled),
        (b"<html>", Truncated),
        (b'{"x":1}', Garbled),
        (b'{"type":"error","error":{"type":"api_error","message":"x"}}', Unavailable),
        (b'event: error\ndata: {"error":{"message":"x"}}\n\n', Failed),
    ],
)
def test_what_is_no_stream(stream: bytes, failure: type[Exception]) -> None:
    subject = relay()
    assert run(subject, stream) == b""
    assert type(subject.failure) is failure
    assert not subject.finished


def test_a_last_event_without_its_blank_line() -> None:
    events = golden("plain")
    subject = relay()
    out = run(subject, sse(events)[:-2])
    assert subject.finished
    assert out.endswith(b'data: {"type":"message_stop"}\n\n')


def test_an_error_of_ours() -> None:
    subject = relay()
    assert subject.fail(Overloaded("busy")).startswith(b"event: error\n")
