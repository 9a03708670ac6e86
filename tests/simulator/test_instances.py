import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.simulator.instances import instance

SEED = st.integers(0, 2**64 - 1)


@given(SEED)
def test_an_object_with_every_kind(seed: int) -> None:
    made = instance(
        {
            "type": "object",
            "properties": {
                "name": {"type": "string", "minLength": 30},
                "age": {"type": "integer", "minimum": 18},
                "score": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
                "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 3},
                "kind": {"const": "person"},
                "maybe": {"type": ["null", "boolean"]},
                "home": {"$ref": "#/$defs/home"},
                "either": {"anyOf": [{"type": "null"}, {"type": "string"}]},
                "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]},
            },
            "$defs": {"home": {"type": "object", "properties": {"city": {"type": "string", "maxLength": 2}}}},
        },
        seed,
    )
    assert isinstance(made, dict)
    assert len(made["name"]) >= 30
    assert made["age"] >= 18
    assert 0 < made["score"] <= 1
    assert len(made["tags"]) == 3
    assert set(made["tags"]) <= {"a", "b"}
    assert made["kind"] == "person"
    assert isinstance(made["maybe"], bool)
    assert len(made["home"]["city"]) <= 2
    assert made["either"] is None
    assert [type(part) for part in made["pair"]] == [int, str]


@given(SEED, st.integers(-50, 50))
def test_numbers_keep_their_bounds(seed: int, bound: int) -> None:
    assert instance({"type": "integer", "exclusiveMinimum": bound}, seed) > bound
    assert instance({"type": "integer", "maximum": bound}, seed) <= bound
    assert instance({"type": "integer", "multipleOf": 7, "minimum": bound}, seed) % 7 == 0


def test_recursion_ends() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    assert isinstance(instance(tree, 1), dict)


@pytest.mark.parametrize("schema", [{"$ref": "#/nowhere"}, {"$ref": "#"}, {}, {"type": "array"}])
def test_odd_schemas_give_something(schema: dict[str, object]) -> None:
    made = instance(schema, 1)
    assert isinstance(made, list) is (schema.get("type") == "array")
    assert msgspec.json.encode(made) == msgspec.json.encode(instance(schema, 1)), "and the same each time"
