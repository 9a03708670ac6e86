from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcript import ScriptedAnswer
from waypost.core.origin import Deadlines
from waypost.dialects.lane import Lanes
from waypost.dialects.registry import DIALECTS
from waypost.errors import (
    CredentialRefused,
    Garbled,
    InvalidRequest,
    Rejected,
    Throttled,
    TimedOut,
    Truncated,
    Unavailable,
    UpstreamError,
)
from waypost.upstream.drill import FAULTS, Breaking, Fault, check_fault, pretend, send_broken

DEADLINES = Deadlines(first_byte_s=7.0, idle_s=3.0)


class Slept:
    """Remembers how long was waited, and does not wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("401", CredentialRefused),
        ("403", CredentialRefused),
        ("404", Rejected),
        ("429", Throttled),
        ("500", Unavailable),
        ("503", Unavailable),
    ],
)
@pytest.mark.parametrize(
    "dialect", ["openai_chat", "anthropic_messages", "gemini_generate", "bedrock_converse", "cohere_chat"]
)
async def test_every_dialect_takes_a_rehearsed_status_for_what_it_is(
    kind: str, error: type[UpstreamError], dialect: str
) -> None:
    answer = await pretend(Fault(kind), DEADLINES, False, Slept())
    lane = Lanes(DIALECTS).find(DIALECTS[dialect], (dialect,))
    assert lane is not None
    told = lane.parse_error(answer.status, answer.headers, answer.body or b"")
    assert isinstance(told, error)
    if isinstance(told, Unavailable):
        assert "outage rehearsal" in told.message, "whoever reads of it knows at once"
    assert (answer.header(b"retry-after") is not None) == (kind == "429")


@pytest.mark.parametrize(
    ("kind", "stream", "error", "phase", "waited"),
    [
        ("refuse", False, Unavailable, None, []),
        ("refuse", True, Unavailable, None, []),
        ("timeout", False, TimedOut, "first_byte", [7.0]),
        ("timeout", True, TimedOut, "first_byte", [7.0]),
        ("stall", False, TimedOut, "first_byte", [7.0]),
        ("stall", True, TimedOut, "idle", [3.0]),
        ("cut", False, Truncated, None, []),
        ("cut", True, Truncated, None, []),
    ],
)
@pytest.mark.parametrize("pump", [False, True])
async def test_what_is_not_sent_fails_as_the_wire_does(
    kind: str, stream: bool, error: type[UpstreamError], phase: str | None, waited: list[float], pump: bool
) -> None:
    slept = Slept()

    async def read() -> None:
        answer = await pretend(Fault(kind, after=0), DEADLINES, stream, slept)
        assert (answer.status, answer.header(b"content-type")) == (200, b"text/event-stream")
        await (answer.pump(lambda _: True) if pump else answer.next())

    with pytest.raises(error) as failed:
        await read()
    assert getattr(failed.value, "phase", None) == phase
    assert slept.seconds == waited


async def test_garbage_is_garbage_to_a_dialect() -> None:
    answer = await pretend(Fault("garbage"), DEADLINES, False, Slept())
    with pytest.raises(Garbled):
        DIALECTS["openai_chat"].parse_reply(answer.body or b"")


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("after", [0, 4])
async def test_a_fault_either_sends_the_request_or_stands_in_for_it(
    kind: str, stream: bool, after: int
) -> None:
    fault = check_fault(Fault(kind, after=after))
    assert fault.sends(stream) == (kind == "slow" or (kind in ("cut", "stall") and stream and after > 0))
    if not fault.sends(stream):
        try:
            answer = await pretend(fault, DEADLINES, stream, Slept())
        except UpstreamError:
            return
        assert answer.status != 0


async def test_slow_waits_and_then_answers_properly() -> None:
    slept, answer = Slept(), ScriptedAnswer(200, b"{}")

    async def send() -> ScriptedAnswer:
        assert slept.seconds == [2.5]
        return answer

    assert await send_broken(Fault("slow", delay_s=2.5), send, DEADLINES, slept) is answer


async def test_an_answer_that_is_whole_or_refused_is_not_broken() -> None:
    answer = ScriptedAnswer(429, b"{}")

    async def send() -> ScriptedAnswer:
        return answer

    assert await send_broken(Fault("cut"), send, DEADLINES, Slept()) is answer


EVENTS = [b"data: %d\n\n" % number for number in range(6)]


@given(
    st.integers(1, 8),
    st.lists(st.integers(0, 60), max_size=6),
    st.sampled_from(["cut", "stall"]),
    st.booleans(),
)
async def test_after_so_many_events_a_real_stream_breaks(
    after: int, cuts: list[int], kind: str, pump: bool
) -> None:
    """However the events are cut into pieces at their ends, exactly the first ones come through."""
    whole = b"".join(EVENTS)
    ends = sorted(
        {0, len(whole), *(cut // len(EVENTS[0]) * len(EVENTS[0]) for cut in cuts if cut < len(whole))}
    )
    pieces = [whole[start:end] for start, end in itertools.pairwise(ends)]
    answer, slept, got = ScriptedAnswer(200, None, pieces), Slept(), b""
    broken = Breaking(answer, Fault(kind, after=after), 3.0, slept)

    def take(piece: bytes) -> bool:
        nonlocal got
        got += piece
        return True

    try:
        if pump:
            assert await broken.pump(take) is False
        else:
            while piece := await broken.next():
                got += piece
        ended = True
    except (Truncated, TimedOut):
        ended = False
        assert answer.closed, "the provider is told that nobody listens"
    assert got == b"".join(EVENTS[:after])
    assert ended == (after > len(EVENTS))
    assert slept.seconds == ([3.0] if kind == "stall" and not ended else [])


async def test_a_slow_client_is_waited_for_before_the_stream_breaks() -> None:
    answer = ScriptedAnswer(200, None, list(EVENTS))
    broken = Breaking(answer, Fault("cut", after=1), 3.0, Slept())
    assert await broken.pump(lambda _: False) is True, "the caller writes what it was given"
    with pytest.raises(Truncated):
        await broken.pump(lambda _: False)
    broken.close()
    assert broken.header(b"x") is None


@pytest.mark.parametrize(
    ("fault", "param"),
    [
        (Fault("418"), "fault"),
        (Fault(""), "fault"),
        (Fault("cut", after=-1), "after"),
        (Fault("cut", after=10_001), "after"),
        (Fault("slow", delay_s=0), "delay"),
        (Fault("slow", delay_s=601), "delay"),
    ],
)
def test_faults_that_there_are_not(fault: Fault, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_fault(fault)
    assert refused.value.param == param
