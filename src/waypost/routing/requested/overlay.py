"""A request as the targets of one leaf are asked it: with defaults, overrides and without what is dropped."""

from __future__ import annotations

from typing import Protocol

import msgspec

from waypost.config.nodes import Canary, Conditional, Hedge, Keys, Leaf, Node, Overlay, Shadow
from waypost.core.asked import Asked, PathAsk
from waypost.dialects.dialect import NO_PATH
from waypost.dialects.fields import render_fields
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.errors import InvalidRequest
from waypost.routing.requested.paths import parse_path, without

#: What an overlay can not change: who answers, and how, was decided by then.
FIXED = frozenset(("model", "stream"))


class Parses(Protocol):
    """Of a `Dialect`, what is used here."""

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked: ...


def apply(
    overlay: Overlay | None,
    asked: Asked,
    dialect: Parses,
    limits: JsonLimits = DEFAULT,
    path: PathAsk = NO_PATH,
) -> Asked:
    """`asked` itself when nothing changes. Else the body is written anew and read again by its dialect, so that what is
    metered (output limit, tier, number of answers, input) is what is sent.

    Raises InvalidRequest: what the overlay makes of the request is none, or it is a form, which can not be changed.
    """
    if overlay is None or not (overlay.default or overlay.override or overlay.drop):
        return asked
    if asked.files:
        raise InvalidRequest(
            "This request goes to targets that change its fields (`override_params`, `default_params`, `drop_params`), "
            "and it is a form, which is passed as it is. Choose another route."
        )
    fields = asked.fields.copy()
    for name, raw in overlay.default.items():
        if name not in fields and name not in FIXED:
            fields[name] = raw
    for name, raw in overlay.override.items():
        if name not in FIXED:
            fields[name] = raw
    for text in overlay.drop:
        steps = parse_path(text)
        if steps[0] not in FIXED:
            fields = without(fields, steps)
    read = dialect.parse_ask(render_fields(fields), limits, path)
    return msgspec.structs.replace(
        read, model=asked.model, stream=asked.stream, drop_content=asked.drop_content
    )


def variants(
    node: Node | None,
    asked: Asked,
    dialect: Parses,
    limits: JsonLimits = DEFAULT,
    path: PathAsk = NO_PATH,
) -> tuple[Asked, ...]:
    """Every form in which a route's targets may be asked, so that enough is held for the dearest. `(asked,)` for a
    route without overlays. Raises as `apply` does."""
    if node is None:
        return (asked,)
    found: dict[int, Overlay | None] = {}
    _collect(node, found)
    made = {id(each): each for each in (apply(o, asked, dialect, limits, path) for o in found.values())}
    return tuple(made.values()) or (asked,)


def _collect(node: Node, found: dict[int, Overlay | None]) -> None:
    match node:
        case Leaf() | Keys():
            found.setdefault(id(node.overlay), node.overlay)
        case Conditional():
            for branch in node.branches:
                _collect(branch.then, found)
            if node.otherwise is not None:
                _collect(node.otherwise, found)
        case Canary():
            _collect(node.stable, found)
            _collect(node.canary, found)
        case Shadow():
            _collect(node.main, found)
            _collect(node.shadow, found)
        case Hedge():
            _collect(node.child, found)
        case _:
            for child in node.children:
                _collect(child, found)
