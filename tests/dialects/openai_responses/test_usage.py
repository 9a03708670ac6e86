from __future__ import annotations

import msgspec
import pytest

from waypost.core.usage import Usage
from waypost.dialects.openai_responses.usage import parse_usage, splice_cost, usage_object


@pytest.mark.parametrize(
    ("wire", "usage"),
    [
        (b'{"input_tokens":5,"output_tokens":7,"total_tokens":12}', Usage(input=5, output=7)),
        (
            b'{"input_tokens":9,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":2},"output_tokens":7,'
            b'"output_tokens_details":{"reasoning_tokens":3},"total_tokens":16,"cost":0.5}',
            Usage(input=9, output=7, cache_read=4, cache_write=2, reasoning=3, charged_nusd=500_000_000),
        ),
        (b'{"input_tokens":-5,"output_tokens":7}', None),
        (b'{"input_tokens":5e20,"output_tokens":7}', None),
        (b'{"output_tokens":7}', None),
        (b"null", None),
        (b"7", None),
    ],
)
def test_counts(wire: bytes, usage: Usage | None) -> None:
    assert parse_usage(msgspec.Raw(wire)) == usage


def test_no_usage_is_none() -> None:
    assert parse_usage(None) is None


def test_what_is_written_is_read_again() -> None:
    usage = Usage(input=9, output=7, cache_read=4, cache_write=2, reasoning=3)
    wire = msgspec.json.encode(usage_object(usage, 1000))
    assert parse_usage(msgspec.Raw(wire)) == msgspec.structs.replace(usage, charged_nusd=1000)


def test_a_cost_is_spliced_in_and_our_own_counts_are_marked() -> None:
    wire = msgspec.Raw(b'{"input_tokens":5,"output_tokens":7,"x":1.50}')
    assert bytes(splice_cost(wire, Usage(5, 7), 1_000_000)) == bytes(wire)[:-1] + b',"cost":0.001}'
    counted = msgspec.json.decode(splice_cost(msgspec.Raw(b"null"), Usage(5, 7, source="estimated"), None))
    assert counted["estimated"] is True
    assert counted["cost"] is None
    assert (counted["input_tokens"], counted["output_tokens"], counted["total_tokens"]) == (5, 7, 12)
    assert bytes(splice_cost(None, None, None)) == b'{"cost":null}'
