from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.core.usage import Units, Usage
from waypost.dialects.cohere.counts import find_counts, parse_counts, splice_cost
from waypost.dialects.fields import parse_object


@pytest.mark.parametrize(
    ("wire", "usage"),
    [
        (
            {"billed_units": {"input_tokens": 5.0, "output_tokens": 4}, "tokens": {"input_tokens": 71}},
            Usage(input=5, output=4),
        ),
        ({"tokens": {"input_tokens": 71, "output_tokens": 4}}, Usage(input=71, output=4)),
        ({"billed_units": {"output_tokens": 4}, "tokens": {"input_tokens": 71}}, Usage(input=71, output=4)),
        (
            {"billed_units": {"input_tokens": 5, "output_tokens": 1}, "cached_tokens": 99},
            Usage(5, 1, cache_read=5),
        ),
        ({"billed_units": {"text_tokens": 3, "image_tokens": 4, "images": 1}}, Usage(input=7)),
        ({"billed_units": {"search_units": 1}}, Usage(units=Units(searches=1))),
        (
            {"billed_units": {"search_units": 1}, "tokens": {"input_tokens": 9}},
            Usage(9, units=Units(searches=1)),
        ),
        ({"billed_units": {"search_units": -1}}, None),
        ({"total_tokens": 815, "prompt_tokens": 815}, Usage(input=815)),
        ({"billed_units": {"input_tokens": 1.2}}, Usage(input=2)),
        ({"billed_units": {"input_tokens": -1}}, None),
        ({"billed_units": {"input_tokens": "5"}}, None),
        ({}, None),
        ([], None),
    ],
)
def test_every_form(wire: Any, usage: Usage | None) -> None:
    assert parse_counts(msgspec.Raw(msgspec.json.encode(wire))) == usage


def test_where_they_stand() -> None:
    meta = b'{"billed_units":{"input_tokens":3}}'
    assert find_counts(parse_object(b'{"meta":' + meta + b"}")) == Usage(input=3)
    assert find_counts(parse_object(b'{"usage":{"total_tokens":4},"meta":' + meta + b"}")) == Usage(input=4)
    assert find_counts({}) is None
    assert parse_counts(None) is None


def test_the_cost_stands_beside() -> None:
    assert bytes(splice_cost(msgspec.Raw(b'{"x":1}'), Usage(), 7)) == b'{"x":1,"cost":0.000000007}'
    assert bytes(splice_cost(msgspec.Raw(b"7"), Usage(), None)) == b'{"cost":null}'
    ours = splice_cost(None, Usage(input=1, output=2, source="estimated"), 0)
    assert msgspec.json.decode(ours) == {
        "tokens": {"input_tokens": 1, "output_tokens": 2},
        "estimated": True,
        "cost": 0,
    }
