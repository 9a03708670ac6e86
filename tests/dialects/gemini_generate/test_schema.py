from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.dialects.gemini_generate.schema import from_json_schema, label, to_json_schema


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


GOOGLE = {
    "type": "OBJECT",
    "properties": {
        "type": {"type": "STRING", "enum": ["A", "B"], "nullable": True},
        "tags": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": "1"},
        "either": {"anyOf": [{"type": "INTEGER"}, {"type": "NULL"}]},
    },
    "required": ["type"],
    "propertyOrdering": ["type", "tags"],
}
PLAIN = {
    "type": "object",
    "properties": {
        "type": {"type": ["string", "null"], "enum": ["A", "B", None]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    },
    "required": ["type"],
    "propertyOrdering": ["type", "tags"],
}


def test_types_and_null() -> None:
    found = to_json_schema(raw(GOOGLE))
    assert found is not None
    assert msgspec.json.decode(found[0]) == PLAIN
    back = msgspec.json.decode(from_json_schema(found[0], found[1].split()))
    assert back == GOOGLE | {"properties": GOOGLE["properties"] | {"tags": back["properties"]["tags"]}}
    assert back["properties"]["tags"]["minItems"] == 1


def test_snake_case_is_read() -> None:
    found = to_json_schema(raw({"any_of": [{"type": "STRING"}], "property_ordering": ["a"]}))
    assert found is not None
    assert msgspec.json.decode(found[0]) == {"anyOf": [{"type": "string"}], "propertyOrdering": ["a"]}


def test_what_is_in_lower_case_stays_so() -> None:
    schema = {"type": "object", "properties": {"OBJECT": {"type": "string", "nullable": True}}}
    found = to_json_schema(raw(schema))
    assert found is not None
    assert msgspec.json.decode(from_json_schema(found[0], found[1].split())) == schema


def test_examples_and_defaults_are_no_schemas() -> None:
    schema = {
        "type": "OBJECT",
        "example": {"type": "STRING"},
        "default": {"nullable": True, "type": "OBJECT"},
    }
    found = to_json_schema(raw(schema))
    assert found is not None
    assert msgspec.json.decode(found[0]) == {**schema, "type": "object"}


@pytest.mark.parametrize("value", [7, [], "OBJECT", None])
def test_no_object_is_no_schema(value: Any) -> None:
    assert to_json_schema(raw(value)) is None
    assert bytes(from_json_schema(raw(value), ["schema"])) == bytes(raw(value))
    assert bytes(label(raw(value), "a", None)) == bytes(raw(value))


kinds = st.sampled_from(["STRING", "INTEGER", "BOOLEAN", "NUMBER"])
leaf = st.fixed_dictionaries(
    {"type": kinds}, optional={"nullable": st.just(True), "title": st.text(max_size=3)}
)
schemas = st.recursive(
    leaf,
    lambda inner: (
        st.fixed_dictionaries({"type": st.just("ARRAY"), "items": inner})
        | st.fixed_dictionaries(
            {"type": st.just("OBJECT"), "properties": st.dictionaries(st.text(max_size=4), inner, max_size=3)}
        )
        | st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)})
    ),
    max_leaves=6,
)


@given(schemas)
def test_the_way_back(schema: Any) -> None:
    found = to_json_schema(raw(schema))
    assert found is not None
    assert msgspec.json.decode(from_json_schema(found[0], found[1].split())) == schema


def test_a_name_is_said_in_the_schema() -> None:
    assert msgspec.json.decode(label(raw({"type": "object"}), "reply", "A reply.")) == {
        "type": "object",
        "title": "reply",
        "description": "A reply.",
    }
    assert msgspec.json.decode(label(raw({"title": "own"}), "reply", None)) == {"title": "own"}
    assert bytes(label(raw({"a": 1}), None, None)) == b'{"a":1}'
