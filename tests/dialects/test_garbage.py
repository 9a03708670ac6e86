"""Streams that are not quite what they should be, in every dialect that a target speaks: on the way through as they
are, and on the way through the core."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.bedrock_converse.frames import TEXT, frame
from waypost.core.asked import Asked, Stamp
from waypost.dialects.cross import CrossRelay
from waypost.dialects.dialect import StreamRelay
from waypost.dialects.garbage import IN_A_ROW, Garbage
from waypost.dialects.registry import DIALECTS
from waypost.errors import (
    Failed,
    Filtered,
    Garbled,
    Overcrowded,
    Truncated,
    Unavailable,
    UpstreamError,
)


class Wire(msgspec.Struct, frozen=True):
    """A stream of one dialect: events that say "Hello" and " there", and the events of its end."""

    name: str
    head: tuple[bytes, ...]
    texts: tuple[bytes, bytes]
    end: tuple[bytes, ...]
    bad: bytes
    overload: bytes
    """An error event whose type blames the client and whose code does not, where the format has both."""


def named(kind: str, body: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(body))


def plain(body: object) -> bytes:
    return b"data: %b\n\n" % msgspec.json.encode(body)


def _chat(delta: object, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return plain(
        {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    )


def _anthropic(kind: str, **more: object) -> bytes:
    return named(kind, {"type": kind, **more})


def _delta(text: str) -> bytes:
    return _anthropic("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


def _gemini(text: str, **more: object) -> bytes:
    content = {"parts": [{"text": text}], "role": "model"}
    return plain({"candidates": [{"content": content, "index": 0, **more}], "modelVersion": "m"})


def _responses(kind: str, number: int, **more: object) -> bytes:
    return named(f"response.{kind}", {"type": f"response.{kind}", "sequence_number": number, **more})


def _output(text: str, number: int) -> bytes:
    return _responses("output_text.delta", number, item_id="i", output_index=0, content_index=0, delta=text)


def _cohere(text: str) -> bytes:
    return named(
        "content-delta",
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": text}}}},
    )


def _damaged(good: bytes) -> bytes:
    """The payload no longer fits its checksum; where the next message begins is still known."""
    return good[:-6] + bytes((good[-6] ^ 255,)) + good[-5:]


_MESSAGE = {"type": "message", "id": "i", "role": "assistant", "content": [], "status": "in_progress"}
_DONE = {
    "id": "r", "object": "response", "model": "m", "status": "completed",
    "output": [], "usage": {"input_tokens": 3, "output_tokens": 2},
}  # fmt: skip
_ERROR = {"message": "Overloaded", "type": "invalid_request_error", "code": "server_is_overloaded"}

WIRES = [
    Wire(
        "openai_chat",
        (_chat({"role": "assistant", "content": ""}),),
        (_chat({"content": "Hello"}), _chat({"content": " there"})),
        (_chat({}, "stop"), b"data: [DONE]\n\n"),
        b'data: {"choices":[\x00\xff not json\n\n',
        plain({"error": _ERROR}),
    ),
    Wire(
        "anthropic_messages",
        (
            _anthropic("message_start", message={"id": "m", "model": "m", "usage": {"input_tokens": 3}}),
            _anthropic("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        ),
        (_delta("Hello"), _delta(" there")),
        (
            _anthropic("content_block_stop", index=0),
            _anthropic("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 2}),
            _anthropic("message_stop"),
        ),
        b"event: content_block_delta\ndata: {\x00\xff not json\n\n",
        named("error", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    ),
    Wire(
        "gemini_generate",
        (),
        (_gemini("Hello"), _gemini(" there")),
        (_gemini("", finishReason="STOP"),),
        b'data: {"candidates": [\x00\xff not json\n\n',
        plain({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}),
    ),
    Wire(
        "openai_responses",
        (
            _responses("created", 0, response={"id": "r", "model": "m", "status": "in_progress"}),
            _responses("output_item.added", 1, output_index=0, item=_MESSAGE),
        ),
        (_output("Hello", 2), _output(" there", 3)),
        (_responses("completed", 4, response=_DONE),),
        b"event: response.output_text.delta\ndata: {\x00\xff not json\n\n",
        named("error", {"type": "error", "error": _ERROR}),
    ),
    Wire(
        "bedrock_converse",
        (frame(TEXT[0]),),
        (frame(TEXT[1]), frame(TEXT[2])),
        tuple(frame(each) for each in TEXT[3:]),
        _damaged(frame(TEXT[1])),
        frame({"serviceUnavailableException": {"message": "Overloaded"}}),
    ),
    Wire(
        "cohere_chat",
        (named("message-start", {"type": "message-start", "id": "x"}),),
        (_cohere("Hello"), _cohere(" there")),
        (named("message-end", {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}),),
        b'event: content-delta\ndata: {"type":\x00\xff not json\n\n',
        named(
            "message-end", {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "Overloaded"}}
        ),
    ),
]


def ask() -> Asked:
    return Asked("m", True, {}, input_estimate=7, form="sse")


def through(wire: Wire) -> StreamRelay:
    return DIALECTS[wire.name].stream_relay(ask(), lambda usage, tier: 1)


def across(wire: Wire) -> StreamRelay:
    """To a client of another dialect."""
    client = DIALECTS["anthropic_messages" if wire.name == "openai_chat" else "openai_chat"].codec
    target = DIALECTS[wire.name].codec
    assert client is not None
    assert target is not None
    asked = ask()
    renderer = client.stream_renderer(asked, Stamp("wp-1", 1))
    return CrossRelay(asked, lambda usage, tier: 1, target.stream_parser(), renderer)


LANES = [
    pytest.param(wire, lane, id=f"{wire.name}-{lane.__name__}")
    for wire in WIRES
    for lane in (through, across)
]


def run(relay: StreamRelay, *events: bytes) -> bytes:
    return b"".join(map(relay.feed, events)) + relay.end()


@pytest.mark.parametrize(("wire", "lane"), LANES)
def test_a_sound_stream_is_sound(wire: Wire, lane: Callable[[Wire], StreamRelay]) -> None:
    relay = lane(wire)
    out = run(relay, *wire.head, *wire.texts, *wire.end)
    assert (relay.finished, relay.failure, relay.skipped) == (True, None, 0)
    assert b"Hello" in out
    assert b" there" in out


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(("wire", "lane"), LANES)
def test_what_can_not_be_read_between_good_events_is_left_out_and_counted(
    wire: Wire, lane: Callable[[Wire], StreamRelay], count: int
) -> None:
    relay = lane(wire)
    hello, there = wire.texts
    bad = (wire.bad,) * count
    out = run(relay, *wire.head, hello, *bad, there, *bad, there, *bad, *wire.end)
    assert (relay.finished, relay.failure, relay.skipped) == (True, None, 3 * count)
    assert out.count(b" there") == 2
    assert b"\x00" not in out or wire.name == "bedrock_converse"


@pytest.mark.parametrize(("wire", "lane"), LANES)
def test_three_in_a_row_end_a_stream(wire: Wire, lane: Callable[[Wire], StreamRelay]) -> None:
    relay = lane(wire)
    hello, there = wire.texts
    out = run(relay, *wire.head, hello, *(wire.bad,) * IN_A_ROW, there, *wire.end)
    assert isinstance(relay.failure, Garbled)
    assert relay.failure.may_have_billed
    assert (relay.committed, relay.finished) == (True, False)
    assert b" there" not in out


@pytest.mark.parametrize(("wire", "lane"), LANES)
def test_garbage_from_the_start_is_no_stream(wire: Wire, lane: Callable[[Wire], StreamRelay]) -> None:
    relay = lane(wire)
    assert relay.feed(wire.bad) == b""
    assert isinstance(relay.failure, Garbled)
    assert not relay.committed


@pytest.mark.parametrize("body", [b"<!doctype html><html>down</html>", b"", b"\n\n", b": ping\n\n", b"{}"])
@pytest.mark.parametrize(("wire", "lane"), LANES)
def test_a_page_or_nothing_is_a_failure_before_the_commit_point(
    wire: Wire, lane: Callable[[Wire], StreamRelay], body: bytes
) -> None:
    relay = lane(wire)
    run(relay, body)
    assert isinstance(relay.failure, Garbled | Truncated | Failed)
    assert not relay.committed


@pytest.mark.parametrize(("wire", "lane"), LANES)
def test_an_error_event_first_lets_another_target_answer(
    wire: Wire, lane: Callable[[Wire], StreamRelay]
) -> None:
    relay = lane(wire)
    run(relay, *wire.head, wire.overload)
    assert isinstance(relay.failure, Overcrowded | Unavailable | Failed)
    assert not relay.committed


#: What an overload in the middle of a stream is, by the dialect's own words.
TOLD = {"gemini_generate": Unavailable, "bedrock_converse": Unavailable, "cohere_chat": Failed}


@pytest.mark.parametrize(("wire", "lane"), LANES)
def test_an_error_event_after_the_commit_point_keeps_its_cause(
    wire: Wire, lane: Callable[[Wire], StreamRelay]
) -> None:
    relay = lane(wire)
    out = run(relay, *wire.head, wire.texts[0], wire.overload, *wire.end)
    assert type(relay.failure) is TOLD.get(wire.name, Overcrowded)
    assert (relay.committed, relay.finished) == (True, False)
    assert b"Overloaded" not in out, "it is told once, by `fail`"


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_a_second_end_and_what_comes_behind_it_is_dropped_and_counted(wire: Wire) -> None:
    if wire.name == "gemini_generate":
        pytest.skip("its end is that of the body")
    once, relay = through(wire), through(wire)
    whole = run(once, *wire.head, *wire.texts, *wire.end)
    assert run(relay, *wire.head, *wire.texts, *wire.end, wire.end[-1], wire.texts[0]) == whole
    assert relay.skipped == 2
    together = through(wire)
    assert run(together, b"".join((*wire.head, *wire.texts, *wire.end, wire.end[-1], wire.texts[0]))) == whole
    assert together.skipped == 2


def test_two_finish_reasons_are_one_to_the_client() -> None:
    wire = WIRES[0]
    relay = through(wire)
    again = _chat({}, "length")
    out = run(relay, *wire.head, *wire.texts, wire.end[0], again, wire.end[1])
    assert out == b"".join((*wire.head, *wire.texts, *wire.end))
    assert (relay.finish_reason, relay.skipped, relay.finished) == ("stop", 1, True)


@pytest.mark.parametrize(("wire", "lane"), LANES)
@given(st.lists(st.integers(0, 2000), max_size=8))
def test_the_splits_of_the_bytes_change_nothing(
    wire: Wire, lane: Callable[[Wire], StreamRelay], cuts: list[int]
) -> None:
    data = b"".join((*wire.head, wire.texts[0], wire.bad, wire.texts[1], *wire.end))
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    whole, split = lane(wire), lane(wire)
    assert run(split, *(data[a:b] for a, b in pairwise(edges))) == run(whole, data)
    assert (split.skipped, split.finished, split.deltas) == (whole.skipped, whole.finished, whole.deltas)


@pytest.mark.parametrize(("wire", "lane"), LANES)
@given(st.lists(st.binary(max_size=40) | st.just(b"\n\n"), max_size=6))
def test_any_bytes_are_a_failure_of_ours_at_worst(
    wire: Wire, lane: Callable[[Wire], StreamRelay], chunks: list[bytes]
) -> None:
    relay = lane(wire)
    run(relay, *wire.head, *chunks)
    assert relay.failure is None or isinstance(relay.failure, UpstreamError)
    assert relay.finished or relay.failure is not None


def test_a_filter_in_the_middle_of_a_stream_is_known() -> None:
    wire = WIRES[0]
    relay = through(wire)
    run(relay, *wire.head, wire.texts[0], plain({"error": {"message": "no", "code": "content_filter"}}))
    assert isinstance(relay.failure, Filtered)
    assert relay.failure.may_have_billed


def test_a_row_begins_anew_after_a_good_event() -> None:
    garbage = Garbage()
    assert isinstance(garbage.skip(), Garbled)
    garbage.row = 0
    assert [garbage.skip(), garbage.skip()] == [None, None]
    assert isinstance(garbage.skip(), Garbled)
    assert garbage.skipped == 2
