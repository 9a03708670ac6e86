"""Transcripts: answers that break off behind the commit point, and who finishes them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from transcript import (
    CHAT,
    DONE,
    ROLE,
    STREAM,
    RecordingClient,
    ScriptedAnswer,
    Stage,
    chunk,
    completion,
    events,
    provider,
    streamed,
    target,
)
from waypost.config.snapshot import Settings
from waypost.config.targets import Target
from waypost.core.asked import Asked
from waypost.dialects.continuing import GO_ON
from waypost.errors import Garbled, TimedOut, Truncated, UpstreamError
from waypost.pipeline.continuation import longer

GOES_ON: dict[str, object] = {**STREAM, "waypost": {"continue_on_failure": True}}
ONE, TWO, THREE = (target(provider(name), f"m{number}") for number, name in enumerate(("p1", "p2", "p3"), 1))
CLAUDE = target(provider("c1", dialects=("anthropic_messages",)), "claude")
GEMINI = target(provider("g1", dialects=("gemini_generate",)), "gemini")
BROKE = Truncated("It broke.")
BEGUN = [ROLE, chunk({"content": "Oslo is"})]


def rest(text: str = " the capital.") -> list[bytes]:
    return [ROLE, chunk({"content": text}), *events(())[1:]]


def claude_says(text: str) -> list[bytes]:
    said = [
        {"type": "message_start", "message": {"id": "msg_1", "model": "claude", "role": "assistant", "content": [],
                                              "usage": {"input_tokens": 40, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]  # fmt: skip
    return [
        f"event: {each['type']}\n".encode() + b"data: " + msgspec.json.encode(each) + b"\n\n" for each in said
    ]


def chunks(client: RecordingClient) -> list[dict[str, object]]:
    lines = [part.removeprefix(b"data: ") for part in client.body.split(b"\n\n")]
    return [msgspec.json.decode(line) for line in lines if line.startswith(b"{")]


def text_of(client: RecordingClient) -> str:
    deltas = [each["choices"][0]["delta"] for each in chunks(client) if each.get("choices")]  # type: ignore[index]
    return "".join(delta.get("content") or "" for delta in deltas)


def stage_for(*answers: object, targets: Sequence[Target] = (ONE, TWO, THREE), **more: object) -> Stage:
    """Targets are asked in their order."""
    ordered = tuple(msgspec.structs.replace(each, priority=place) for place, each in enumerate(targets, 1))
    return Stage(answers, ordered, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fault",
    [
        BROKE,
        TimedOut("It stalled.", phase="idle"),
        Garbled("What is this?"),
        b'data: {"error":{"message":"overloaded","type":"server_error","code":null}}\n\n',
        b"",
    ],
    ids=["cut", "stall", "garbage", "error event", "no terminator"],
)
async def test_the_next_target_finishes_what_the_first_began(fault: object) -> None:
    stage = stage_for(streamed([*BEGUN, fault]), streamed(rest()))  # type: ignore[list-item]
    client = await stage.ask(GOES_ON)

    assert text_of(client) == "Oslo is the capital."
    assert client.body.endswith(DONE)
    assert client.body.count(b'"role":"assistant"') == 1
    assert client.body.count(DONE) == 1
    asked = msgspec.json.decode(stage.upstream.sent[1][2])
    assert asked["messages"] == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Oslo is"},
        {"role": "user", "content": GO_ON},
    ]
    assert "waypost" not in asked
    assert (stage.exchange.outcome, stage.exchange.error, stage.exchange.finish_reason) == (
        "ok",
        None,
        "stop",
    )


async def test_each_attempt_has_its_line_and_the_client_is_told_the_sum() -> None:
    stage = stage_for(streamed([*BEGUN, BROKE]), streamed(rest()))
    client = await stage.ask(GOES_ON)

    first, second = stage.attempts
    assert (first.provider, first.state, first.error, first.role) == (
        "p1",
        "settled",
        "upstream_truncated",
        "first",
    )
    assert (second.provider, second.state, second.error, second.role) == (
        "p2",
        "settled",
        None,
        "continuation",
    )
    assert first.usage is not None
    assert second.usage is not None
    assert (first.usage.source, first.usage.output) == ("partial", 1)
    assert (second.usage.source, second.usage.input, second.usage.output) == ("reported", 9, 3)
    told: dict[str, object] = chunks(client)[-1]["usage"]  # type: ignore[assignment]
    assert told["prompt_tokens"] == first.usage.input + second.usage.input
    assert told["completion_tokens"] == first.usage.output + second.usage.output
    assert told["cost"] == stage.exchange.cost_nusd / 1e9 == (first.cost_nusd + second.cost_nusd) / 1e9  # type: ignore[operator]
    assert second.first_token_us is not None
    assert len(stage.ledger.marks) == 2


async def test_the_seam_is_marked_in_the_stream_and_in_the_log() -> None:
    stage = stage_for(streamed([*BEGUN, BROKE]), streamed(rest()))
    client = await stage.ask(GOES_ON)

    [note] = [each["waypost"] for each in chunks(client) if "waypost" in each]
    assert note == {"continued": {"from": "p1/m1", "to": "p2/m2", "at_chars": 7}}
    assert "an answer that broke off is continued" in stage.log.getvalue()
    assert "Oslo" not in stage.log.getvalue()


async def test_a_target_of_another_dialect_goes_on() -> None:
    stage = stage_for(
        streamed([*BEGUN, BROKE]), streamed(claude_says(" the capital.")), targets=(ONE, CLAUDE)
    )
    client = await stage.ask(GOES_ON)

    assert text_of(client) == "Oslo is the capital."
    assert client.body.endswith(DONE)
    asked = msgspec.json.decode(stage.upstream.sent[1][2])
    assert [message["role"] for message in asked["messages"]] == ["user", "assistant", "user"]


async def test_a_client_of_another_dialect_is_served_likewise() -> None:
    stage = stage_for(streamed([*claude_says("Oslo is")[:3], BROKE]), streamed(rest()), targets=(CLAUDE, ONE))  # type: ignore[list-item]
    body = {**CHAT, "stream": True, "max_tokens": 100, "waypost": {"continue_on_failure": True}}
    client = await stage.ask(body, dialect="anthropic_messages")

    assert client.body.count(b"message_start") == 2, "its event and its type"
    assert b': waypost {"continued":{"from":"c1/claude","to":"p1/m1","at_chars":7}}\n\n' in client.body
    assert client.body.endswith(b'data: {"type":"message_stop"}\n\n')
    assert b'"text":" the capital."' in client.body


def gemini_says(text: str, finish: str | None = None) -> bytes:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": finish, "index": 0}
    return b"data: %b\n\n" % msgspec.json.encode({"candidates": [candidate], "responseId": "r"})


@pytest.mark.parametrize("body", [STREAM, GOES_ON])
async def test_what_gemini_says_behind_a_finish_reason_reaches_the_client(body: dict[str, object]) -> None:
    said = [gemini_says("Oslo", "STOP"), gemini_says(" is", "STOP"), gemini_says(" far.", "MAX_TOKENS")]
    client = await stage_for(streamed(said), targets=(GEMINI,)).ask(body)

    assert text_of(client) == "Oslo is far."
    assert client.body.count(b'"finish_reason":"length"') == 1
    assert b'"finish_reason":"stop"' not in client.body
    assert client.body.endswith(DONE)


async def test_an_answer_of_gemini_that_has_its_finish_reason_is_not_gone_on_with() -> None:
    stage = stage_for(
        streamed([gemini_says("Oslo"), gemini_says(" it is.", "STOP"), BROKE]),  # type: ignore[list-item]
        streamed(rest()),
        targets=(GEMINI, ONE),
    )
    client = await stage.ask(GOES_ON)

    assert len(stage.attempts) == 1
    assert b"upstream_truncated" in client.body
    assert DONE not in client.body


@pytest.mark.parametrize("headers", [{b"x-waypost-continue-on-failure": b"true"}, {}])
async def test_only_who_wishes_it_gets_it(headers: dict[bytes, bytes]) -> None:
    stage = stage_for(streamed([*BEGUN, BROKE]), streamed(rest()))
    client = await stage.ask(STREAM, headers=headers)

    assert client.body.endswith(DONE) is bool(headers)
    assert len(stage.upstream.sent) == 1 + len(headers)
    assert stage.exchange.outcome == ("ok" if headers else "cut")


async def test_a_second_break_goes_to_the_third() -> None:
    stage = stage_for(
        streamed([*BEGUN, BROKE]),
        streamed([ROLE, chunk({"content": " the"}), BROKE]),
        streamed(rest(" capital.")),
    )
    client = await stage.ask(GOES_ON)

    assert text_of(client) == "Oslo is the capital."
    assert [attempt.role for attempt in stage.attempts] == ["first", "continuation", "continuation"]
    told: dict[str, object] = chunks(client)[-1]["usage"]  # type: ignore[assignment]
    assert told["completion_tokens"] == sum(
        attempt.usage.output for attempt in stage.attempts if attempt.usage
    )
    notes = [each["waypost"]["continued"] for each in chunks(client) if "waypost" in each]  # type: ignore[index]
    assert [(note["from"], note["to"], note["at_chars"]) for note in notes] == [
        ("p1/m1", "p2/m2", 7),
        ("p2/m2", "p3/m3", 11),
    ]


@pytest.mark.parametrize(
    "second",
    [
        ScriptedAnswer(503, b"{}"),
        ScriptedAnswer(400, b'{"error":{"message":"no"}}'),
        TimedOut("Too slow.", phase="first_byte"),
        streamed([ROLE, BROKE]),
    ],
    ids=["503", "400", "deadline", "nothing said"],
)
async def test_one_that_fails_before_it_says_anything_is_passed_over(second: object) -> None:
    stage = stage_for(streamed([*BEGUN, BROKE]), second, streamed(rest()))
    client = await stage.ask(GOES_ON)

    assert text_of(client) == "Oslo is the capital."
    [note] = [each["waypost"]["continued"] for each in chunks(client) if "waypost" in each]  # type: ignore[index]
    assert (note["from"], note["to"]) == ("p1/m1", "p3/m3")


async def test_when_no_other_can_the_client_is_told_why_it_broke_off() -> None:
    stage = stage_for(streamed([*BEGUN, BROKE]), ScriptedAnswer(503, b"{}"), targets=(ONE, TWO))
    client = await stage.ask(GOES_ON)

    assert b"upstream_truncated" in client.body
    assert DONE not in client.body
    assert client.finished
    assert (stage.exchange.outcome, stage.exchange.error) == ("cut", "upstream_truncated")


@pytest.mark.parametrize(
    "said",
    [
        chunk(
            {
                "tool_calls": [
                    {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}
                ]
            }
        ),
        chunk({"content": "Oslo."}, "stop"),
    ],
    ids=["a call", "an end"],
)
async def test_what_can_not_be_gone_on_from_is_an_error(said: bytes) -> None:
    stage = stage_for(streamed([*BEGUN, said, BROKE]), streamed(rest()))
    client = await stage.ask(GOES_ON)

    assert b"upstream_truncated" in client.body
    assert len(stage.upstream.sent) == 1


@pytest.mark.parametrize("more", [{"n": 2}, {"response_format": {"type": "json_object"}}, {"logprobs": True}])
async def test_other_answers_than_plain_ones_pass_as_they_are(more: dict[str, object]) -> None:
    stage = stage_for(streamed([*BEGUN, BROKE]), streamed(rest()))
    client = await stage.ask({**GOES_ON, **more})

    assert client.body.startswith(b"".join(BEGUN))
    assert len(stage.upstream.sent) == 1


async def test_before_the_first_words_nothing_is_different() -> None:
    stage = stage_for(streamed([ROLE, BROKE]), streamed(rest("Hello")))
    client = await stage.ask(GOES_ON)

    assert text_of(client) == "Hello"
    assert b'"waypost"' not in client.body
    assert [attempt.role for attempt in stage.attempts][-1] != "continuation"
    assert client.header(b"x-waypost-provider") == b"p2"


async def test_whole_answers_pass_as_they_are() -> None:
    stage = stage_for(completion("Hello", brand_new=1))
    client = await stage.ask({**CHAT, "waypost": {"continue_on_failure": True}})
    assert b'"brand_new":1' in client.body


async def test_reasoning_alone_is_asked_for_again() -> None:
    thinking = chunk({"reasoning_content": "Let me think"})
    stage = stage_for(streamed([ROLE, thinking, BROKE]), streamed(rest("Oslo.")))
    client = await stage.ask(GOES_ON)

    assert text_of(client) == "Oslo."
    assert msgspec.json.decode(stage.upstream.sent[1][2])["messages"] == CHAT["messages"]


async def test_a_client_that_has_left_is_not_gone_on_for() -> None:
    client = RecordingClient()

    async def leaves() -> None:
        client.leave()

    stage = stage_for(streamed([*BEGUN, leaves, BROKE]), streamed(rest()))
    await stage.ask(GOES_ON, client)

    assert len(stage.upstream.sent) == 1
    assert stage.exchange.outcome == "disconnected"


async def test_a_budget_without_room_ends_it() -> None:
    stage = stage_for(streamed([*BEGUN, BROKE]), streamed(rest()))
    key = msgspec.structs.replace(stage.key, budget_nusd=1)
    stage.keys.rows[key.digest] = key
    stage.ledger.limit = 60_000
    client = await stage.ask(GOES_ON)

    assert b"upstream_truncated" in client.body
    assert len(stage.upstream.sent) == 1
    assert "was not continued" in stage.log.getvalue()


async def test_more_is_held_for_the_rest() -> None:
    stage = stage_for(streamed([*BEGUN, BROKE]), streamed(rest()))
    key = msgspec.structs.replace(stage.key, budget_nusd=1)
    stage.keys.rows[key.digest] = key
    await stage.ask(GOES_ON)

    one, two = (mark.held_nusd for mark in stage.ledger.marks)
    assert two > 2 * one, "the words so far are read once more"


async def test_content_is_kept_as_the_client_got_it() -> None:
    stage = stage_for(streamed([*BEGUN, BROKE]), streamed(rest()), settings=Settings(log_content=True))
    client = await stage.ask(GOES_ON)
    assert stage.exchange.response_body == client.body


async def test_it_is_replayed_as_one_answer() -> None:
    stage = stage_for(streamed([*BEGUN, BROKE]), streamed(rest()))
    once = {b"idempotency-key": b"k"}
    first = await stage.ask(GOES_ON, headers=once, number=1)
    second = await stage.ask(GOES_ON, headers=once, number=2)
    assert first.body == second.body
    assert len(stage.upstream.sent) == 2


@pytest.mark.parametrize("leaves_at", range(6))
async def test_a_client_may_leave_at_any_piece(leaves_at: int) -> None:
    stage = stage_for(streamed([*BEGUN, BROKE]), streamed(rest()))
    await stage.ask(GOES_ON, RecordingClient(leaves_at=leaves_at))
    assert all(attempt.state == "settled" for attempt in stage.attempts)
    assert len(stage.ledger.settled) == 1


async def test_it_is_aborted_like_any_other() -> None:
    held = asyncio.Event()
    stage = stage_for(streamed([*BEGUN, BROKE]), streamed([ROLE, chunk({"content": " the"}), held.wait]))  # type: ignore[list-item]
    client = RecordingClient()
    asking = asyncio.ensure_future(stage.ask(GOES_ON, client))
    for _ in range(20):
        await asyncio.sleep(0)
    stage.pipeline.abort_all()
    await asking

    assert b"draining" in client.body
    assert DONE not in client.body
    assert [attempt.state for attempt in stage.attempts] == ["settled", "settled"]


def test_what_is_asked_grows_by_what_was_said() -> None:
    assert longer(Asked("m", True, {}, input_estimate=10), "é" * 30).input_estimate == 10 + 20 + 128
    assert issubclass(type(BROKE), UpstreamError)
