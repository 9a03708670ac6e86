from __future__ import annotations

from typing import Any

import msgspec

from waypost.config.describe import describe_fields, field_docs, json_schema
from waypost.config.schema import Config, ProviderConfig


def test_every_field_is_documented() -> None:
    rows = describe_fields()
    assert len(rows) > 60
    assert [row.path for row in rows if not row.doc] == []
    assert [row.path for row in rows if len(row.doc) < 12] == []


def test_rows_say_type_and_default() -> None:
    rows = {row.path: row for row in describe_fields()}
    assert rows["server.port"].default == "4100"
    assert rows["models[].targets[].weight"].type == "whole number"
    assert rows["models[].name"].default == "required"
    assert (
        rows["ledger.durability"].type == "process | fsync"
        or rows["ledger.durability"].type == "fsync | process"
    )
    assert rows["discovery.environment"].default == "true"
    assert rows["providers[].models"].type == "list of text"


def test_a_node_of_a_route_is_described_once() -> None:
    paths = [row.path for row in describe_fields()]
    assert paths.index("routes[].name") < paths.index("routes[].target")
    assert "routes[].weighted[].weight" in paths
    assert "routes[].fallback[].target" not in paths
    node = json_schema()["$defs"]["NodeConfig"]  # type: ignore[index]
    assert {"required": ["fallback"]} in node["oneOf"]


def test_field_docs_are_one_line() -> None:
    docs = field_docs(ProviderConfig)
    assert docs["base_url"].startswith("Its URL up to the version")
    assert all("\n" not in text for text in docs.values())


def _objects(value: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if isinstance(value, dict):
        found.append(value)
        for item in value.values():
            found += _objects(item)
    elif isinstance(value, list):
        for item in value:
            found += _objects(item)
    return found


def test_json_schema_is_for_editors() -> None:
    schema = msgspec.json.decode(msgspec.json.encode(json_schema()))
    assert schema["title"] == "Waypost configuration"
    structs = [definition for definition in schema["$defs"].values() if "properties" in definition]
    assert len(structs) == len(msgspec.json.schema(Config)["$defs"])
    for struct in structs:
        assert struct["additionalProperties"] is False
        for field, entry in struct["properties"].items():
            assert entry["description"], field
    assert any(one.get("enum") == ["fsync", "process"] for one in _objects(schema))
    prices = schema["$defs"]["PricesConfig"]["properties"]
    for price in (prices["input"]["anyOf"][0], prices["images"]["additionalProperties"]):
        assert price["type"] == ["number", "string"]
        assert "format" not in price
