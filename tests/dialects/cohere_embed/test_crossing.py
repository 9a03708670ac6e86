from __future__ import annotations

import msgspec
import pytest

from waypost.core.asked import Stamp
from waypost.core.embed import EmbedResponse, Vector
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.cohere_embed.codec import COHERE_EMBED
from waypost.dialects.cohere_embed.crossing import read_vectors
from waypost.dialects.fields import parse_object
from waypost.errors import Garbled

CODEC = COHERE_EMBED.embed_codec
assert CODEC is not None
ONE = Vector(numbers=msgspec.Raw(b"[0.5]"))
STAMP = Stamp("x1", 17)


def test_a_request_rendered_is_what_was_parsed() -> None:
    assert CODEC is not None
    body = (
        b'{"model":"m","texts":["a","b"],"input_type":"search_query","embedding_types":["float"],'
        b'"output_dimension":8,"truncate":"START","max_tokens":9}'
    )
    loss = Loss()
    assert CODEC.render_request(CODEC.parse_request(COHERE_EMBED.parse_ask(body)), Quirks(), loss) == body
    assert loss.names == ()


@pytest.mark.parametrize("body", [b'{"embeddings":{"float":[[0.5]]}}', b'{"embeddings":[[0.5]]}'])
def test_both_forms_of_an_answer(body: bytes) -> None:
    assert read_vectors(parse_object(body)) == (ONE,)


@pytest.mark.parametrize("body", [b"{}", b'{"embeddings":{"int8":[[1]]}}', b'{"embeddings":7}'])
def test_answers_without_floats(body: bytes) -> None:
    with pytest.raises(Garbled):
        read_vectors(parse_object(body))


def test_an_answer_rendered_and_parsed_is_the_same() -> None:
    assert CODEC is not None
    asked = COHERE_EMBED.parse_ask(b'{"model":"m","texts":["a"],"input_type":"search_query"}')
    response = EmbedResponse((ONE,), usage=Usage(input=3), response_id="r")
    shown = CODEC.render_response(response, asked, None, STAMP)
    assert CODEC.parse_response(shown) == response
    assert msgspec.json.decode(shown)["texts"] == ["a"]


def test_an_answer_of_another_dialect_is_named_after_the_exchange() -> None:
    assert CODEC is not None
    asked = COHERE_EMBED.parse_ask(b'{"model":"m","images":["data:image/png;base64,AA"]}')
    shown = msgspec.json.decode(CODEC.render_response(EmbedResponse((ONE,)), asked, None, STAMP))
    assert (shown["id"], shown["texts"], "meta" in shown) == ("x1", [], False)
