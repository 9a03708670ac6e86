"""Google's own schemas as JSON Schema, and back: its types are in capitals, and null is a flag.

https://ai.google.dev/api/caching#Schema (2026-11-25). From other dialects a schema goes out as JSON Schema, in
`parametersJsonSchema` and `responseJsonSchema`, which every model since Gemini 2.5 takes
(https://ai.google.dev/gemini-api/docs/structured-output, 2026-11-25): nothing is converted then.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from waypost.dialects.taking import Json

_TYPES = frozenset({"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"})
#: Fields that hold one schema, a list of them, or schemas by name.
_ONE = frozenset({"items", "additionalProperties", "additional_properties"})
_MANY = frozenset({"anyOf", "any_of", "prefixItems", "prefix_items"})
_NAMED = frozenset({"properties", "defs", "$defs"})
#: Counts that Google writes as text, being 64 bits wide.
_COUNTS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
_CAMEL = {
    "any_of": "anyOf",
    "prefix_items": "prefixItems",
    "additional_properties": "additionalProperties",
    "property_ordering": "propertyOrdering",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_properties": "minProperties",
    "max_properties": "maxProperties",
    "defs": "$defs",
    "ref": "$ref",
}
#: Marks in `Extras.form`: it was Google's schema, and its types were in capitals.
GOOGLE, CAPITALS = "schema", "capitals"


def to_json_schema(raw: msgspec.Raw) -> tuple[msgspec.Raw, str] | None:
    """Google's schema as JSON Schema, and the marks for the way back. None: it is no object."""
    document = _decode(raw)
    if not isinstance(document, dict):
        return None
    marks = GOOGLE if _lower_only(document) else f"{GOOGLE} {CAPITALS}"
    return msgspec.Raw(msgspec.json.encode(_walk(document, _plain))), marks


def from_json_schema(raw: msgspec.Raw, words: list[str]) -> msgspec.Raw:
    """The way back, for a schema that `to_json_schema` made."""
    document = _decode(raw)
    if not isinstance(document, dict):
        return raw
    capitals = CAPITALS in words
    return msgspec.Raw(msgspec.json.encode(_walk(document, lambda schema: _google(schema, capitals))))


def label(raw: msgspec.Raw, title: str | None, description: str | None) -> msgspec.Raw:
    """A JSON Schema with a name and a description, where it has none of its own."""
    document = _decode(raw)
    if not isinstance(document, dict) or (title is None and description is None):
        return raw
    if title is not None:
        document.setdefault("title", title)
    if description is not None:
        document.setdefault("description", description)
    return msgspec.Raw(msgspec.json.encode(document))


def _decode(raw: msgspec.Raw) -> object:
    try:
        document: object = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return None
    return document


def _walk(schema: object, change: Callable[[Json], Json]) -> object:
    if not isinstance(schema, dict):
        return schema
    out: Json = {}
    for name, value in schema.items():
        if name in _ONE:
            out[name] = _walk(value, change)
        elif name in _MANY and isinstance(value, list):
            out[name] = [_walk(each, change) for each in value]
        elif name in _NAMED and isinstance(value, dict):
            out[name] = {key: _walk(each, change) for key, each in value.items()}
        else:
            out[name] = value
    return change(out)


def _lower_only(schema: Json) -> bool:
    found: list[object] = []

    def note(each: Json) -> Json:
        found.append(each.get("type"))
        return each

    _walk(schema, note)
    return not any(isinstance(kind, str) and kind in _TYPES for kind in found)


def _plain(schema: Json) -> Json:
    out: Json = {_CAMEL.get(name, name): value for name, value in schema.items()}
    for name in _COUNTS & out.keys():
        value = out[name]
        if isinstance(value, str) and value.isdigit():
            out[name] = int(value)
    kind = out.get("type")
    if isinstance(kind, str) and kind in _TYPES:
        kind = out["type"] = kind.lower()
    if out.get("nullable") is True and isinstance(kind, str):
        del out["nullable"]
        out["type"] = [kind, "null"]
        if isinstance(out.get("enum"), list):
            out["enum"] = [*_listed(out["enum"]), None]
    return out


def _google(schema: Json, capitals: bool) -> Json:
    out = dict(schema)
    kind = out.get("type")
    if isinstance(kind, list) and len(kind) == 2 and kind[1] == "null":
        kind = out["type"] = kind[0]
        out["nullable"] = True
        if isinstance(out.get("enum"), list):
            out["enum"] = [each for each in _listed(out["enum"]) if each is not None]
    if capitals and isinstance(kind, str):
        out["type"] = kind.upper()
    return out


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
