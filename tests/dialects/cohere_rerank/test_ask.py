from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.usage import Units
from waypost.dialects.cohere_rerank.ask import parse_ask
from waypost.errors import InvalidRequest

GOOD = {"model": "m", "query": "q" * 28, "documents": ["a" * 296, {"text": "b"}]}


def test_every_document_is_read_with_the_query() -> None:
    asked = parse_ask(msgspec.json.encode(GOOD))
    assert (asked.stream, asked.choices) == (False, 0)
    assert asked.input_estimate >= 100 + 2 * 10


@pytest.mark.parametrize(
    ("query", "sizes", "changes", "searches"),
    [
        (3, [3], {}, 1),
        (3, [3] * 100, {}, 1),
        (3, [3] * 101, {}, 2),
        (30, [3 * 490] * 50, {}, 1),
        (30, [3 * 491] * 51, {}, 2),
        (30, [3 * 10_000] * 10, {}, 1),
        (30, [3 * 10_000] * 10, {"max_tokens_per_doc": 6000}, 2),
        (30, [3 * 10_000] * 200, {"max_tokens_per_doc": 100}, 2),
        (30, [3] * 10, {"max_tokens_per_doc": "many"}, 1),
        (3000, [3 * 300] * 10, {}, 1),
    ],
)
def test_the_most_searches_that_are_billed(
    query: int, sizes: list[int], changes: dict[str, Any], searches: int
) -> None:
    body = {"model": "m", "query": "q" * (query - 2), "documents": ["d" * (size - 2) for size in sizes]}
    assert parse_ask(msgspec.json.encode({**body, **changes})).units == Units(searches=searches)


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
