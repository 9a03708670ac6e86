from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.asked import Asked
from waypost.core.embed import EmbedInput, EmbedRequest, EmbedResponse, TokenIds, Vector
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import Media, Opaque, Text
from waypost.dialects.openai_embeddings.codec import EMBEDDINGS
from waypost.errors import Failed, Garbled, InvalidRequest, Unrepresentable

CODEC = EMBEDDINGS.embed_codec
assert CODEC is not None


def ask(body: object) -> Asked:
    return EMBEDDINGS.parse_ask(msgspec.json.encode(body))


def parse(body: object) -> EmbedRequest:
    assert CODEC is not None
    return CODEC.parse_request(ask(body))


def render(request: EmbedRequest, loss: Loss) -> bytes:
    assert CODEC is not None
    return CODEC.render_request(request, Quirks(), loss)


TEXTS = st.lists(st.text(), min_size=1, max_size=4).map(lambda texts: [EmbedInput((Text(t),)) for t in texts])
IDS = st.lists(st.lists(st.integers(0, 200_000), min_size=1, max_size=4), min_size=1, max_size=4).map(
    lambda lists: [EmbedInput((TokenIds(tuple(ids)),)) for ids in lists]
)
REQUESTS = st.builds(
    EmbedRequest,
    model=st.text(min_size=1, max_size=8),
    inputs=st.one_of(TEXTS, IDS).map(tuple),
    dimensions=st.none() | st.integers(1, 4096),
    encoding=st.sampled_from(("float", "base64")),
    user=st.none() | st.text(max_size=8),
)


@given(REQUESTS)
def test_a_request_rendered_and_parsed_is_the_same(request: EmbedRequest) -> None:
    loss = Loss()
    assert parse(msgspec.json.decode(render(request, loss))) == request
    assert loss.names == ()


@pytest.mark.parametrize(
    ("given_input", "parts"),
    [
        ("a", [Text("a")]),
        (["a", "b"], [Text("a"), Text("b")]),
        ([1, 2], [TokenIds((1, 2))]),
        ([[1], [2, 3]], [TokenIds((1,)), TokenIds((2, 3))]),
        ([{"image": "x"}], [Opaque("openai_embeddings", msgspec.Raw(b'{"image":"x"}'))]),
    ],
)
def test_every_kind_of_input(given_input: object, parts: list[Text | TokenIds | Opaque]) -> None:
    request = parse({"model": "m", "input": given_input})
    assert request.inputs == tuple(EmbedInput((part,)) for part in parts)


@pytest.mark.parametrize("mixed", [["a", 1], [1, "a"], [[1], "a"], [[1.5]], [["a"]], [None]])
def test_mixed_kinds_are_refused(mixed: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse({"model": "m", "input": mixed})
    assert caught.value.param == "input"


def test_what_only_others_have_is_named_or_refused() -> None:
    loss = Loss()
    request = EmbedRequest("m", (EmbedInput((Text("a"),)),), purpose="clustering", truncate="end")
    assert render(request, loss) == b'{"model":"m","input":["a"]}'
    assert loss.names == ("purpose", "truncate")
    with pytest.raises(Unrepresentable):
        render(EmbedRequest("m", (EmbedInput((Media("image", data="AAAA"),)),)), Loss())


def test_an_answer_rendered_and_parsed_is_the_same() -> None:
    assert CODEC is not None
    body = (
        b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10]}],"model":"m",'
        b'"usage":{"prompt_tokens":3,"total_tokens":3,"cost":0.000000002}}'
    )
    response = CODEC.parse_response(body)
    asked = ask({"model": "m", "input": "a"})
    assert CODEC.render_response(response, asked, 2, None) == body  # type: ignore[arg-type]  # no stamp is put on it


def test_answers_that_are_none() -> None:
    assert CODEC is not None
    with pytest.raises(Garbled):
        CODEC.parse_response(b'{"data":{}}')
    with pytest.raises(Failed):
        CODEC.parse_response(b'{"error":{"message":"no"}}')


def test_an_answer_without_usage_has_none() -> None:
    assert CODEC is not None
    response = EmbedResponse((Vector(numbers=msgspec.Raw(b"[1]")),), model="m")
    shown = CODEC.render_response(response, ask({"model": "m", "input": "a"}), None, None)  # type: ignore[arg-type]
    assert b"usage" not in shown
