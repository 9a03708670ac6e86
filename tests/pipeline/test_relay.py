"""What the relay promises of a stream, at every place where it can break."""

from __future__ import annotations

import pytest

from transcript import (
    CHAT,
    STREAM,
    RecordingClient,
    ScriptedAnswer,
    Stage,
    completion,
    events,
    provider,
    streamed,
    target,
)
from waypost.config.snapshot import Settings
from waypost.core.quirks import Quirks
from waypost.errors import StoreUnavailable, Truncated


@pytest.mark.parametrize("index", range(1, len(events())))
async def test_a_stream_cut_after_any_event_is_settled_once_and_never_called_done(index: int) -> None:
    stage = Stage([streamed([*events()[:index], Truncated("cut")])], targets=(target(provider(retries=0)),))
    client = await stage.ask(STREAM)
    assert b"[DONE]" not in client.body
    assert stage.exchange.outcome == ("failed" if index < 2 else "cut")
    assert (client.status == 200) is (index >= 2)
    assert stage.upstream.answers[0].closed


@pytest.mark.parametrize("ask", [STREAM, CHAT])
async def test_the_end_of_an_answer_waits_until_it_is_on_the_disk(ask: dict[str, object]) -> None:
    stage = Stage(
        [streamed(events()) if ask is STREAM else completion()], settings=Settings(durability="fsync")
    )
    client = RecordingClient()
    seen: list[tuple[int, bool]] = []

    async def durable() -> None:
        ended = client.finished or b"[DONE]" in client.body
        seen.append((len(stage.ledger.settled), ended))
        if stage.ledger.settled:
            raise StoreUnavailable("the disk is broken")  # the answer is paid for, and goes out all the same

    stage.ledger.durable = durable  # type: ignore[method-assign]
    await stage.ask(ask, client)
    assert seen == [(0, False), (1, False)], "first the mark, then the end"
    assert client.finished
    assert stage.exchange.outcome == "ok"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
async def test_the_client_sees_the_same_bytes_however_they_arrive(size: int) -> None:
    whole = Stage([streamed(events())])
    expected = (await whole.ask(STREAM)).body
    raw = b"".join(events())
    pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
    split = Stage([streamed(pieces)])
    assert (await split.ask(STREAM)).body == expected
    assert split.attempts == whole.attempts


async def test_nothing_is_sent_before_the_first_content() -> None:
    stage = Stage()
    sent_before: list[int | None] = []

    async def look() -> None:
        sent_before.append(client.status)

    client = RecordingClient()
    stage.upstream.script = [streamed([events()[0], look, b": ping\n\n", look, *events()[1:]])]
    await stage.ask(STREAM, client)
    assert sent_before == [None, None]
    assert client.status == 200


async def test_a_client_that_did_not_ask_for_usage_gets_none_and_is_billed_by_it() -> None:
    stage = Stage([streamed(events())])
    client = await stage.ask({**STREAM, "stream_options": {}})
    assert b'"prompt_tokens"' not in client.body
    assert stage.exchange.cost_nusd == 39
    assert b'"include_usage":true' in stage.upstream.sent[0][2]


async def test_running_streams_leave_checkpoints() -> None:
    stage = Stage()

    async def wait() -> None:
        stage.clock.advance(3)

    sent = events(["a", "b", "c", "d"])
    stage.upstream.script = [streamed([*sent[:3], wait, sent[3], wait, *sent[4:]])]
    await stage.ask(STREAM)
    assert [point.usage.output for point in stage.ledger.checkpoints] == [3, 4]


async def test_fields_a_provider_refuses_are_dropped_and_named() -> None:
    answer = ScriptedAnswer(200, b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}')
    stage = Stage([answer], targets=(target(provider(quirks=Quirks(drop=("seed", "user")))),))
    client = await stage.ask({"model": "fast", "messages": [{"role": "user", "content": "x"}], "seed": 1})
    assert client.header(b"x-waypost-dropped") == b"seed"
    assert b"seed" not in stage.upstream.sent[0][2]


async def test_an_answer_that_is_no_stream_fails_over() -> None:
    whole = ScriptedAnswer(200, b'{"choices":[]}', headers=[(b"content-type", b"application/json")])
    stage = Stage([whole, streamed(events())], targets=(target(provider("p1")), target(provider("p2"))))
    client = await stage.ask(STREAM)
    assert client.header(b"x-waypost-provider") == b"p2"
    assert stage.attempts[0].error == "upstream_garbled"


async def test_a_slow_client_sees_the_same_stream() -> None:
    quick, slow = Stage([streamed(events())]), Stage([streamed(events())])
    expected = (await quick.ask(STREAM)).body
    assert (await slow.ask(STREAM, RecordingClient(patient=True))).body == expected
    assert slow.attempts == quick.attempts


WORDS = [f"word {number}" for number in range(30)]


async def test_framed_pieces_are_the_same_stream_and_the_same_bill() -> None:
    plain, framed = Stage([streamed(events(WORDS))]), Stage([streamed(events(WORDS))])
    expected = (await plain.ask(STREAM)).body
    client = await framed.ask(STREAM, RecordingClient(frames=True))
    assert client.frames_taken > 20
    assert client.body == expected
    assert framed.attempts == plain.attempts


async def test_a_framed_stream_that_is_cut_is_settled_at_what_was_delivered() -> None:
    results = []
    for frames in (False, True):
        stage = Stage([streamed([*events(WORDS)[:20], Truncated("cut")])])
        client = await stage.ask(STREAM, RecordingClient(frames=frames))
        results.append((client.body, stage.attempts, stage.exchange.outcome))
    assert results[0] == results[1]
    assert results[0][2] == "cut"


async def test_a_client_that_leaves_a_framed_stream_is_settled_alike() -> None:
    results = []
    for frames in (False, True):
        stage = Stage([streamed(events(WORDS))])
        client = await stage.ask(STREAM, RecordingClient(leaves_at=9, frames=frames))
        results.append((client.body, stage.attempts, stage.exchange.outcome))
    assert results[0] == results[1]
    assert results[0][2] == "disconnected"


async def test_framed_streams_leave_checkpoints() -> None:
    stage = Stage()

    async def wait() -> None:
        stage.clock.advance(3)

    steps = [step for event in events(WORDS) for step in (event, wait)]
    stage.upstream.script = [streamed(steps)]
    client = await stage.ask(STREAM, RecordingClient(frames=True))
    assert client.frames_taken == 0, "each was due for one"
    assert len(stage.ledger.checkpoints) >= len(WORDS) - 2


async def test_stored_content_is_whole_with_a_client_that_takes_frames() -> None:
    stage = Stage([streamed(events(WORDS))], settings=Settings(log_content=True))
    client = await stage.ask(STREAM, RecordingClient(frames=True))
    assert client.frames_taken == 0
    assert stage.exchange.response_body == client.body


@pytest.mark.parametrize("before", [0, 2])
async def test_an_error_within_a_stream_does_not_tell_the_gateways_key(before: int) -> None:
    told = b'data: {"error":{"message":"who sends upstream-secret is refused"}}\n\n'
    stage = Stage([streamed([*events()[:before], told])], targets=(target(provider(retries=0)),))
    client = await stage.ask(STREAM)
    assert b"who sends *** is refused" in client.body
    assert b"upstream-secret" not in client.body
