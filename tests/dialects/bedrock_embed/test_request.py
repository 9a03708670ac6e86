from __future__ import annotations

from typing import Any

import pytest

from waypost.core.embed import EmbedInput, EmbedRequest, Purpose, Truncate
from waypost.core.loss import Loss
from waypost.core.request import Media, Text
from waypost.dialects.bedrock_embed.request import render_request
from waypost.errors import Unrepresentable

TITAN_1, TITAN_2 = "amazon.titan-embed-text-v1", "amazon.titan-embed-text-v2:0"
NOVA = "us.amazon.nova-2-multimodal-embeddings-v1:0"
V3, V4 = "cohere.embed-multilingual-v3", "cohere.embed-v4:0"
PICTURE = Media("image", data="AAAA", mime="image/png")


def request(model: str, *parts: Text | Media, **settings: Any) -> EmbedRequest:
    return EmbedRequest(model, tuple(EmbedInput((part,)) for part in parts or (Text("a"),)), **settings)


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (TITAN_1, "inputText"),
        ("amazon.titan-embed-g1-text-02", "inputText"),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0", "inputText"),
        (NOVA, "singleEmbeddingParams"),
        ("eu.cohere.embed-v4:0", "texts"),
        ("arn:aws:bedrock:eu-west-1:1:inference-profile/global.cohere.embed-v4:0", "texts"),
    ],
)
def test_models_are_known_by_their_ids(model: str, field: str) -> None:
    assert field in render_request(request(model), Loss())


def test_a_model_that_is_not_known_is_refused() -> None:
    for model in ("meta.llama3-8b", "arn:aws:bedrock:us-east-1:1:provisioned-model/abc"):
        with pytest.raises(Unrepresentable) as caught:
            render_request(request(model), Loss())
        assert caught.value.param == "model"


@pytest.mark.parametrize("model", [TITAN_1, TITAN_2, NOVA])
def test_one_input_in_a_call(model: str) -> None:
    with pytest.raises(Unrepresentable) as caught:
        render_request(request(model, Text("a"), Text("b")), Loss())
    assert caught.value.param == "input"
    assert "2" in caught.value.message


@pytest.mark.parametrize("model", [TITAN_1, V3])
def test_another_size_than_was_asked_for_is_refused_unless_the_client_lets_it(model: str) -> None:
    with pytest.raises(Unrepresentable) as caught:
        render_request(request(model, dimensions=256), Loss())
    assert caught.value.param == "dimensions"
    loss = Loss(drop=True)
    assert (
        not {"dimensions", "output_dimension"} & render_request(request(model, dimensions=256), loss).keys()
    )
    assert loss.names == ("dimensions",)


def test_titan_is_told_neither_purpose_nor_cut() -> None:
    loss = Loss()
    body = render_request(
        request(TITAN_2, purpose="clustering", truncate="end", user="u", dimensions=256), loss
    )
    assert body == {"inputText": "a", "dimensions": 256}
    assert loss.names == ("purpose", "truncate", "user")


@pytest.mark.parametrize(
    ("purpose", "word", "named"),
    [
        (None, "GENERIC_INDEX", ()),
        ("search_query", "GENERIC_RETRIEVAL", ()),
        ("search_document", "GENERIC_INDEX", ()),
        ("classification", "CLASSIFICATION", ()),
        ("clustering", "CLUSTERING", ()),
        ("similarity", "GENERIC_INDEX", ("purpose",)),
    ],
)
def test_purposes_of_nova(purpose: Purpose | None, word: str, named: tuple[str, ...]) -> None:
    loss = Loss()
    body: Any = render_request(request(NOVA, purpose=purpose), loss)
    assert (body["singleEmbeddingParams"]["embeddingPurpose"], loss.names) == (word, named)


@pytest.mark.parametrize(("cut", "third", "fourth"), [("none", "NONE", "NONE"), ("start", "START", "LEFT"),
                                                      ("end", "END", "RIGHT")])  # fmt: skip
def test_cuts_of_cohere(cut: Truncate, third: str, fourth: str) -> None:
    assert render_request(request(V3, truncate=cut), Loss())["truncate"] == third
    assert render_request(request(V4, truncate=cut), Loss())["truncate"] == fourth


def test_pictures_of_cohere() -> None:
    assert render_request(request(V3, PICTURE), Loss())["input_type"] == "image"
    assert render_request(request(V4, PICTURE), Loss())["input_type"] == "search_document"
    assert "inputs" in render_request(request(V4, Text("a"), PICTURE), Loss())
    with pytest.raises(Unrepresentable) as caught:
        render_request(request(V3, Text("a"), PICTURE), Loss())
    assert caught.value.param == "input"
