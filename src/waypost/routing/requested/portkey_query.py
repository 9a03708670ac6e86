"""Conditions in Portkey's form: https://portkey.ai/docs/product/ai-gateway/conditional-routing (2026-08-21).

All parts of a query have to hold, `$and` and `$or` beside other parts too. A part asks for one value: `metadata.NAME`
or `params.NAME`, a top-level field of the body; these are members of the facets `metadata` and `body`. A value that is
not there makes every operator False but `$ne` and `$nin`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import msgspec

from waypost.config.nodes import Facets
from waypost.routing.requested.pattern import Patterns

Test = Callable[[Facets], bool]
Compare = Callable[[object], bool]

_DEPTH_MAX = 8
_PARTS_MAX = 128
_LIST_MAX = 256
#: Facets by what Portkey calls them.
_ROOTS = {"metadata": "metadata", "params": "body"}
_SCALAR = (str, int, float, bool)


class Query:
    """A `Condition` over metadata and fields of the body."""

    __slots__ = ("_test", "text")

    def __init__(self, text: str, test: Test) -> None:
        self.text = text
        self._test = test

    def holds(self, facets: Facets) -> bool:
        """Never raises."""
        return self._test(facets)


def compile_query(raw: bytes, patterns: Patterns) -> Query:
    """A `query` object. `patterns`: those of its config. Raises ValueError, with words for people."""
    try:
        written = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        raise ValueError("it has to be an object") from None
    return Query(raw.decode("utf-8", "replace"), _Compiler(patterns).all_of(written, 0))


class _Compiler:
    """One query; counts its parts."""

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns
        self._parts = 0

    def all_of(self, written: object, depth: int) -> Test:
        if not isinstance(written, dict) or not written:
            raise ValueError("it has to be an object with at least one condition")
        if depth > _DEPTH_MAX:
            raise ValueError(f"it nests deeper than {_DEPTH_MAX} levels")
        return _every([self._part(str(name), value, depth) for name, value in written.items()])

    def _part(self, name: str, value: object, depth: int) -> Test:
        self._parts += 1
        if self._parts > _PARTS_MAX:
            raise ValueError(f"it has more than {_PARTS_MAX} parts")
        if name in ("$and", "$or"):
            if not isinstance(value, list) or not value:
                raise ValueError(f"{name} takes an array of conditions")
            parts = [self.all_of(each, depth + 1) for each in value]
            return _every(parts) if name == "$and" else _some(parts)
        if name.startswith("$"):
            raise ValueError(f"there is no operator {name[:32]!r} here: $and and $or are")
        root, _, member = name.partition(".")
        if not member or root not in _ROOTS:
            raise ValueError(f"{name[:64]!r} can not be asked for here: metadata.NAME and params.NAME can")
        return _asking(_ROOTS[root], member, _compare(value, self._patterns))


def _every(parts: list[Test]) -> Test:
    return parts[0] if len(parts) == 1 else lambda facets: all(part(facets) for part in parts)


def _some(parts: list[Test]) -> Test:
    return lambda facets: any(part(facets) for part in parts)


def _asking(facet: str, member: str, compare: Compare) -> Test:
    def test(facets: Facets) -> bool:
        try:
            members = facets[facet]
        except LookupError:
            members = None
        return compare(members.get(member) if isinstance(members, Mapping) else None)

    return test


def _compare(written: object, patterns: Patterns) -> Compare:
    if not isinstance(written, dict):
        return _equals(_scalar(written, "a condition"))
    if not written:
        raise ValueError("a condition without an operator says nothing")
    parts = [_operator(str(name), value, patterns) for name, value in written.items()]
    return parts[0] if len(parts) == 1 else lambda value: all(part(value) for part in parts)


def _operator(name: str, written: object, patterns: Patterns) -> Compare:
    if name in _ORDERED:
        return _ordered(name, written)
    if name in ("$in", "$nin"):
        if not isinstance(written, list) or len(written) > _LIST_MAX:
            raise ValueError(f"{name} takes an array of up to {_LIST_MAX} values")
        ones = [_equals(_scalar(each, name)) for each in written]
        inside = name == "$in"
        return lambda value: any(one(value) for one in ones) is inside
    if name == "$eq":
        return _equals(_scalar(written, name))
    if name == "$ne":
        equal = _equals(_scalar(written, name))
        return lambda value: not equal(value)
    if name == "$regex":
        if not isinstance(written, str):
            raise ValueError("$regex takes a text")
        found = patterns.make(written).found_in
        return lambda value: isinstance(value, str) and found(value)
    raise ValueError(
        f"there is no operator {name[:32]!r}: $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin and $regex are"
    )


def _scalar(written: object, where: str) -> object:
    if written is None or isinstance(written, _SCALAR):
        return written
    raise ValueError(f"{where} takes a text, a number, true or false")


def _equals(wanted: object) -> Compare:
    """By JSON's types: 1 is 1.0, and neither `"1"` nor true. What is missing equals nothing."""
    if isinstance(wanted, bool):
        return lambda value: value is wanted
    if isinstance(wanted, int | float):
        return lambda value: (
            isinstance(value, int | float) and not isinstance(value, bool) and value == wanted
        )
    if isinstance(wanted, str):
        return lambda value: isinstance(value, str) and value == wanted
    return lambda _: False


_ORDERED: Mapping[str, Callable[[float, float], bool]] = {
    "$gt": lambda left, right: left > right,
    "$gte": lambda left, right: left >= right,
    "$lt": lambda left, right: left < right,
    "$lte": lambda left, right: left <= right,
}


def _ordered(name: str, written: object) -> Compare:
    bound = _number(written)
    if bound is None:
        raise ValueError(f"{name} takes a number")
    order = _ORDERED[name]

    def compare(value: object) -> bool:
        number = _number(value)
        return number is not None and order(number, bound)

    return compare


def _number(value: object) -> float | None:
    """Numbers, and texts that are one: metadata has texts only."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
