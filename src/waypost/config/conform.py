"""Does a tree have the shape of the schema? Every fault is reported, not only the first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache

from msgspec import inspect as shape

from waypost.config.describe import bare, expected
from waypost.config.problems import ConfigProblem, Path, did_you_mean, render_path
from waypost.config.tree import Node

MAX_PRICE = Decimal(1_000_000)
"""USD per million tokens. A dollar per token is a slip of the keyboard."""


def find_faults(root: Node, schema: type, file: str) -> list[ConfigProblem]:
    """Where the tree differs from `schema`, in the order of the file. Values are never quoted, except where one of
    a few known words belongs, because a value in the wrong place may be a secret."""
    return list(_Walk(file).walk(root, _shape(schema), ()))


@cache
def _shape(schema: type) -> shape.Type:
    """Looking at a large schema takes some milliseconds."""
    return shape.type_info(schema)


class _Walk:
    def __init__(self, file: str) -> None:
        self._file = file

    def walk(self, node: Node, kind: shape.Type, path: Path) -> Iterator[ConfigProblem]:
        inner, words = bare(kind)
        if isinstance(inner, shape.StructType):
            yield from self._walk_struct(node, inner, path)
        elif isinstance(inner, shape.ListType):
            if not isinstance(node.value, list):
                yield self._wrong(node, kind, path)
                return
            for index, item in enumerate(node.value):
                yield from self.walk(item, inner.item_type, (*path, index))
            if inner.min_length and len(node.value) < inner.min_length:
                yield self._problem(node, path, "the list is empty", "at least one item")
            if inner.max_length is not None and len(node.value) > inner.max_length:
                yield self._problem(node, path, "the list is too long", f"at most {inner.max_length} items")
        elif isinstance(inner, shape.DictType):
            if not isinstance(node.value, dict):
                yield self._wrong(node, kind, path)
                return
            for key, item in node.value.items():
                yield from self.walk(item, inner.value_type, (*path, key))
        elif not _fits(node.value, inner, Decimal(words.get("most", MAX_PRICE))):
            yield self._wrong(node, kind, path, words)

    def _walk_struct(self, node: Node, struct: shape.StructType, path: Path) -> Iterator[ConfigProblem]:
        if not isinstance(node.value, dict):
            yield self._wrong(node, struct, path)
            return
        fields = {field.encode_name: field for field in struct.fields}
        for key, item in node.value.items():
            field = fields.get(key)
            if field is None:
                line, column = node.keys[key]
                yield ConfigProblem(
                    self._file,
                    line,
                    column,
                    render_path((*path, key[:80])),
                    "there is no such setting",
                    expected="one of " + ", ".join(fields),
                    hint=did_you_mean(key, fields),
                )
            elif item.value is not None:
                yield from self.walk(item, field.type, (*path, key))
        for name, field in fields.items():
            given = node.value.get(name)
            if field.required and (given is None or given.value is None):
                yield self._problem(node, path, f"`{name}` is missing", expected(field.type), at=name)

    def _problem(
        self, node: Node, path: Path, message: str, wanted: str, at: str | None = None
    ) -> ConfigProblem:
        where = (*path, at) if at else path
        return ConfigProblem(self._file, node.line, node.column, render_path(where), message, wanted)

    def _wrong(
        self, node: Node, kind: shape.Type, path: Path, words: Mapping[str, str] | None = None
    ) -> ConfigProblem:
        words = words or {}
        inner, _ = bare(kind)
        message, hint = f"this is {_name_kind(node)}", words.get("hint")
        if isinstance(inner, shape.LiteralType) and isinstance(node.value, str):
            message = "this is none of the allowed words"
            hint = did_you_mean(node.value, [str(value) for value in inner.values])
        elif _same_kind(node, inner):
            message = words.get("refused", "this value is not allowed")
        return ConfigProblem(
            self._file, node.line, node.column, render_path(path), message, expected=expected(kind), hint=hint
        )


def _fits(value: object, kind: shape.Type, most: Decimal) -> bool:
    """Whether a scalar is of this type. Decimals are prices: finite, not below zero, and at most `most`."""
    if isinstance(kind, shape.AnyType):
        return True
    if isinstance(kind, shape.LiteralType):
        return value in kind.values
    if isinstance(kind, shape.BoolType):
        return isinstance(value, bool)
    if isinstance(kind, shape.IntType):
        return isinstance(value, int) and not isinstance(value, bool) and _within(value, kind.ge, kind.le)
    if isinstance(kind, shape.DecimalType):
        return _is_price(value, most)
    if isinstance(kind, shape.StrType) and isinstance(value, str):
        long_enough = _within(len(value), kind.min_length, kind.max_length)
        return long_enough and (kind.pattern is None or re.search(kind.pattern, value) is not None)
    return False


def _within(number: int, least: int | None, most: int | None) -> bool:
    return (least is None or number >= least) and (most is None or number <= most)


def _is_price(value: object, most: Decimal) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return False
    try:
        price = Decimal(value)
    except InvalidOperation:
        return False
    return price.is_finite() and 0 <= price <= most


def _same_kind(node: Node, kind: shape.Type) -> bool:
    """Whether the value is of the right sort, and only its content is wrong."""
    if isinstance(kind, shape.LiteralType | shape.StrType):
        return isinstance(node.value, str)
    if isinstance(kind, shape.IntType | shape.DecimalType):
        return isinstance(node.value, int | Decimal) and not isinstance(node.value, bool)
    return False


def _name_kind(node: Node) -> str:
    if isinstance(node.value, bool):
        return "true or false"
    if isinstance(node.value, int | Decimal):
        return "a number"
    if isinstance(node.value, str):
        return "a text"
    if isinstance(node.value, list):
        return "a list"
    return "a mapping" if isinstance(node.value, dict) else "nothing"
