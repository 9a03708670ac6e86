from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.dialects.cohere_embed.ask import parse_ask
from waypost.errors import InvalidRequest


@pytest.mark.parametrize(
    ("given", "low"),
    [
        ({"texts": ["a" * 300]}, 100),
        ({"images": ["data:image/png;base64,AA"]}, 1600),
        ({"inputs": [{"content": [{"type": "text", "text": "a" * 300}]}]}, 100),
        ({"texts": ["a" * 300], "images": ["data:image/png;base64,AA"]}, 1700),
    ],
)
def test_what_is_embedded(given: dict[str, Any], low: int) -> None:
    asked = parse_ask(msgspec.json.encode({"model": "m", **given}))
    assert (asked.stream, asked.choices) == (False, 0)
    assert asked.input_estimate >= low


def test_nothing_to_embed() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_ask(b'{"model":"m","texts":"x"}')
    assert caught.value.param == "texts"
