"""Google's schemas: a subset of OpenAPI's, with type names in capitals, and nothing else allowed.

https://ai.google.dev/api/caching#Schema (2026-11-25). A field that JSON Schema has and this has not, such as
`additionalProperties` or `$ref`, makes Google refuse the request.
"""

from __future__ import annotations

from collections.abc import Mapping

from waypost.simulator.ask import Refused

Object = dict[str, object]

_FIELDS = frozenset(
    (
        *("type", "format", "title", "description", "nullable", "enum", "items", "maxItems", "minItems"),
        *("properties", "required", "minProperties", "maxProperties", "minLength", "maxLength", "pattern"),
        *("example", "anyOf", "propertyOrdering", "default", "minimum", "maximum"),
    )
)
_TYPES = frozenset(("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL", "TYPE_UNSPECIFIED"))


def camel(name: str) -> str:
    """`snake_case` as `snakeCase`; a leading underscore stays."""
    first, *rest = name.split("_")
    if not first or not rest:
        return name
    return first + "".join([part[:1].upper() + part[1:] for part in rest])


def camel_keys(given: object) -> Object:
    """An object's own names in camelCase; those within it stay as they are. {} for what is no object."""
    return {camel(str(name)): value for name, value in given.items()} if isinstance(given, dict) else {}


def check_schema(schema: Mapping[str, object], where: str) -> None:
    """Raises Refused for a field or a type that is not Google's."""
    for name, value in camel_keys(dict(schema)).items():
        if name not in _FIELDS:
            raise Refused(
                400,
                f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field.",
            )
        if name == "type" and str(value).upper() not in _TYPES:
            raise Refused(
                400, f"Invalid value at '{where}.type' (type.googleapis.com/google.ai.Type), \"{value}\""
            )
        if name == "properties" and isinstance(value, dict):
            for key, part in value.items():
                if isinstance(part, dict):
                    check_schema(part, f"{where}.properties[{key}]")
        elif name == "items" and isinstance(value, dict):
            check_schema(value, f"{where}.items")
        elif name == "anyOf" and isinstance(value, list):
            for part in value:
                if isinstance(part, dict):
                    check_schema(part, f"{where}.any_of")


def plain_schema(schema: Mapping[str, object]) -> Object:
    """The same as JSON Schema."""
    made: Object = {}
    for name, value in camel_keys(dict(schema)).items():
        if name == "type":
            made[name] = str(value).lower()
        elif name == "properties" and isinstance(value, dict):
            made[name] = {key: plain_schema(part) for key, part in value.items() if isinstance(part, dict)}
        elif name == "items" and isinstance(value, dict):
            made[name] = plain_schema(value)
        elif name == "anyOf" and isinstance(value, list):
            made[name] = [plain_schema(part) for part in value if isinstance(part, dict)]
        elif name in ("minItems", "maxItems", "minLength", "maxLength") and isinstance(value, str):
            # 64-bit numbers are strings in Google's JSON.
            made[name] = int(value) if value.isdigit() else 0
        else:
            made[name] = value
    return made
