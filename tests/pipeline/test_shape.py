"""Transcripts: an answer has the shape that was asked for, or is not called one."""

from __future__ import annotations

import msgspec
import pytest

from transcript import CHAT, ROLE, USAGE, Stage, chunk, completion, error_code, provider, streamed, target
from waypost.core.quirks import Quirks

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
WANTED = {**CHAT, "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}
GOOD, BAD = '{"n":1}', '{"n":"one"}'
UNSURE = target(provider())
NATIVE = target(provider(quirks=Quirks(json_schema="native")))


def sent(stage: Stage, number: int) -> dict[str, object]:
    found: dict[str, object] = msgspec.json.decode(stage.upstream.sent[number][2])
    return found


async def test_a_good_answer_is_said_to_be_checked() -> None:
    stage = Stage([completion(GOOD)], (UNSURE,))
    client = await stage.ask(WANTED)
    assert client.status == 200
    assert client.header(b"x-waypost-structured") == b"validated"
    assert "response_format" in sent(stage, 0)


async def test_a_wrong_answer_is_asked_for_once_more_and_both_are_paid_for() -> None:
    stage = Stage([completion(BAD), completion(GOOD)], (UNSURE,))
    client = await stage.ask(WANTED)
    assert client.status == 200
    assert [(a.state, a.error, a.cost_nusd) for a in stage.attempts] == [
        ("settled", "upstream_misshapen", 39),
        ("settled", None, 39),
    ]
    assert stage.exchange.cost_nusd == 78
    told = sent(stage, 1)["messages"]
    assert isinstance(told, list)
    assert [message["role"] for message in told] == ["user", "assistant", "user"]
    assert told[1]["content"] == BAD
    assert 'is not of type "integer"' in told[2]["content"]
    assert "response_format" in sent(stage, 1)


async def test_wrong_twice_is_an_error_that_says_what_is_wrong() -> None:
    stage = Stage([completion(BAD), completion(BAD)], (UNSURE,))
    client = await stage.ask(WANTED)
    assert client.status == 502
    assert error_code(client.body) == "upstream_misshapen"
    assert len(stage.attempts) == 2


async def test_the_next_target_is_asked_what_the_client_asked() -> None:
    stage = Stage(
        [completion(BAD), completion(BAD), completion(GOOD)],
        (UNSURE, target(provider("p2"), priority=2)),
    )
    client = await stage.ask(WANTED)
    assert client.status == 200
    assert sent(stage, 2)["messages"] == WANTED["messages"]


async def test_a_provider_that_enforces_the_schema_is_believed() -> None:
    stage = Stage([completion(BAD)], (NATIVE,))
    client = await stage.ask(WANTED)
    assert client.status == 200
    assert client.header(b"x-waypost-structured") == b"native"


async def test_a_provider_without_a_word_for_it_calls_a_tool() -> None:
    answer = completion()
    call = {"id": "c", "type": "function", "function": {"name": "final_answer", "arguments": GOOD}}
    body = msgspec.json.decode(answer.body or b"")
    body["choices"][0] = {
        "index": 0,
        "message": {"role": "assistant", "tool_calls": [call]},
        "finish_reason": "tool_calls",
    }
    answer.body = msgspec.json.encode(body)
    stage = Stage([answer], (target(provider(quirks=Quirks(json_schema="tool"))),))
    client = await stage.ask(WANTED)
    choice = msgspec.json.decode(client.body)["choices"][0]
    assert choice["message"]["content"] == GOOD
    assert choice["finish_reason"] == "stop"
    assert client.header(b"x-waypost-structured") == b"tool"
    assert "response_format" not in sent(stage, 0)


@pytest.mark.parametrize(("words", "outcome"), [(['{"n"', ":1}"], "ok"), (['{"n"', ':"x"}'], "cut")])
async def test_a_stream_is_not_called_complete_when_its_shape_is_wrong(
    words: list[str], outcome: str
) -> None:
    steps = [
        ROLE,
        *(chunk({"content": word}) for word in words),
        chunk({}, "stop"),
        USAGE,
        b"data: [DONE]\n\n",
    ]
    stage = Stage([streamed(steps)], (UNSURE,))
    client = await stage.ask({**WANTED, "stream": True})
    assert stage.exchange.outcome == outcome
    assert (b"[DONE]" in client.body) == (outcome == "ok")
    assert (b"upstream_misshapen" in client.body) == (outcome == "cut")
    assert stage.exchange.response_body is None, "what was kept for the check is not stored"


async def test_a_schema_that_is_none_is_refused_before_anything_is_sent() -> None:
    broken = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nope"}}}
    stage = Stage([], (UNSURE,))
    client = await stage.ask({**CHAT, "response_format": broken})
    assert client.status == 400
    assert stage.upstream.sent == []
