"""Transcripts: answers made behind the client's back."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from transcript import RecordingClient, ScriptedAnswer, Stage, completion, provider, target
from waypost.config.snapshot import Settings
from waypost.pipeline.behind import Sink, lost
from waypost.pipeline.conversation import decode

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
        ({"stream": True}, Settings(), "stream"),
    ],
)
async def test_it_needs_a_place_to_be_kept(fields: dict[str, object], settings: Settings, param: str) -> None:
    stage = Stage([], (CROSS,), settings=settings, keeps=True)
    client = await ask(stage, **fields)
    assert client.status == 400
    assert msgspec.json.decode(client.body)["error"]["param"] == param


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
