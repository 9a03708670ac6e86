"""The tree of an organization's route as text: JSON in, checked against the schema of `routes`, and out again."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from waypost.config.conform import find_faults
from waypost.config.load import refuse
from waypost.config.problems import ConfigProblem, Path
from waypost.config.route_schema import KINDS, BranchConfig, NodeConfig, RouteConfig
from waypost.config.tree import Node
from waypost.core.org_route import TEXT_MAX
from waypost.errors import ConfigInvalid

#: How deep values may stand in each other: three levels for each of a route's 16, and what `set` and `default` hold.
_DEPTH_MAX: Final = 80
#: What stands beside the kinds and holds a node too.
_BESIDE: Final = ("otherwise", "stable", "main")
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_STORED: Final = msgspec.json.Decoder(NodeConfig, float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def parse_tree(text: str | bytes, name: str = "tree") -> NodeConfig:
    """A tree of the right shape. Raises ConfigInvalid with every problem found; `name` is what they are said of."""
    data = text.encode() if isinstance(text, str) else text
    if len(data) > TEXT_MAX:
        raise _refused(name, f"the tree is larger than {TEXT_MAX // 1024} KiB")
    try:
        value: object = _DECODER.decode(data)
        root = _node(value, 0)
    except _TooDeep:
        raise _refused(name, f"values are nested deeper than {_DEPTH_MAX} levels") from None
    except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError):
        raise _refused(name, "this is not JSON") from None
    problems = find_faults(root, NodeConfig, name)
    if problems:
        raise refuse(name, [msgspec.structs.replace(each, line=None, column=None) for each in problems])
    try:
        return msgspec.convert(root.plain(), NodeConfig)
    except msgspec.ValidationError:
        raise _refused(name, "the tree does not have the shape it should have") from None


def render_tree(tree: NodeConfig) -> str:
    """The one spelling of a tree, without a name."""
    fields = {field: getattr(tree, field) for field in NodeConfig.__struct_fields__}
    return _ENCODER.encode(NodeConfig(**fields)).decode()


def route_of(name: str, text: str) -> RouteConfig:
    """A tree that was stored, as the route of this name. Raises ConfigInvalid.

    It was checked when it was stored; looking for its faults takes a hundred times as long as reading it."""
    try:
        tree = _STORED.decode(text)
    except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError):
        tree = parse_tree(text, name)
    return RouteConfig(name=name, **{field: getattr(tree, field) for field in NodeConfig.__struct_fields__})


def nodes_of(tree: NodeConfig, path: Path = ()) -> Iterator[tuple[Path, NodeConfig]]:
    """Every node of a tree, each with its place."""
    yield path, tree
    for kind in (*KINDS, *_BESIDE):
        below = getattr(tree, kind)
        if isinstance(below, NodeConfig):
            yield from nodes_of(below, (*path, kind))
        elif isinstance(below, list):
            for place, each in enumerate(below):
                inner, at = (each.then, ("then",)) if isinstance(each, BranchConfig) else (each, ())
                yield from nodes_of(inner, (*path, kind, place, *at))


class _TooDeep(Exception):
    """It is not read any further."""


def _node(value: object, depth: int) -> Node:
    if depth > _DEPTH_MAX:
        raise _TooDeep
    if isinstance(value, list):
        return Node([_node(each, depth + 1) for each in value], 0, 0)
    if isinstance(value, dict):
        made = Node({key: _node(each, depth + 1) for key, each in value.items()}, 0, 0)
        made.keys = dict.fromkeys(value, (0, 0))
        return made
    if value is None or isinstance(value, str | int | Decimal):
        return Node(value, 0, 0)
    raise TypeError(type(value).__name__)


def _refused(name: str, message: str) -> ConfigInvalid:
    return refuse(name, [ConfigProblem(name, None, None, "", message)])
