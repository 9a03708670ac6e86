import pytest

from waypost.simulator.ask import Refused
from waypost.simulator.gemini_schema import camel, camel_keys, check_schema, plain_schema

SCHEMA = {
    "type": "OBJECT",
    "properties": {"a_b": {"type": "ARRAY", "items": {"type": "STRING"}, "min_items": "2"}},
    "any_of": [{"type": "NULL"}],
}


def test_names_in_either_case() -> None:
    assert [camel(name) for name in ("a_b_c", "aB", "_a", "a")] == ["aBC", "aB", "_a", "a"]
    assert camel_keys({"in_ner": {"a_b": 1}}) == {"inNer": {"a_b": 1}}
    assert camel_keys(3) == {}


def test_as_json_schema() -> None:
    check_schema(SCHEMA, "x")
    assert plain_schema(SCHEMA) == {
        "type": "object",
        "properties": {"a_b": {"type": "array", "items": {"type": "string"}, "minItems": 2}},
        "anyOf": [{"type": "null"}],
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"additionalProperties": False},
        {"type": "OBJECT", "properties": {"a": {"$ref": "#/$defs/x"}}},
        {"type": "ARRAY", "items": {"const": 1}},
        {"anyOf": [{"oneOf": []}]},
        {"type": ["string", "null"]},
    ],
)
def test_what_google_does_not_know_is_refused(schema: dict[str, object]) -> None:
    with pytest.raises(Refused):
        check_schema(schema, "parameters")
