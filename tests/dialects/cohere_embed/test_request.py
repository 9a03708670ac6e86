from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.embed import EmbedInput, EmbedRequest, Purpose, TokenIds
from waypost.core.loss import Loss
from waypost.core.request import Media, Opaque, Text
from waypost.dialects.cohere_embed.ask import parse_ask
from waypost.dialects.cohere_embed.request import Part, parse_request, render_body, wanted_types
from waypost.errors import InvalidRequest, Unrepresentable

PNG = "data:image/png;base64,AAAA"
PICTURE = Media("image", data="AAAA", mime="image/png")


def parse(**fields: object) -> EmbedRequest:
    return parse_request(parse_ask(msgspec.json.encode({"model": "m", **fields})))


def render(*inputs: tuple[Part, ...], loss: Loss | None = None, **settings: Any) -> Any:
    request = EmbedRequest("m", tuple(EmbedInput(parts) for parts in inputs), **settings)
    return render_body(request, loss or Loss())


def test_texts_pictures_and_mixtures() -> None:
    assert parse(texts=["a"]).inputs == (EmbedInput((Text("a"),)),)
    assert parse(images=[PNG]).inputs == (EmbedInput((PICTURE,)),)
    mixed = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": PNG}}]
    assert parse(inputs=[{"content": mixed}]).inputs == (EmbedInput((Text("a"), PICTURE)),)


@pytest.mark.parametrize(
    "part",
    [{"type": "audio"}, {"type": "text", "text": "a", "new": 1}, {"type": "image_url", "image_url": PNG}, 7],
)
def test_a_part_that_is_not_modelled(part: object) -> None:
    found = parse(inputs=[{"content": [part]}]).inputs[0].parts
    assert found == (Opaque("cohere_embed", msgspec.Raw(msgspec.json.encode(part))),)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"texts": ["a"], "images": [PNG]}, "texts"),
        ({"texts": []}, "texts"),
        ({"texts": ["a", 7]}, "texts[1]"),
        ({"inputs": [{"content": []}]}, "inputs[0]"),
        ({"inputs": [{"content": 7}]}, "inputs[0]"),
    ],
)
def test_nothing_that_can_be_embedded(fields: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(**fields)
    assert caught.value.param == param


def test_vectors_of_small_integers_do_not_cross() -> None:
    with pytest.raises(Unrepresentable) as caught:
        parse(texts=["a"], embedding_types=["float", "int8"])
    assert caught.value.param == "embedding_types"


def test_types_that_are_wanted() -> None:
    for given, wanted in ((None, ["float"]), ([], ["float"]), (["base64"], ["base64"])):
        body = {"model": "m", "texts": ["a"], "embedding_types": given}
        assert wanted_types(parse_ask(msgspec.json.encode(body))) == wanted
    assert parse(texts=["a"], embedding_types=["base64"]).encoding == "base64"


@pytest.mark.parametrize("word", ["search_query", "search_document", "classification", "clustering"])
def test_purposes_both_ways(word: str) -> None:
    request = parse(texts=["a"], input_type=word)
    assert request.purpose == word
    loss = Loss()
    assert render_body(request, loss)["input_type"] == word
    assert loss.names == ()


@pytest.mark.parametrize(
    ("purpose", "nearest"),
    [
        ("similarity", "search_document"),
        ("code_query", "search_query"),
        ("question_answering", "search_query"),
        ("fact_verification", "search_query"),
    ],
)
def test_the_nearest_purpose_is_taken_and_named(purpose: Purpose, nearest: str) -> None:
    loss = Loss()
    assert render((Text("a"),), loss=loss, purpose=purpose)["input_type"] == nearest
    assert loss.names == ("purpose",)


def test_a_purpose_that_is_not_said() -> None:
    assert render((Text("a"),))["input_type"] == "search_document"
    assert render((PICTURE,))["input_type"] == "image"
    assert render((Text("a"), PICTURE))["input_type"] == "search_document"


def test_a_word_that_is_not_known_stays() -> None:
    extras = parse(texts=["a"], input_type="new", truncate="MIDDLE").extras
    assert extras is not None
    assert sorted(extras.fields) == ["input_type", "truncate"]


def test_where_inputs_stand() -> None:
    assert render((Text("a"),), (Text("b"), Text("c")))["texts"] == ["a", "b\nc"]
    assert render((PICTURE,))["images"] == [PNG]
    assert [len(each["content"]) for each in render((Text("a"),), (PICTURE,))["inputs"]] == [1, 1]


@pytest.mark.parametrize(
    "part",
    [
        TokenIds((1,)),
        Media("image", url="https://a.example/b.png"),
        Media("audio", data="AAAA"),
        Opaque("gemini_embed", msgspec.Raw(b"{}")),
    ],
)
def test_what_cohere_can_not_be_shown(part: Part) -> None:
    with pytest.raises(Unrepresentable) as caught:
        render((part,), loss=Loss(drop=True))
    assert caught.value.param == "input"
    loss = Loss(drop=True)
    assert render((Text("a"), PICTURE, part), loss=loss)["inputs"][0]["content"][0] == {
        "type": "text",
        "text": "a",
    }
    assert loss.names == ("input",)


def test_a_picture_by_reference_is_kept_as_such() -> None:
    assert parse(images=["https://a.example/b.png"]).inputs[0].parts == (
        Media("image", url="https://a.example/b.png"),
    )


def test_an_end_user_is_named() -> None:
    loss = Loss()
    render((Text("a"),), loss=loss, user="u")
    assert loss.names == ("user",)
