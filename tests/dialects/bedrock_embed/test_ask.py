from __future__ import annotations

import pytest

from waypost.core.asked import PathAsk
from waypost.dialects.bedrock_embed.ask import parse_ask
from waypost.dialects.json_limits import DEFAULT
from waypost.errors import InvalidRequest


@pytest.mark.parametrize(
    "body", [b'{"inputText":"%b"}', b'{"texts":["%b"]}', b'{"singleEmbeddingParams":{"a":"%b"}}']
)
def test_what_is_embedded(body: bytes) -> None:
    asked = parse_ask(body % (b"a" * 300), DEFAULT, PathAsk("m"))
    assert (asked.model, asked.stream, asked.choices, asked.max_output) == ("m", False, 0, 0)
    assert asked.input_estimate >= 100


@pytest.mark.parametrize(("body", "model"), [(b'{"dimensions":8}', "m"), (b'{"inputText":"a"}', "")])
def test_nothing_to_embed(body: bytes, model: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_ask(body, DEFAULT, PathAsk(model))
