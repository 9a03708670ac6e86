from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.dialects.cohere_rerank.ask import parse_ask
from waypost.errors import InvalidRequest

GOOD = {"model": "m", "query": "q" * 28, "documents": ["a" * 296, {"text": "b"}]}


def test_every_document_is_read_with_the_query() -> None:
    asked = parse_ask(msgspec.json.encode(GOOD))
    assert (asked.stream, asked.choices) == (False, 0)
    assert asked.input_estimate >= 100 + 2 * 10


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"query": ""}, "query"),
        ({"query": None}, "query"),
        ({"query": 7}, "query"),
        ({"documents": []}, "documents"),
        ({"documents": "x"}, "documents"),
        ({"documents": None}, "documents"),
        ({"model": None}, "model"),
        ({"Query": "x"}, "Query"),
    ],
)
def test_what_is_refused(change: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_ask(msgspec.json.encode({**GOOD, **change}))
    assert caught.value.param == param
