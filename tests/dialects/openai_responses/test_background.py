from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.golden import named_sse
from waypost.dialects.openai_responses.background import BackgroundStream
from waypost.dialects.openai_responses.state import Stored
from waypost.dialects.sse import EventSplitter, parse_event

STORED = Stored("resp_1", 5, "queued", "m", fields={"previous_response_id": msgspec.Raw(b'"resp_0"')})
RESPONSE = {
    "id": "resp_inner",
    "object": "response",
    "status": "in_progress",
    "background": False,
    "output": [],
}
EVENTS = [
    {"type": "response.created", "sequence_number": 0, "response": RESPONSE},
    {"type": "response.in_progress", "sequence_number": 1, "response": RESPONSE},
    {"type": "response.output_text.delta", "sequence_number": 2, "delta": "a", "obfuscation": "x"},
    {"type": "response.completed", "sequence_number": 3, "response": {**RESPONSE, "status": "completed"}},
]


def read(events: list[bytes]) -> list[dict[str, Any]]:
    found = [parse_event(raw) for raw in EventSplitter().feed(b"".join(events))]
    return [msgspec.json.decode(event.data or b"null") for event in found]


def run(stream: BackgroundStream, wire: bytes, cuts: list[int] = []) -> list[dict[str, Any]]:  # noqa: B006
    edges = [0, *sorted(cut % (len(wire) + 1) for cut in cuts), len(wire)]
    return read([*stream.begin(), *(event for a, b in pairwise(edges) for event in stream.feed(wire[a:b]))])


def test_events_are_numbered_anew_and_tell_of_the_clients_own_response() -> None:
    stream = BackgroundStream(STORED)
    told = run(stream, named_sse(EVENTS))
    assert [(event["sequence_number"], event["type"]) for event in told] == [
        (0, "response.created"),
        (1, "response.queued"),
        (2, "response.in_progress"),
        (3, "response.output_text.delta"),
    ]
    assert told[3]["obfuscation"] == "x"
    for event in told[:3]:
        response = event["response"]
        assert (response["id"], response["previous_response_id"]) == ("resp_1", "resp_0")
        assert response["background"] is response["store"] is True
    assert stream.status == "completed"
    done = msgspec.structs.replace(STORED, status="completed", body=stream.body)
    [last] = read([stream.end(done)])
    assert (last["sequence_number"], last["type"]) == (4, "response.completed")
    assert (last["response"]["id"], last["response"]["status"]) == ("resp_1", "completed")


@given(cuts=st.lists(st.integers(0, 10_000), max_size=8))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    wire = named_sse(EVENTS)
    assert run(BackgroundStream(STORED), wire, cuts) == run(BackgroundStream(STORED), wire)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("cancelled", "response.incomplete"),
        ("incomplete", "response.incomplete"),
        ("failed", "response.failed"),
    ],
)
def test_other_ends(status: Any, kind: str) -> None:
    [last] = read([BackgroundStream(STORED).end(msgspec.structs.replace(STORED, status=status))])
    assert (last["type"], last["response"]["status"]) == (kind, status)


def test_an_error_in_the_stream_ends_it() -> None:
    stream = BackgroundStream(STORED)
    error = {"type": "error", "code": "x", "message": "It broke.", "param": None, "sequence_number": 2}
    told = run(stream, named_sse([*EVENTS[:2], error, *EVENTS[2:]]))
    assert [event["type"] for event in told] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]
    assert stream.body is None
    assert stream.failure is not None


def test_what_is_no_event_is_left_out() -> None:
    stream = BackgroundStream(STORED)
    assert stream.feed(b": ping\n\ndata: <html>\n\n") == []


def test_an_event_without_an_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waypost.dialects.openai_responses.background.EVENT_MOST", 64)
    stream = BackgroundStream(STORED)
    assert stream.feed(b"data: " + b"x" * 100) == []
    assert stream.failure is not None
