"""Embeddings from every client's dialect to every target's, as golden cases, and the laws of the lane."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialects.golden import cases
from waypost.core.asked import Asked, PathAsk, Stamp
from waypost.core.embed import EmbedInput, EmbedRequest
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import Media, Text
from waypost.core.usage import Usage
from waypost.dialects.dialect import EmbedCodec
from waypost.dialects.embedding import EmbedLane, drop_refused, embed_lane, name_lost, single, text_of
from waypost.dialects.lane import Lanes, SameLane
from waypost.dialects.registry import DIALECTS
from waypost.errors import Garbled, Rejected, Unrepresentable

LANES = Lanes(DIALECTS)
CLIENTS = ("openai_embeddings", "gemini_embed", "gemini_embed_batch", "cohere_embed")
TARGETS = (*CLIENTS, "bedrock_embed")
STAMP = Stamp("x1", 1_800_000_000)
#: One request in each client's dialect.
BODIES: dict[str, dict[str, Any]] = {
    "openai_embeddings": {"model": "m", "input": ["hi"]},
    "gemini_embed": {"content": {"parts": [{"text": "hi"}]}},
    "gemini_embed_batch": {"requests": [{"content": {"parts": [{"text": "hi"}]}}]},
    "cohere_embed": {"model": "m", "texts": ["hi"], "input_type": "search_query"},
}


def codec(name: str) -> EmbedCodec:
    found = DIALECTS[name].embed_codec
    assert found is not None
    return found


def lane(client: str, target: str) -> EmbedLane:
    found = embed_lane(DIALECTS[client], (DIALECTS[target],))
    assert found is not None
    return found


def ask(client: str, body: object, *, drop: bool = False) -> Asked:
    asked = DIALECTS[client].parse_ask(msgspec.json.encode(body), path=PathAsk("m"))
    return msgspec.structs.replace(asked, drop_content=drop)


@pytest.mark.parametrize("case", cases("embeddings", "requests"))
def test_golden_requests(case: Any) -> None:
    asked = ask(case["client"], case["asked"])
    for name, wanted in case["targets"].items():
        target, _, model = name.partition(":")
        across = lane(case["client"], target)
        if "refused" in wanted:
            with pytest.raises(Unrepresentable) as caught:
                across.render_onward(asked, model or "tgt", Quirks())
            assert caught.value.param == wanted["refused"], name
            continue
        onward = across.render_onward(asked, model or "tgt", Quirks())
        assert msgspec.json.decode(onward.body) == wanted["body"], name
        assert list(onward.dropped) == wanted["dropped"], name
        target_codec = DIALECTS[target]
        assert target_codec.onward_path(model or "tgt", False) == wanted["path"], name


@pytest.mark.parametrize("case", cases("embeddings", "responses"))
def test_golden_responses(case: Any) -> None:
    for client, wanted in case["clients"].items():
        across = lane(client, case["target"])
        asked = ask(client, wanted["asked"])
        reply = across.parse_reply(msgspec.json.encode(case["body"]))
        counted = reply.usage or across.estimate_output(asked, reply)
        assert (counted.source, counted.input) == tuple(case["usage"] or ("estimated", asked.input_estimate))
        if "garbled" in wanted:
            with pytest.raises(Garbled):
                across.render_reply(asked, msgspec.structs.replace(reply, usage=counted), 20, STAMP)
            continue
        shown = across.render_reply(asked, msgspec.structs.replace(reply, usage=counted), 20, STAMP)
        assert msgspec.json.decode(shown) == wanted["body"], client


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("target", TARGETS)
def test_every_client_reaches_every_target(client: str, target: str) -> None:
    found = LANES.find(DIALECTS[client], ("openai_chat", target))
    assert isinstance(found, SameLane if client == target else EmbedLane)
    assert found.target is DIALECTS[target]


def test_a_target_that_takes_several_inputs_comes_first() -> None:
    found = LANES.find(DIALECTS["openai_embeddings"], ("gemini_embed", "gemini_embed_batch"))
    assert found is not None
    assert found.target.name == "gemini_embed_batch"
    alone = LANES.find(DIALECTS["openai_embeddings"], ("gemini_generate", "gemini_embed"))
    assert alone is not None
    assert alone.target.name == "gemini_embed"


def test_chat_is_no_embedding() -> None:
    assert embed_lane(DIALECTS["openai_chat"], (DIALECTS["openai_embeddings"],)) is None
    assert LANES.find(DIALECTS["cohere_embed"], ("openai_chat", "cohere_chat", "cohere_rerank")) is None


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("target", TARGETS)
def test_errors_are_read_by_the_targets_tables_and_told_without_its_form(client: str, target: str) -> None:
    across = lane(client, target)
    told = {
        "openai_embeddings": {"error": {"message": "no such thing", "param": "their.name"}},
        "cohere_embed": {"message": "no such thing"},
        "bedrock_embed": {"message": "no such thing"},
    }.get(target, {"error": {"code": 400, "message": "no such thing", "status": "INVALID_ARGUMENT"}})
    error = across.parse_error(400, (), msgspec.json.encode(told))
    assert isinstance(error, Rejected)
    assert (error.status, error.body, error.param) == (400, None, None)
    assert b"no such thing" in DIALECTS[client].render_error(error)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data":[{"embedding":"x"}]}', b'{"embeddings":[[]]}'])
def test_bad_answers_are_garbled(target: str, body: bytes) -> None:
    with pytest.raises(Garbled):
        lane("openai_embeddings" if target != "openai_embeddings" else "cohere_embed", target).parse_reply(
            body
        )


@pytest.mark.parametrize("target", TARGETS)
def test_a_field_that_the_provider_refuses_is_left_out_and_named(target: str) -> None:
    field = {
        "openai_embeddings": "dimensions",
        "cohere_embed": "output_dimension",
        "bedrock_embed": "dimensions",
    }.get(target, "outputDimensionality")
    asked = ask("gemini_embed", {**BODIES["gemini_embed"], "outputDimensionality": 8})
    onward = lane("gemini_embed", target).render_onward(
        asked, "amazon.titan-embed-text-v2:0", Quirks(drop=(field, "unheard_of"))
    )
    assert field.encode() not in onward.body
    assert len(onward.dropped) == 1


def test_a_picture_beside_a_text_is_refused_or_with_leave_dropped() -> None:
    parts = [{"text": "a boat"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]
    body = {"content": {"parts": parts}}
    across = lane("gemini_embed", "openai_embeddings")
    with pytest.raises(Unrepresentable) as caught:
        across.render_onward(ask("gemini_embed", body), "m", Quirks())
    assert caught.value.param == "content"
    onward = across.render_onward(ask("gemini_embed", body, drop=True), "m", Quirks())
    assert (onward.body, onward.dropped) == (b'{"model":"m","input":["a boat"]}', ("content",))


def test_an_input_that_is_only_a_picture_is_never_dropped() -> None:
    picture = EmbedInput((Media("image", data="AAAA"),))
    with pytest.raises(Unrepresentable):
        text_of(picture, 0, Loss(drop=True))


def test_texts_of_one_input_are_lines_of_one_text() -> None:
    assert text_of(EmbedInput((Text("a"), Text("b"))), 0, Loss()) == "a\nb"


def test_one_input_and_no_more() -> None:
    item = EmbedInput((Text("a"),))
    assert single(EmbedRequest("m", (item,))) is item
    with pytest.raises(Unrepresentable) as caught:
        single(EmbedRequest("m", (item, item)))
    assert caught.value.param == "input"


def test_what_is_lost_is_named() -> None:
    loss = Loss()
    name_lost(EmbedRequest("m", (), purpose="clustering"), loss, "purpose", "truncate")
    assert drop_refused({"a": 1, "b": 2}, Quirks(drop=("b", "c")), loss) == {"a": 1}
    assert loss.names == ("purpose", "b")


def test_an_answer_without_usage_is_estimated() -> None:
    across = lane("openai_embeddings", "gemini_embed_batch")
    asked = ask("openai_embeddings", BODIES["openai_embeddings"])
    reply = across.parse_reply(b'{"embeddings":[{"values":[0.5]}]}')
    assert reply.usage is None
    usage = across.estimate_output(asked, reply)
    assert usage == Usage(input=asked.input_estimate, source="estimated")
    shown = across.render_reply(asked, msgspec.structs.replace(reply, usage=usage), None, STAMP)
    assert b'"estimated":true,"cost":null' in shown


def test_no_stream_of_embeddings_is_expected() -> None:
    across = lane("openai_embeddings", "gemini_embed_batch")
    relay = across.stream_relay(ask("openai_embeddings", BODIES["openai_embeddings"]), lambda *_: 0, STAMP)
    relay.end()
    assert relay.failure is not None
