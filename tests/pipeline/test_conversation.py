"""Transcripts: conversations of the Responses dialect over targets that keep none, and over one that does."""

from __future__ import annotations

from typing import Any

import msgspec

from transcript import (
    DONE,
    ROLE,
    USAGE,
    RecordingClient,
    ScriptedAnswer,
    Stage,
    chunk,
    completion,
    provider,
    streamed,
    target,
)
from waypost.config.snapshot import Settings
from waypost.pipeline.conversation import decode

CROSS = target(provider(dialects=("openai_chat",)))
NATIVE = target(provider("own", dialects=("openai_responses",)))


def sent(stage: Stage, number: int) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(stage.upstream.sent[number][2])
    return found


async def ask(stage: Stage, number: int = 1, **fields: object) -> RecordingClient:
    return await stage.ask({"model": "fast", **fields}, dialect="openai_responses", number=number)


def words(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def own(response_id: str, text: str) -> ScriptedAnswer:
    message = {
        "type": "message",
        "id": f"msg_{response_id}",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }
    body = {
        "id": response_id,
        "object": "response",
        "created_at": 5,
        "status": "completed",
        "model": "m1",
        "output": [message],
        "usage": {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12},
    }
    return ScriptedAnswer(200, msgspec.json.encode(body))


async def test_a_target_that_keeps_nothing_is_told_the_whole_conversation() -> None:
    stage = Stage([completion("Oslo"), completion("Bergen")], (CROSS,), keeps=True)
    first = msgspec.json.decode((await ask(stage, input="Capital of Norway?")).body)
    assert first["id"].startswith("resp_")
    second = await ask(stage, 2, input="And the second city?", previous_response_id=first["id"])
    body = msgspec.json.decode(second.body)
    assert body["previous_response_id"] == first["id"]
    assert [(m["role"], words(m["content"])) for m in sent(stage, 1)["messages"]] == [
        ("user", "Capital of Norway?"),
        ("assistant", "Oslo"),
        ("user", "And the second city?"),
    ]
    assert stage.ledger.marks[1].input_estimate > stage.ledger.marks[0].input_estimate
    kept = stage.responses.rows[body["id"]]
    assert (kept.status, kept.key_id, kept.provider) == ("completed", "k1", None)


async def test_the_maker_of_an_answer_is_told_its_id_alone() -> None:
    stage = Stage([own("resp_a", "Oslo"), own("resp_b", "Bergen")], (NATIVE,), keeps=True)
    await ask(stage, input="Capital?")
    await ask(stage, 2, input="Next?", previous_response_id="resp_a")
    assert sent(stage, 1)["previous_response_id"] == "resp_a"
    assert sent(stage, 1)["input"] == "Next?"
    assert len(decode(stage.responses.rows["resp_b"]).items) == 3


async def test_when_the_maker_fails_another_target_goes_on_from_its_answer() -> None:
    stage = Stage(
        [own("resp_a", "Oslo"), ScriptedAnswer(500, b"{}"), ScriptedAnswer(500, b"{}"), completion("Bergen")],
        (NATIVE, msgspec.structs.replace(CROSS, priority=2)),
        keeps=True,
    )
    await ask(stage, input="Capital?")
    client = await ask(stage, 2, input="Next?", previous_response_id="resp_a")
    assert client.status == 200
    assert [m["role"] for m in sent(stage, 3)["messages"]] == ["user", "assistant", "user"]


async def test_a_stream_is_kept_before_its_end_is_told() -> None:
    steps = [ROLE, chunk({"content": "Os"}), chunk({"content": "lo"}), chunk({}, "stop"), USAGE, DONE]
    stage = Stage([streamed(steps)], (CROSS,), keeps=True)
    client = await ask(stage, input="Capital?", stream=True)
    assert b"event: response.completed" in client.body
    [kept] = stage.responses.rows.values()
    assert b'"text":"Oslo"' in bytes(decode(kept).body or b"")


async def test_what_the_client_wants_forgotten_is_not_kept() -> None:
    stage = Stage([completion()], (CROSS,), keeps=True)
    await ask(stage, input="x", store=False)
    assert stage.responses.rows == {}


async def test_an_operator_can_have_nothing_kept() -> None:
    stage = Stage([completion()], (CROSS,), settings=Settings(responses_days=0), keeps=True)
    await ask(stage, input="x")
    assert stage.responses.rows == {}


async def test_an_answer_that_nobody_knows_can_not_be_gone_on_from() -> None:
    stage = Stage([], (CROSS,), keeps=True)
    client = await ask(stage, input="x", previous_response_id="resp_gone")
    assert client.status == 400
    assert msgspec.json.decode(client.body)["error"]["param"] == "previous_response_id"


async def test_an_answer_that_only_its_maker_knows_is_asked_of_it() -> None:
    stage = Stage([own("resp_b", "x")], (NATIVE,), keeps=True)
    client = await ask(stage, input="x", previous_response_id="resp_elsewhere")
    assert client.status == 200
    assert sent(stage, 0)["previous_response_id"] == "resp_elsewhere"


async def test_an_answer_that_can_not_be_kept_is_given_and_says_so() -> None:
    stage = Stage([completion()], (CROSS,), keeps=True)
    stage.responses.away = True
    client = await ask(stage, input="x")
    assert client.status == 200
    assert client.header(b"x-waypost-dropped") == b"store"
    assert "could not be kept" in stage.log.getvalue()


async def test_another_keys_answer_is_not_there() -> None:
    stage = Stage([completion()], (CROSS,), keeps=True)
    first = msgspec.json.decode((await ask(stage, input="x")).body)
    kept = stage.responses.rows[first["id"]]
    stage.responses.rows[first["id"]] = msgspec.structs.replace(kept, key_id="k2")
    client = await ask(stage, 2, input="x", previous_response_id=first["id"])
    assert client.status == 400
