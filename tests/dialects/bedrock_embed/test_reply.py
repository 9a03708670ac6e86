from __future__ import annotations

import msgspec
import pytest

from waypost.core.embed import Vector
from waypost.core.usage import Usage
from waypost.dialects.bedrock_embed.reply import parse_reply, parse_response
from waypost.errors import Garbled, Throttled

HALF, QUARTER = (Vector(numbers=msgspec.Raw(text)) for text in (b"[0.5]", b"[0.25]"))


@pytest.mark.parametrize(
    ("body", "vectors"),
    [
        (b'{"embedding":[0.5],"inputTextTokenCount":3}', (HALF,)),
        (b'{"embeddings":[{"embeddingType":"TEXT","embedding":[0.5]}]}', (HALF,)),
        (b'{"embeddings":[[0.5],[0.25]]}', (HALF, QUARTER)),
        (b'{"embeddings":{"float":[[0.5],[0.25]]}}', (HALF, QUARTER)),
    ],
)
def test_the_answers_of_every_maker(body: bytes, vectors: tuple[Vector, ...]) -> None:
    assert parse_response(body).vectors == vectors


@pytest.mark.parametrize("count", [b"-1", b'"3"', b"1e10", b"null"])
def test_a_count_that_is_none_is_not_believed(count: bytes) -> None:
    assert parse_reply(b'{"embedding":[1],"inputTextTokenCount":%b}' % count).usage is None


def test_a_count() -> None:
    assert parse_response(b'{"embedding":[1],"inputTextTokenCount":3}').usage == Usage(input=3)


def test_an_error_inside_an_answer() -> None:
    with pytest.raises(Throttled):
        parse_reply(b'{"__type":"ThrottlingException","message":"slow down"}')
    with pytest.raises(Garbled):
        parse_reply(b"<html>")
