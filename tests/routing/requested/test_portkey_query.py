from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.routing.requested.pattern import Patterns
from waypost.routing.requested.portkey_query import Query, compile_query
from waypost.routing.view import Lookup

FACETS: Mapping[str, object] = {
    "metadata": {"plan": "paid", "seats": "12", "empty": ""},
    "body": {"temperature": 0.5, "n": 2, "stream": True, "model": "gpt-5-mini", "tools": [{"type": "x"}]},
}


def compiled(query: object) -> Query:
    return compile_query(msgspec.json.encode(query), Patterns())


def holds(query: object) -> bool:
    return compiled(query).holds(Lookup(FACETS))


@pytest.mark.parametrize(
    ("query", "yes"),
    [
        ({"metadata.plan": "paid"}, True),
        ({"metadata.plan": "free"}, False),
        ({"metadata.plan": {"$eq": "paid"}}, True),
        ({"metadata.plan": {"$ne": "paid"}}, False),
        ({"metadata.none": {"$ne": "paid"}}, True),
        ({"metadata.none": "paid"}, False),
        ({"metadata.none": None}, False),
        ({"metadata.none": {"$nin": ["paid"]}}, True),
        ({"metadata.plan": {"$in": ["free", "paid"]}}, True),
        ({"metadata.plan": {"$nin": ["free", "paid"]}}, False),
        ({"metadata.plan": {"$in": []}}, False),
        ({"metadata.plan": {"$regex": "^pa"}}, True),
        ({"metadata.none": {"$regex": "undefined"}}, False),
        ({"params.n": 2}, True),
        ({"params.n": 2.0}, True),
        ({"params.n": "2"}, False),
        ({"params.n": True}, False),
        ({"params.stream": True}, True),
        ({"params.stream": 1}, False),
        ({"params.tools": "x"}, False),
        ({"params.tools": {"$ne": "x"}}, True),
        ({"params.tools": {"$gt": 0}}, False),
        ({"metadata.seats": {"$gt": 11}}, True),
        ({"metadata.seats": {"$gte": "12"}}, True),
        ({"metadata.seats": {"$lt": 12}}, False),
        ({"metadata.seats": {"$lte": 12}}, True),
        ({"metadata.plan": {"$gt": 1}}, False),
        ({"metadata.empty": {"$lt": 1}}, False),
        ({"metadata.none": {"$lt": 1}}, False),
        ({"params.temperature": {"$gt": 0.4, "$lt": 0.6}}, True),
        ({"params.temperature": {"$gt": 0.4, "$lt": 0.5}}, False),
        ({"metadata.plan": "paid", "params.n": 2}, True),
        ({"metadata.plan": "paid", "params.n": 3}, False),
        ({"$and": [{"metadata.plan": "paid"}, {"params.n": 2}]}, True),
        ({"$or": [{"metadata.plan": "free"}, {"params.n": 2}]}, True),
        ({"$or": [{"metadata.plan": "free"}, {"params.n": 3}]}, False),
        # What stands beside is not forgotten, unlike at Portkey.
        ({"$or": [{"params.n": 2}], "metadata.plan": "free"}, False),
        ({"metadata.plan": {"$regex": "p", "$ne": "paid"}}, False),
        ({"$and": [{"$or": [{"params.n": 9}, {"params.n": 2}]}, {"metadata.plan": "paid"}]}, True),
    ],
)
def test_conditions(query: object, yes: bool) -> None:
    assert holds(query) is yes


@pytest.mark.parametrize(
    "query",
    [
        None, [], "x", {}, {"metadata": "x"}, {"metadata.": "x"}, {"plan": "x"}, {"headers.x": "y"},
        {"url.pathname": "/"}, {"param.n": 2}, {"$not": []},
        {"$and": []}, {"$and": {}}, {"$or": [7]}, {"metadata.x": {}}, {"metadata.x": {"$near": 1}},
        {"metadata.x": ["y"]}, {"metadata.x": {"$in": "y"}}, {"metadata.x": {"$in": [[]]}},
        {"metadata.x": {"$in": ["y"] * 257}}, {"metadata.x": {"$gt": "much"}}, {"metadata.x": {"$gt": True}},
        {"metadata.x": {"$regex": 1}}, {"metadata.x": {"$regex": "("}}, {"metadata.x": {"$eq": {}}},
        {"$and": [{f"metadata.{n}": "x"} for n in range(129)]},
    ],
)  # fmt: skip
def test_what_is_no_condition(query: object) -> None:
    with pytest.raises(ValueError):
        compiled(query)


def test_a_condition_has_an_end() -> None:
    deep: object = {"metadata.x": "y"}
    for _ in range(9):
        deep = {"$and": [deep]}
    with pytest.raises(ValueError, match="deeper"):
        compiled(deep)


def test_its_patterns_are_counted_with_those_of_its_config() -> None:
    patterns = Patterns()
    for number in range(8):
        query = {"metadata.plan": {"$regex": "^p"}, f"params.{number}": {"$regex": "x"}}
        compile_query(msgspec.json.encode(query), patterns)
    with pytest.raises(ValueError, match="16 patterns"):
        compile_query(b'{"metadata.plan": {"$regex": "^p"}}', patterns)
    compile_query(b'{"metadata.plan": "paid"}', patterns)


def test_its_text_is_what_was_written() -> None:
    assert compile_query(b'{"params.n": 2}', Patterns()).text == '{"params.n": 2}'


@pytest.mark.parametrize("facets", [{}, {"metadata": None}, {"metadata": "paid"}, {"metadata": {}}])
def test_facets_that_are_not_there_make_it_false(facets: dict[str, object]) -> None:
    assert compiled({"metadata.plan": "paid"}).holds(Lookup(facets)) is False


json = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["$and", "$or", "$in", "$nin", "$eq", "$gt", "$regex", "metadata.plan", "params.n", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)
values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.lists(st.none())


@given(json, values)
def test_any_json_is_a_condition_or_none_and_a_condition_never_raises(query: object, value: object) -> None:
    try:
        made = compiled(query)
    except ValueError:
        return
    assert made.holds(Lookup({"metadata": {"plan": value}, "body": {"n": value}})) in (True, False)
