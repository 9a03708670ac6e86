from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.asked import PathAsk, Stamp
from waypost.core.embed import EmbedInput, EmbedRequest, EmbedResponse, Purpose, TokenIds, Vector
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import Text
from waypost.core.usage import Usage
from waypost.dialects.dialect import Dialect, EmbedCodec
from waypost.dialects.gemini_embed.codec import EMBED, EMBED_BATCH
from waypost.errors import Failed, Garbled, InvalidRequest, Throttled, Unrepresentable

STAMP = Stamp("x", 17)
TASKS: dict[str, Purpose] = {
    "RETRIEVAL_QUERY": "search_query",
    "RETRIEVAL_DOCUMENT": "search_document",
    "SEMANTIC_SIMILARITY": "similarity",
    "CLASSIFICATION": "classification",
    "CLUSTERING": "clustering",
    "CODE_RETRIEVAL_QUERY": "code_query",
    "QUESTION_ANSWERING": "question_answering",
    "FACT_VERIFICATION": "fact_verification",
}


def codec(dialect: Dialect) -> EmbedCodec:
    assert dialect.embed_codec is not None
    return dialect.embed_codec


def parse(dialect: Dialect, body: object) -> EmbedRequest:
    asked = dialect.parse_ask(msgspec.json.encode(body), path=PathAsk("m"))
    return codec(dialect).parse_request(asked)


def content(text: str = "hi", **more: object) -> dict[str, Any]:
    return {"content": {"parts": [{"text": text}]}, **more}


@pytest.mark.parametrize("task", sorted(TASKS))
def test_tasks_both_ways(task: str) -> None:
    request = parse(EMBED, content(taskType=task))
    assert request.purpose == TASKS[task]
    sent = codec(EMBED).render_request(request, Quirks(), Loss())
    assert msgspec.json.decode(sent)["taskType"] == task


def test_what_is_rendered_and_parsed_is_the_same() -> None:
    inputs = (EmbedInput((Text("a"), Text("b"))), EmbedInput((Text("c"),)))
    request = EmbedRequest("m", inputs, dimensions=8, purpose="code_query")
    sent = codec(EMBED_BATCH).render_request(request, Quirks(), Loss())
    assert parse(EMBED_BATCH, msgspec.json.decode(sent)) == request


def test_a_batch_of_different_settings_is_refused() -> None:
    for field, one, other in (
        ("taskType", "CLUSTERING", "CLASSIFICATION"),
        ("outputDimensionality", 8, None),
    ):
        with pytest.raises(Unrepresentable) as caught:
            parse(EMBED_BATCH, {"requests": [content(**{field: one}), content(**{field: other})]})
        assert caught.value.param == f"requests[1].{field}"


@pytest.mark.parametrize("body", [{"requests": [{}]}, {"requests": [{"content": {"parts": []}}]}])
def test_a_request_without_content(body: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(EMBED_BATCH, body)
    assert str(caught.value.param).startswith("requests[0].content")


def test_what_google_has_no_word_for() -> None:
    loss = Loss()
    request = EmbedRequest("m", (EmbedInput((Text("a"),)),), truncate="none", user="u")
    assert codec(EMBED).render_request(request, Quirks(), loss) == b'{"content":{"parts":[{"text":"a"}]}}'
    assert loss.names == ("truncate", "user")
    ids = EmbedRequest("m", (EmbedInput((TokenIds((1,)),)),))
    with pytest.raises(Unrepresentable):
        codec(EMBED_BATCH).render_request(ids, Quirks(), Loss(drop=True))


def test_either_answer_is_read_by_either() -> None:
    one = codec(EMBED_BATCH).parse_response(b'{"embedding":{"values":[1]}}')
    two = codec(EMBED).parse_response(b'{"embeddings":[{"values":[1]}]}')
    assert one == two == EmbedResponse((Vector(numbers=msgspec.Raw(b"[1]")),))


def test_answers_that_are_none() -> None:
    for body in (b"{}", b'{"embedding":{}}', b'{"embeddings":{}}'):
        with pytest.raises(Garbled):
            codec(EMBED).parse_response(body)
    with pytest.raises(Throttled):
        codec(EMBED).parse_response(b'{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}')
    with pytest.raises(Failed):
        codec(EMBED).parse_response(b'{"error":{"code":400,"message":"no"}}')


def test_one_input_has_one_vector() -> None:
    asked = EMBED.parse_ask(msgspec.json.encode(content()), path=PathAsk("m"))
    vector = Vector(numbers=msgspec.Raw(b"[1]"))
    shown = codec(EMBED).render_response(EmbedResponse((vector,), usage=Usage(input=2)), asked, 5, STAMP)
    assert shown == (
        b'{"embedding":{"values":[1]},"usageMetadata":{"promptTokenCount":2,"totalTokenCount":2,'
        b'"cost":0.000000005}}'
    )
    with pytest.raises(Garbled):
        codec(EMBED).render_response(EmbedResponse((vector, vector)), asked, 5, STAMP)
