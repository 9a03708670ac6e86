from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import openai._streaming as sdk
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.golden import cases, counts_of, named_sse
from effort import examples
from waypost.core.asked import Asked
from waypost.core.usage import Usage
from waypost.dialects.openai_responses.relay import ResponsesRelay
from waypost.errors import Failed, Garbled, Overloaded

COST = 120_000


def relay() -> ResponsesRelay:
    return ResponsesRelay(Asked("m", True, {}, wants_usage=True, input_estimate=7), lambda usage, tier: COST)


def run(subject: ResponsesRelay, stream: bytes, cuts: list[int] = []) -> bytes:  # noqa: B006
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    out = b"".join(subject.feed(stream[a:b]) for a, b in pairwise(edges))
    return out + subject.end()


def state(subject: ResponsesRelay) -> dict[str, Any]:
    return {
        "committed": subject.committed,
        "finished": subject.finished,
        "failure": subject.failure and subject.failure.code,
        "deltas": subject.deltas,
        "finish_reason": subject.finish_reason,
        "tier": subject.tier,
        "usage": counts_of(subject.usage),
    }


def with_cost(case: Any) -> list[Any]:
    """What the client gets: the same events, the last one priced, and none for a failure."""
    shown = msgspec.json.decode(msgspec.json.encode(case["events"]))
    if shown[-1]["type"] in ("error", "response.failed"):
        return shown[:-1]
    response = shown[-1].get("response")
    if case["state"]["finished"]:
        estimated = {
            "input_tokens": 7,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": case["state"]["deltas"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 7 + case["state"]["deltas"],
            "estimated": True,
        }
        response["usage"] = {**(response["usage"] or estimated), "cost": 0.00012}
    return shown


@pytest.mark.parametrize("case", cases("openai_responses", "streams"))
def test_golden(case: Any) -> None:
    subject = relay()
    out = run(subject, named_sse(case["events"]))
    decoded = [
        (event.event, msgspec.json.decode(event.data)) for event in sdk.SSEDecoder().iter_bytes(iter([out]))
    ]
    assert decoded == [(event["type"], event) for event in with_cost(case)]
    assert state(subject) == case["state"]


@pytest.mark.parametrize("case", cases("openai_responses", "streams"))
def test_all_but_the_last_event_pass_as_the_bytes_they_came_in(case: Any) -> None:
    events = case["events"][:-1]
    subject = relay()
    assert subject.feed(named_sse(events)) == named_sse(events)


@pytest.mark.parametrize("case", cases("openai_responses", "streams"))
@settings(deadline=None, max_examples=examples(25))
@given(cuts=st.lists(st.integers(0, 20_000), max_size=6))
def test_any_split_gives_the_same(case: Any, cuts: list[int]) -> None:
    stream = named_sse(case["events"])
    once, split = relay(), relay()
    assert run(once, stream) == run(split, stream, cuts)
    assert state(once) == state(split)


def test_nothing_is_committed_before_the_first_delta_or_tool() -> None:
    [case] = [case.values[0] for case in cases("openai_responses", "streams") if case.id == "text"]
    subject = relay()
    for event in case["events"]:
        subject.feed(named_sse([event]))
        if event["type"].endswith(".delta"):
            break
        assert not subject.committed
    assert subject.committed


def test_an_error_takes_the_next_sequence_number() -> None:
    subject = relay()
    subject.feed(b'data: {"type":"response.output_text.delta","sequence_number":41,"delta":"x"}\n\n')
    assert b'"sequence_number":42' in subject.fail(Overloaded("busy"))
    bare = relay()
    bare.feed(b'data: {"type":"response.output_text.delta","delta":"x"}\n\n')
    assert b'"sequence_number":1' in bare.fail(Overloaded("busy"))


def test_spaces_and_missing_names_make_no_difference() -> None:
    subject = relay()
    subject.feed(b'data: {"delta": "ab\\"c", "type": "response.output_text.delta"}\n\n: ping\n\n')
    assert (subject.committed, subject.deltas) == (True, 1)
    assert subject.partial() == Usage(input=7, output=1, source="partial")
    last = b'data: {"type":"response.completed","response":{"usage":{"input_tokens":1,"output_tokens":2}}}'
    subject.feed(last)
    assert b'"cost":0.00012' in subject.end()
    assert (subject.usage, subject.finished) == (Usage(1, 2), True)
    assert subject.feed(b"data: [DONE]\n\n") == b""


def test_a_name_that_is_not_the_types_is_still_read_by_its_type() -> None:
    subject = relay()
    last = b'{"type":"response.completed","response":{"usage":{"input_tokens":1,"output_tokens":2}}}'
    assert subject.feed(b"data: %b\r\n\r\n" % last) != b""
    assert subject.finished
    broken = relay()
    broken.feed(b'event: response.x.delta\ndata: {"type":"response.x.delta"}\ndata: more\n\n')
    assert isinstance(broken.failure, Garbled)


def test_a_done_before_the_end_is_no_end() -> None:
    subject = relay()
    assert subject.feed(b"data: [DONE]\n\n") == b""
    subject.end()
    assert not subject.finished


def test_a_big_delta_is_more_than_one_token() -> None:
    subject = relay()
    subject.feed(b'data: {"type":"response.output_text.delta","delta":"%b"}\n\n' % (b"x" * 400))
    assert subject.partial().output == 100


def test_usage_of_a_failed_answer_is_kept() -> None:
    subject = relay()
    subject.feed(
        b'data: {"type":"response.failed","response":{"error":null,"usage":{"input_tokens":5,"output_tokens":9}}}\n\n'
    )
    assert isinstance(subject.failure, Failed)
    assert subject.partial() == Usage(input=5, output=9, source="partial")


def test_garbage() -> None:
    first = relay()
    first.feed(b"data: <html>\n\n")
    assert isinstance(first.failure, Garbled)
    later = relay()
    good = b'data: {"type":"response.created"}\n\n'
    assert later.feed(good + b"data: x\n\n") == good
    assert later.failure is None
    later.feed(b"data: x\n\ndata: x\n\n")
    assert isinstance(later.failure, Garbled)
    unfinished = relay()
    unfinished.feed(good + b'data: {"type":"resp')
    unfinished.end()
    assert unfinished.failure is not None
