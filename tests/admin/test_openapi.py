"""The document: whole, true, and the same as what the API does."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import msgspec
import pytest

from admin.rig import World
from waypost.admin.openapi import FieldTexts, render
from waypost.admin.organizations import OrganizationBody


@pytest.fixture
def document(world: World) -> dict[str, Any]:
    return msgspec.json.decode(msgspec.json.encode(render(world.admin.table.routes, "1.2.3")))  # type: ignore[no-any-return]


def test_every_route_is_in_it(world: World, document: dict[str, Any]) -> None:
    for row in world.admin.table.routes:
        told = document["paths"][row.path][row.method.lower()]
        assert told["operationId"] == row.name
        assert told["x-permission"] == (
            row.permission if isinstance(row.permission, str) else list(row.permission)
        )
        assert (told.get("security") == []) == (row.permission == "public")
        names = {each["name"] for each in told.get("parameters", []) if each["in"] == "path"}
        assert names == {part[1:-1] for part in row.parts if part[0] == "{"}
        assert set(map(str, (row.status, *row.also, 400, 503))) <= set(told["responses"])


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    found = set()

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if isinstance(ref := value.get("$ref"), str):
                found.add(ref.removeprefix("#/components/schemas/"))
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(document)
    assert found <= set(schemas)
    for name, schema in schemas.items():
        assert schema.get("description"), name
        jsonschema_rs.validator_for({**schema, "components": document["components"]})


def test_examples_are_taken(world: World) -> None:
    shown = [row for row in world.admin.table.routes if row.takes is not None and row.example is not None]
    assert len(shown) >= 10
    for row in shown:
        msgspec.json.decode(msgspec.json.encode(row.example), type=row.takes)


def test_texts_of_fields_become_descriptions(document: dict[str, Any]) -> None:
    texts = FieldTexts()
    assert texts.of(OrganizationBody)["suspended"].startswith("None of its keys works")
    assert texts.of(int) == {}
    assert texts.of(type("Made", (), {"__module__": "nowhere"})) == {}
    for name in ("OrganizationBody", "OrganizationPatch"):
        told = document["components"]["schemas"][name]["properties"]["suspended"]
        assert told["description"].startswith("None of its keys works")
