"""Transcripts: answers made behind the client's back."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from transcript import (
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
from waypost.dialects.sse import EventSplitter, parse_event
from waypost.errors import InvalidRequest, Truncated
from waypost.pipeline.behind import Sink, lost
from waypost.pipeline.conversation import decode
from waypost.pipeline.exchange import Call

CROSS = target(provider(dialects=("openai_chat",)))


async def ask(stage: Stage, **fields: object) -> RecordingClient:
    return await stage.ask(
        {"model": "fast", "input": "x", "background": True, **fields}, dialect="openai_responses"
    )


async def made(stage: Stage) -> dict[str, Any]:
    behind = stage.pipeline._behind
    assert behind is not None
    await asyncio.gather(*behind._tasks.values())
    [kept] = stage.responses.rows.values()
    body: dict[str, Any] = msgspec.json.decode(decode(kept).body or b"null")
    assert body["status"] == kept.status
    return body


async def test_the_client_gets_an_id_and_later_its_answer() -> None:
    stage = Stage([completion("Oslo")], (CROSS,), keeps=True)
    first = msgspec.json.decode((await ask(stage)).body)
    assert (first["status"], first["background"]) == ("queued", True)
    body = await made(stage)
    assert (body["id"], body["status"]) == (first["id"], "completed")
    assert body["output"][-1]["content"][0]["text"] == "Oslo"
    asked, behind = sorted(stage.ledger.settled, key=lambda done: done.exchange_id)
    assert (asked.exchange_id, asked.attempts, asked.outcome) == ("x1", (), "ok")
    assert (behind.exchange_id, behind.cost_nusd) == ("x1-b", 39)


async def test_one_idempotency_key_begins_it_once() -> None:
    stage = Stage([completion("Oslo")], (CROSS,), keeps=True)
    answers = [
        await stage.ask(
            {"model": "fast", "input": "x", "background": True},
            dialect="openai_responses",
            headers={b"idempotency-key": b"once"},
            number=number,
        )
        for number in (1, 2)
    ]
    assert answers[0].body == answers[1].body
    assert (await made(stage))["status"] == "completed"
    assert len(stage.upstream.sent) == 1


async def test_a_failure_is_kept_as_one() -> None:
    stage = Stage([ScriptedAnswer(401, b'{"error":{"message":"no"}}')], (CROSS,), keeps=True)
    await ask(stage)
    body = await made(stage)
    assert body["status"] == "failed"
    assert "credential" in body["error"]["message"]


async def test_what_was_asked_of_the_gateway_holds_behind_too() -> None:
    stage = Stage([completion()], (CROSS,), keeps=True)
    await ask(stage, model="nothing", waypost={"route": "fast"})
    body = await made(stage)
    assert (body["status"], body["model"]) == ("completed", "m1")
    assert b"waypost" not in stage.upstream.sent[0][2]


async def test_it_can_be_cancelled() -> None:
    release = asyncio.Event()
    stage = Stage([release.wait, completion()], (CROSS,), keeps=True)
    first = msgspec.json.decode((await ask(stage)).body)
    await asyncio.sleep(0)
    assert stage.pipeline.cancel(first["id"])
    behind = stage.pipeline._behind
    assert behind is not None
    await asyncio.gather(*behind._tasks.values())
    [kept] = stage.responses.rows.values()
    assert kept.status == "cancelled"
    assert not stage.pipeline.cancel(first["id"])
    assert all(hold.closed for hold in stage.ledger.holds)


async def test_what_is_not_finished_when_the_gateway_ends_has_failed() -> None:
    stage = Stage([asyncio.Event().wait, completion()], (CROSS,), keeps=True)
    await ask(stage)
    await asyncio.sleep(0)
    await stage.pipeline.stop()
    [kept] = stage.responses.rows.values()
    assert kept.status == "failed"
    assert b"shut down" in kept.record


@pytest.mark.parametrize(
    ("fields", "settings", "param"),
    [
        ({"store": False}, Settings(), "background"),
        ({}, Settings(responses_days=0), "background"),
        ({"stream": True, "store": False}, Settings(), "background"),
    ],
)
async def test_it_needs_a_place_to_be_kept(fields: dict[str, object], settings: Settings, param: str) -> None:
    stage = Stage([], (CROSS,), settings=settings, keeps=True)
    client = await ask(stage, **fields)
    assert client.status == 400
    assert msgspec.json.decode(client.body)["error"]["param"] == param


def told(client: RecordingClient) -> list[dict[str, Any]]:
    events = [parse_event(raw) for raw in EventSplitter().feed(client.body)]
    found: list[dict[str, Any]] = [msgspec.json.decode(event.data or b"null") for event in events]
    assert [event["type"] for event in found] == [event.event for event in events]
    return found


async def rest_of(stage: Stage, response_id: str, after: int | None = None) -> list[dict[str, Any]]:
    follower = stage.pipeline.follow(response_id, after)
    client = RecordingClient()
    while events := await follower.next():
        await client.write(events)
    return told(client)


def streaming(stage: Stage, client: RecordingClient) -> Call:
    body = {"model": "fast", "input": "x", "background": True, "stream": True}
    return stage.call(body, client, dialect="openai_responses")


SAID = ["response.created", "response.queued", "response.in_progress", "response.output_item.added",
        "response.content_part.added", "response.output_text.delta", "response.output_text.delta",
        "response.output_text.done", "response.content_part.done", "response.output_item.done",
        "response.completed"]  # fmt: skip


async def test_a_stream_of_it_is_told_as_it_is_made() -> None:
    stage = Stage([streamed(events(("Os", "lo")))], (CROSS,), keeps=True)
    client = await ask(stage, stream=True)
    found = told(client)
    assert [event["type"] for event in found] == SAID
    assert [event["sequence_number"] for event in found] == list(range(len(SAID)))
    responses = [event["response"] for event in found if "response" in event]
    assert len({each["id"] for each in responses}) == 1
    assert [each["status"] for each in responses] == ["queued", "queued", "in_progress", "completed"]
    assert all(each["background"] is True and each["store"] is True for each in responses)
    assert client.finished
    body = await made(stage)
    assert body == responses[-1]
    assert body["output"][-1]["content"][0]["text"] == "Oslo"
    asked, behind = sorted(stage.ledger.settled, key=lambda done: done.exchange_id)
    assert (asked.exchange_id, asked.attempts, asked.outcome, asked.stream) == ("x1", (), "ok", True)
    assert (behind.exchange_id, len(behind.attempts), behind.outcome) == ("x1-b", 1, "ok")
    assert await rest_of(stage, body["id"]) == found
    assert await rest_of(stage, body["id"], 7) == found[8:]


@pytest.mark.parametrize("leaves_at", range(3))
async def test_it_is_made_to_its_end_when_the_client_leaves(leaves_at: int) -> None:
    release = asyncio.Event()
    steps: list[Any] = [*events(("Os", "lo"))]
    stage = Stage([streamed([*steps[:2], release.wait, *steps[2:]])], (CROSS,), keeps=True)
    client = RecordingClient(leaves_at)
    asking = asyncio.ensure_future(stage.pipeline.run(streaming(stage, client)))
    for _ in range(20):
        await asyncio.sleep(0)
    client.leave()
    await asking
    [kept] = stage.responses.rows.values()
    assert kept.status == "in_progress"
    assert [done.exchange_id for done in stage.ledger.settled] == ["x1"]
    following = asyncio.ensure_future(rest_of(stage, kept.response_id, 1))
    await asyncio.sleep(0)
    release.set()
    assert [event["type"] for event in await following] == SAID[2:]
    assert (await made(stage))["status"] == "completed"
    assert [done.exchange_id for done in stage.ledger.settled] == ["x1", "x1-b"]
    assert all(hold.closed for hold in stage.ledger.holds)


async def test_a_stream_that_is_cancelled_ends_as_incomplete() -> None:
    stage = Stage([streamed([*events(("Os",))[:2], asyncio.Event().wait])], (CROSS,), keeps=True)
    asking = asyncio.ensure_future(ask(stage, stream=True))
    for _ in range(20):
        await asyncio.sleep(0)
    [row] = stage.responses.rows.values()
    assert stage.pipeline.cancel(row.response_id)
    last = told(await asking)[-1]
    assert (last["type"], last["response"]["status"]) == ("response.incomplete", "cancelled")
    [kept] = stage.responses.rows.values()
    assert kept.status == "cancelled"
    assert sorted(done.exchange_id for done in stage.ledger.settled) == ["x1", "x1-b"]
    assert all(hold.closed for hold in stage.ledger.holds)


@pytest.mark.parametrize(
    "answer",
    [
        ScriptedAnswer(401, b'{"error":{"message":"no"}}'),
        streamed([*events(("Os",))[:2], Truncated("It broke.")]),
        streamed(events(("Os",))[:2]),
    ],
    ids=["refused", "broken", "cut"],
)
async def test_a_stream_that_fails_says_so_at_its_end(answer: ScriptedAnswer) -> None:
    stage = Stage([answer], (CROSS,), keeps=True)
    last = told(await ask(stage, stream=True))[-1]
    assert (last["type"], last["response"]["status"]) == ("response.failed", "failed")
    assert last["response"]["error"]["message"]
    body = await made(stage)
    assert body["status"] == "failed"


async def test_the_gateways_end_is_told_to_who_listens() -> None:
    stage = Stage([streamed([*events(("Os",))[:2], asyncio.Event().wait])], (CROSS,), keeps=True)
    client = RecordingClient()
    asking = asyncio.ensure_future(stage.pipeline.run(streaming(stage, client)))
    for _ in range(20):
        await asyncio.sleep(0)
    stage.pipeline.abort_all()
    await asking
    last = told(client)[-1]
    assert last["type"] == "error"
    assert last["code"] == "draining"
    assert (await made(stage))["status"] == "failed"


async def test_what_is_deleted_while_it_is_made_stays_deleted() -> None:
    stage = Stage([streamed([*events(("Os",))[:2], asyncio.Event().wait])], (CROSS,), keeps=True)
    asking = asyncio.ensure_future(ask(stage, stream=True))
    for _ in range(20):
        await asyncio.sleep(0)
    [row] = stage.responses.rows.values()
    stage.pipeline.forget(row.response_id)
    await stage.responses.delete(row.response_id, "k1")
    assert told(await asking)[-1]["type"] == "response.incomplete"
    assert not stage.responses.rows
    with pytest.raises(InvalidRequest):
        stage.pipeline.follow(row.response_id, None)


async def test_without_a_store_no_events_are_kept() -> None:
    with pytest.raises(InvalidRequest):
        Stage().pipeline.follow("resp_1", None)
    stage = Stage([completion()], (CROSS,), keeps=True)
    first = msgspec.json.decode((await ask(stage)).body)
    await made(stage)
    with pytest.raises(InvalidRequest) as caught:
        stage.pipeline.follow(first["id"], None)
    assert caught.value.param == "stream"


async def test_a_conversation_that_goes_on_names_what_it_goes_on_from() -> None:
    stage = Stage([completion("Oslo"), completion("yes")], (CROSS,), keeps=True)
    first = msgspec.json.decode((await ask(stage)).body)
    await made(stage)
    client = await stage.ask(
        {"model": "fast", "input": "y", "background": True, "previous_response_id": first["id"]},
        dialect="openai_responses",
        number=2,
    )
    second = msgspec.json.decode(client.body)
    assert second["previous_response_id"] == first["id"]
    behind = stage.pipeline._behind
    assert behind is not None
    await asyncio.gather(*behind._tasks.values())
    body = msgspec.json.decode(decode(stage.responses.rows[second["id"]]).body or b"null")
    assert body["previous_response_id"] == first["id"]


async def test_there_are_only_so_many_at_once() -> None:
    stage = Stage([asyncio.Event().wait], (CROSS,), settings=Settings(concurrency_max=1), keeps=True)
    assert (await ask(stage)).status == 200
    refused = await stage.ask(
        {"model": "fast", "input": "x", "background": True}, dialect="openai_responses", number=2
    )
    assert refused.status == 503
    assert msgspec.json.decode(refused.body)["error"]["code"] == "overloaded"
    assert len(stage.responses.rows) == 1
    await stage.pipeline.stop()


async def test_a_lost_answer_says_that_it_was_lost() -> None:
    stage = Stage([asyncio.Event().wait, completion()], (CROSS,), keeps=True)
    await ask(stage)
    [kept] = stage.responses.rows.values()
    ended = lost(decode(kept))
    assert ended.status == "failed"
    assert b"process ended" in bytes(ended.body or b"")
    await stage.pipeline.stop()


async def test_nobody_listens_behind_a_sink() -> None:
    sink = Sink()
    sink.on_gone(lambda: None)
    await sink.start(200, [])
    await sink.write(b"a")
    assert sink.try_write(b"b")
    await sink.finish()
    assert (sink.status, sink.body, sink.gone) == (200, b"ab", False)
