"""Transcripts of embeddings that cross from one dialect to another: what goes out, what comes back, what is booked."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from transcript import RecordingClient, ScriptedAnswer, Stage, provider, target
from waypost.core.asked import PathAsk
from waypost.core.usage import Usage

GOOGLE = ("gemini_generate", "gemini_embed", "gemini_embed_batch")
ASK = {"model": "fast", "input": ["a", "b"], "encoding_format": "base64", "user": "u"}
OPENAI_ANSWER = b'{"data":[{"index":0,"embedding":[0.5]}],"model":"e","usage":{"prompt_tokens":4}}'


def stage_of(dialects: tuple[str, ...], *script: object, model: str = "e") -> Stage:
    return Stage(list(script), (target(provider(dialects=dialects), model),))


def sent(stage: Stage) -> tuple[bytes, Any]:
    _, head, body = stage.upstream.sent[-1]
    return head.split(b" ")[1], msgspec.json.decode(body)


def refusal(client: RecordingClient) -> tuple[int | None, Any]:
    return client.status, msgspec.json.decode(client.body)["error"]


async def test_openais_client_at_gemini() -> None:
    answer = b'{"embeddings":[{"values":[0.5]},{"values":[-2]}],"usageMetadata":{"promptTokenCount":7}}'
    stage = stage_of(GOOGLE, ScriptedAnswer(200, answer))
    client = await stage.ask(ASK, dialect="openai_embeddings")
    path, body = sent(stage)
    assert path == b"/v1/models/e:batchEmbedContents"
    assert [request["content"] for request in body["requests"]] == [
        {"parts": [{"text": "a"}]},
        {"parts": [{"text": "b"}]},
    ]
    shown = msgspec.json.decode(client.body)
    assert [each["embedding"] for each in shown["data"]] == ["AAAAPw==", "AAAAwA=="]
    assert (shown["model"], shown["usage"]["prompt_tokens"]) == ("fast", 7)
    assert client.header(b"x-waypost-dropped") == b"user"
    assert stage.attempts[0].usage == Usage(input=7)
    assert (stage.exchange.operation, stage.exchange.outcome) == ("embeddings", "ok")


async def test_an_answer_without_counts_is_booked_as_estimated() -> None:
    stage = stage_of(GOOGLE, ScriptedAnswer(200, b'{"embeddings":[{"values":[1]},{"values":[2]}]}'))
    client = await stage.ask(ASK, dialect="openai_embeddings")
    assert msgspec.json.decode(client.body)["usage"]["estimated"] is True
    usage = stage.attempts[0].usage
    assert usage is not None
    assert (usage.source, usage.output) == ("estimated", 0)


async def test_openais_client_at_titan() -> None:
    answer = ScriptedAnswer(200, b'{"embedding":[0.5,0.25],"inputTextTokenCount":3}')
    stage = stage_of(("bedrock_converse", "bedrock_embed"), answer, model="amazon.titan-embed-text-v2:0")
    client = await stage.ask({"model": "fast", "input": "a", "dimensions": 256}, dialect="openai_embeddings")
    assert sent(stage) == (
        b"/v1/model/amazon.titan-embed-text-v2%3A0/invoke",
        {"inputText": "a", "dimensions": 256},
    )
    assert msgspec.json.decode(client.body)["data"][0]["embedding"] == [0.5, 0.25]
    assert stage.attempts[0].usage == Usage(input=3)


async def test_several_inputs_at_titan_are_refused_before_anything_is_sent() -> None:
    stage = stage_of(("bedrock_embed",), model="amazon.titan-embed-text-v2:0")
    status, error = refusal(await stage.ask(ASK, dialect="openai_embeddings"))
    assert (status, error["param"], error["code"]) == (400, "input", "unrepresentable")
    assert "one input" in error["message"]
    assert stage.upstream.sent == []


@pytest.mark.parametrize("dialects", [GOOGLE, ("cohere_embed",)])
async def test_token_ids_are_refused_where_texts_are_taken(dialects: tuple[str, ...]) -> None:
    stage = stage_of(dialects)
    status, error = refusal(
        await stage.ask({"model": "fast", "input": [[1, 2]]}, dialect="openai_embeddings")
    )
    assert (status, error["param"]) == (400, "input")
    assert stage.upstream.sent == []


async def test_geminis_client_at_openai() -> None:
    stage = stage_of(("openai_chat", "openai_embeddings"), ScriptedAnswer(200, OPENAI_ANSWER))
    ask = {"content": {"parts": [{"text": "a"}]}, "taskType": "CLUSTERING"}
    client = await stage.ask(ask, dialect="gemini_embed", path=PathAsk("fast"))
    assert sent(stage) == (b"/v1/embeddings", {"model": "e", "input": ["a"]})
    shown = msgspec.json.decode(client.body)
    assert (shown["embedding"], shown["usageMetadata"]["promptTokenCount"]) == ({"values": [0.5]}, 4)
    assert client.header(b"x-waypost-dropped") == b"taskType"


async def test_coheres_client_at_openai() -> None:
    stage = stage_of(("openai_embeddings",), ScriptedAnswer(200, OPENAI_ANSWER))
    ask = {"model": "fast", "texts": ["a"], "input_type": "search_query", "embedding_types": ["float"]}
    client = await stage.ask(ask, dialect="cohere_embed")
    assert msgspec.json.decode(client.body)["embeddings"] == {"float": [[0.5]]}


async def test_a_refusal_of_the_target_is_told_in_the_clients_form() -> None:
    refused = b'{"error":{"code":400,"message":"no such task","status":"INVALID_ARGUMENT"}}'
    stage = stage_of(GOOGLE, ScriptedAnswer(400, refused))
    status, error = refusal(await stage.ask(ASK, dialect="openai_embeddings"))
    assert (status, error["type"]) == (400, "invalid_request_error")
    assert "no such task" in error["message"]


async def test_the_next_target_may_speak_another_dialect() -> None:
    cohere = b'{"id":"x","embeddings":{"float":[[1],[2]]},"meta":{"billed_units":{"input_tokens":2}}}'
    stage = Stage(
        [ScriptedAnswer(503, b""), ScriptedAnswer(200, cohere)],
        (
            target(provider("p1", dialects=GOOGLE, retries=0)),
            target(provider("p2", dialects=("cohere_embed",)), priority=2),
        ),
    )
    client = await stage.ask(ASK, dialect="openai_embeddings")
    assert client.status == 200
    assert [(each.provider, each.state) for each in stage.attempts] == [("p1", "voided"), ("p2", "settled")]
    assert sent(stage)[0] == b"/v1/embed"


async def test_an_answer_that_can_not_be_written_is_a_failure_of_the_target() -> None:
    stage = stage_of(GOOGLE, ScriptedAnswer(200, b'{"embeddings":[{"values":[1e300]}]}'))
    client = await stage.ask(ASK, dialect="openai_embeddings")
    assert client.status == 502
