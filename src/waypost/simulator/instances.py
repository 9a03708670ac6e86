"""A valid instance of a simple JSON Schema: what the simulator answers when a client asks for structured output.

Understood: `type` (one or a list), `properties`, `required`, `items`, `prefixItems`, `enum`, `const`, `anyOf`,
`oneOf`, `allOf` (the first that has a type), local `$ref`, `minimum`, `exclusiveMinimum`, `multipleOf`, `minItems`,
`minLength`, `maxLength` and the common `format`s. Every property is given, not only the required ones; recursion
ends at a depth of 12 with what `required` still needs.
"""

from __future__ import annotations

from collections.abc import Mapping

from waypost.simulator.dice import mix

WORDS = (
    "signal",
    "path",
    "river",
    "stone",
    "north",
    "lamp",
    "harbour",
    "tide",
    "cedar",
    "bridge",
    "meadow",
    "ember",
    "quiet",
    "copper",
    "orbit",
    "willow",
    "lantern",
    "canyon",
    "summit",
    "drift",
    "hollow",
    "marble",
    "thistle",
    "beacon",
)

_FORMATS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "email": "sim@example.com",
    "uri": "https://example.com/sim",
    "uuid": "3f2b8c1e-5d4a-4b6c-8e7f-0a1b2c3d4e5f",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "sim.example.com",
}

_MAX_DEPTH = 12


def instance(schema: Mapping[str, object], seed: int) -> object:
    """A value that the schema accepts; the same one for the same seed."""
    return _make(schema, schema, seed, 0)


def _make(schema: Mapping[str, object], root: Mapping[str, object], seed: int, depth: int) -> object:
    schema = _settled(schema, root)
    if "const" in schema:
        return schema["const"]
    options = schema.get("enum")
    if isinstance(options, list) and options:
        return options[mix(seed) % len(options)]
    match _type_of(schema):
        case "object":
            return _object(schema, root, seed, depth)
        case "array":
            return _array(schema, root, seed, depth)
        case "integer":
            return _number(schema, seed, whole=True)
        case "number":
            return _number(schema, seed, whole=False)
        case "boolean":
            return bool(mix(seed) & 1)
        case "null":
            return None
        case _:
            return _string(schema, seed)


def _settled(schema: Mapping[str, object], root: Mapping[str, object]) -> Mapping[str, object]:
    """Follow references and choices until there is something to make."""
    for _ in range(_MAX_DEPTH):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            schema = _referred(reference, root)
            continue
        for key in ("anyOf", "oneOf", "allOf"):
            branches = schema.get(key)
            if isinstance(branches, list) and branches and isinstance(branches[0], dict):
                schema = branches[0]
                break
        else:
            return schema
    return {}


def _referred(reference: str, root: Mapping[str, object]) -> Mapping[str, object]:
    found: object = root
    for step in reference.removeprefix("#").split("/")[1:]:
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _type_of(schema: Mapping[str, object]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _object(
    schema: Mapping[str, object], root: Mapping[str, object], seed: int, depth: int
) -> dict[str, object]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    required = schema.get("required")
    needed = set(required) if isinstance(required, list) else set()
    return {
        name: _make(part, root, mix(seed + place), depth + 1)
        for place, (name, part) in enumerate(properties.items())
        if isinstance(part, dict) and (depth < _MAX_DEPTH or (name in needed and depth < 2 * _MAX_DEPTH))
    }


def _array(schema: Mapping[str, object], root: Mapping[str, object], seed: int, depth: int) -> list[object]:
    fixed = schema.get("prefixItems")
    made: list[object] = []
    if isinstance(fixed, list):
        made = [
            _make(part, root, mix(seed + i), depth + 1)
            for i, part in enumerate(fixed)
            if isinstance(part, dict)
        ]
    items = schema.get("items")
    least = schema.get("minItems")
    wanted = least if isinstance(least, int) else 0 if depth >= _MAX_DEPTH else 1
    if isinstance(items, dict):
        made += [_make(items, root, mix(seed + i), depth + 1) for i in range(len(made), min(wanted, 100))]
    return made


def _number(schema: Mapping[str, object], seed: int, *, whole: bool) -> int | float:
    step = schema.get("multipleOf")
    if isinstance(step, int | float) and step > 0:
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        return step * (int(low // step) + 1) if isinstance(low, int | float) and low > 0 else step
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    low = schema.get("minimum")
    above = schema.get("exclusiveMinimum")
    if isinstance(low, int | float):
        return -int(-low // 1) if whole else low
    if isinstance(above, int | float):
        if whole:
            return int(above // 1) + 1
        return (above + high) / 2 if isinstance(high, int | float) else above + 1
    if isinstance(high, int | float):
        return int(high // 1) - 1 if whole else high - 1
    number = mix(seed) % 100
    return number if whole else number + 0.5


def _string(schema: Mapping[str, object], seed: int) -> str:
    form = schema.get("format")
    if isinstance(form, str) and form in _FORMATS:
        return _FORMATS[form]
    text = WORDS[mix(seed) % len(WORDS)]
    least, most = schema.get("minLength"), schema.get("maxLength")
    if isinstance(least, int) and len(text) < least:
        text = text.ljust(min(least, 100_000), "x")
    return text[:most] if isinstance(most, int) else text
