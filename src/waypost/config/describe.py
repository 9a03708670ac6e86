"""What the schema says of itself: documentation rows, a JSON Schema with descriptions, and words for types."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterator

import msgspec
from msgspec import inspect as shape

from waypost.config.route_schema import KINDS, NodeConfig
from waypost.config.schema import Config

_PLAIN = {
    shape.BoolType: "true or false",
    shape.StrType: "a text",
    shape.IntType: "a whole number",
    shape.DecimalType: "a number",
}
_LABELS = {
    shape.BoolType: "boolean",
    shape.StrType: "text",
    shape.IntType: "whole number",
    shape.DecimalType: "number",
}


class FieldRow(msgspec.Struct, frozen=True):
    """One line of the config reference."""

    path: str
    """Such as `models[].targets[].weight`."""
    type: str
    default: str
    """As it is written in YAML; `required` when there is none."""
    doc: str


def field_docs(struct: type) -> dict[str, str]:
    """The text under each field of a struct and of those it extends, on one line each."""
    docs: dict[str, str] = {}
    for extended in struct.__bases__:
        if extended is not msgspec.Struct and issubclass(extended, msgspec.Struct):
            docs.update(field_docs(extended))
    return {**docs, **_own_docs(struct)}


def _own_docs(struct: type) -> dict[str, str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(struct)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    docs: dict[str, str] = {}
    for statement, following in itertools.pairwise(body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            docs[statement.target.id] = " ".join(following.value.value.split())
    return docs


def bare(kind: shape.Type) -> tuple[shape.Type, dict[str, str]]:
    """A type without its wrapper and without `None`, and the words the schema gave it."""
    words: dict[str, str] = {}
    if isinstance(kind, shape.UnionType):
        others = [one for one in kind.types if not isinstance(one, shape.NoneType)]
        kind = others[0]
    if isinstance(kind, shape.Metadata):
        words = kind.extra or {}
        kind = kind.type
    return kind, words


def expected(kind: shape.Type) -> str:
    """What belongs at a place of this type, in words: `a whole number, at least 1`."""
    kind, words = bare(kind)
    if "expected" in words:
        return words["expected"]
    if isinstance(kind, shape.LiteralType):
        return "one of " + ", ".join(str(value) for value in kind.values)
    if isinstance(kind, shape.ListType):
        return "a list, one item per `- `"
    if isinstance(kind, shape.DictType):
        values, _ = bare(kind.value_type)
        return f"a mapping of names to {'values' if isinstance(values, shape.AnyType) else 'texts'}"
    if isinstance(kind, shape.StructType):
        return (
            "a mapping with "
            + ", ".join(field.encode_name for field in kind.fields[:5])
            + (", …" if len(kind.fields) > 5 else "")
        )
    text = _PLAIN[type(kind)]
    if isinstance(kind, shape.IntType):
        if kind.ge is not None and kind.le is not None:
            text += f" from {kind.ge} to {kind.le}"
        elif kind.ge is not None:
            text += f", at least {kind.ge}"
    return text


def label(kind: shape.Type) -> str:
    """The type's name in the reference: `duration`, `list of text`, ``a | b``."""
    kind, words = bare(kind)
    if "label" in words:
        return words["label"]
    if isinstance(kind, shape.LiteralType):
        return " | ".join(str(value) for value in kind.values)
    if isinstance(kind, shape.ListType):
        return f"list of {label(kind.item_type)}"
    if isinstance(kind, shape.DictType):
        return f"mapping of {label(kind.key_type)} to {label(kind.value_type)}"
    if isinstance(kind, shape.StructType):
        return kind.cls.__name__.removesuffix("Config").lower()
    return _LABELS[type(kind)]


def describe_fields(root: type = Config) -> list[FieldRow]:
    """Every field of the configuration, in the order of the schema, parents before their children."""
    return list(_rows(_struct(root), ""))


def _struct(root: type) -> shape.StructType:
    kind = shape.type_info(root)
    if not isinstance(kind, shape.StructType):
        raise TypeError(f"{root.__name__} is not a struct")
    return kind


def _rows(struct: shape.StructType, prefix: str, told: frozenset[str] = frozenset()) -> Iterator[FieldRow]:
    """`told`: fields of structs around this one that are of its own family, which say themselves what they are."""
    docs = field_docs(struct.cls)
    family = _family(struct.cls)
    known = told | {f"{family.__name__}.{field.name}" for field in struct.fields}
    for field in sorted(struct.fields, key=lambda field: not field.required):
        if f"{family.__name__}.{field.name}" in told:
            continue
        path = prefix + field.encode_name
        yield FieldRow(path, label(field.type), _default(field), docs.get(field.name, ""))
        inner, _ = bare(field.type)
        if isinstance(inner, shape.ListType):
            path += "[]"
            inner, _ = bare(inner.item_type)
        if isinstance(inner, shape.StructType):
            yield from _rows(inner, path + ".", known)


def _family(struct: type) -> type:
    """The struct that this one extends, and so on to the first."""
    extended = [
        one for one in struct.__mro__ if one is not msgspec.Struct and issubclass(one, msgspec.Struct)
    ]
    return extended[-1]


def _default(field: shape.Field) -> str:
    if field.required:
        return "required"
    if field.default is msgspec.NODEFAULT:
        value: object = field.default_factory()
    else:
        value = field.default
    if isinstance(value, msgspec.Struct) or value is None or value == [] or value == {}:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def json_schema(root: type = Config, title: str = "Waypost configuration") -> dict[str, object]:
    """JSON Schema (2020-12) of `waypost.yaml`, or of another file, with the field documentation as descriptions, for
    editors."""
    schema = msgspec.json.schema(root)
    structs = {kind.__name__: kind for kind in _structs(_struct(root))}
    definitions: dict[str, dict[str, object]] = schema["$defs"]
    for name, definition in definitions.items():
        docs = field_docs(structs[name])
        properties = definition["properties"]
        if not isinstance(properties, dict):
            continue
        for field, entry in properties.items():
            described = {"$ref": entry["$ref"]} if set(entry) == {"$ref", "default"} else dict(entry)
            properties[field] = {"description": docs.get(field, ""), **_open_prices(described)}
        if issubclass(structs[name], NodeConfig):
            definition["oneOf"] = [{"required": [kind]} for kind in KINDS]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": " ".join((root.__doc__ or "").split()),
        **schema,
    }


def _open_prices(entry: dict[str, object]) -> dict[str, object]:
    """msgspec writes a decimal as a text; in YAML it is a number as well."""
    choices = entry.get("anyOf")
    if isinstance(choices, list):
        return {**entry, "anyOf": [_open_prices(choice) for choice in choices]}
    inside = entry.get("additionalProperties")
    if isinstance(inside, dict):
        return {**entry, "additionalProperties": _open_prices(inside)}
    if entry.get("format") != "decimal":
        return entry
    rest = {name: value for name, value in entry.items() if name != "format"}
    return {**rest, "type": ["number", "string"], "minimum": 0}


def _structs(struct: shape.StructType) -> Iterator[type]:
    """Each once; a node of a route has nodes."""
    found: dict[type, None] = {}
    waiting = [struct]
    while waiting:
        struct = waiting.pop()
        if struct.cls in found:
            continue
        found[struct.cls] = None
        for field in struct.fields:
            inner, _ = bare(field.type)
            if isinstance(inner, shape.ListType):
                inner, _ = bare(inner.item_type)
            if isinstance(inner, shape.StructType):
                waiting.append(inner)
    yield from found
