"""A tree of nodes as lines of text, for people and for comparing."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from waypost.config.nodes import (
    Canary,
    Conditional,
    Fastest,
    Hedge,
    Keys,
    Leaf,
    Need,
    Node,
    Overlay,
    Shadow,
    Weighted,
)
from waypost.core.money import render_usd


def outline(node: Node) -> list[str]:
    """One line for each node, two spaces deeper for what is below it."""
    return list(_lines(node, "", ""))


def _lines(node: Node, indent: str, before: str) -> Iterator[str]:
    yield indent + before + ", ".join(part for part in (_say(node), *_needs(node.need)) if part)
    deeper = indent + "  "
    match node:
        case Leaf() | Keys():
            yield from (deeper + line for line in _overlay(node.overlay))
        case Weighted():
            for child, weight in zip(node.children, node.weights, strict=True):
                yield from _lines(child, deeper, f"{weight}: ")
        case Conditional():
            for branch in node.branches:
                yield from _lines(branch.then, deeper, f"when {' '.join(branch.when.text.split())}: ")
            if node.otherwise is not None:
                yield from _lines(node.otherwise, deeper, "otherwise: ")
        case Canary():
            yield from _lines(node.canary, deeper, "canary: ")
            yield from _lines(node.stable, deeper, "stable: ")
        case Shadow():
            yield from _lines(node.main, deeper, "main: ")
            yield from _lines(node.shadow, deeper, "shadow: ")
        case Hedge():
            yield from _lines(node.child, deeper, "")
        case _:
            for child in node.children:
                yield from _lines(child, deeper, "")


def _say(node: Node) -> str:
    match node:
        case Leaf():
            return node.target.label
        case Keys():
            keys = ", ".join(target.provider.key_name for target in node.targets)
            return f"{node.targets[0].name} with the keys {keys}"
        case Weighted():
            return "weighted" + _sticky(node.sticky)
        case Fastest():
            return f"fastest by {node.by}"
        case Canary():
            judged = f"at {node.errors:g} more errors or {node.slower:g} times slower"
            over = f"of {node.least} in {node.window_s:g} s"
            return f"canary for {node.percent:g} %{_sticky(node.sticky)}, back {judged} {over}"
        case Shadow():
            return f"shadow of {node.percent:g} %"
        case Hedge():
            return (
                "hedge after its 95th percentile"
                if node.after_s is None
                else f"hedge after {node.after_s:g} s"
            )
        case _:
            return _WORDS.get(type(node).__name__, type(node).__name__.lower())


_WORDS = {"LeastBusy": "least busy"}


def _sticky(names: tuple[str, ...]) -> str:
    return f" sticky by {' + '.join(names)}" if names else ""


def _needs(need: Need | None) -> Iterator[str]:
    if need is None:
        return
    if need.context is not None:
        yield f"context of {need.context:,}"
    if need.max_price is not None:
        for kind, most in msgspec.structs.asdict(need.max_price).items():
            if most is not None:
                yield f"{kind} at most ${render_usd(most)}"
    for holds, word in ((need.no_training, "no training"), (need.zero_retention, "zero retention")):
        if holds:
            yield word
    for before, between, words in (
        ("with", "+", sorted(need.features)),
        ("in", "or", sorted(need.regions)),
        ("as", "or", sorted(need.quantizations)),
        ("only", "or", need.only),
        ("not", "or", need.ignore),
    ):
        if words:
            yield f"{before} {f' {between} '.join(words)}"


def _overlay(overlay: Overlay | None) -> Iterator[str]:
    if overlay is None:
        return
    for word, fields in (("default", overlay.default), ("set", overlay.override)):
        for name, raw in fields.items():
            yield f"{word} {name} = {bytes(raw).decode()}"
    if overlay.drop:
        yield f"drop {', '.join(overlay.drop)}"
    if overlay.timeout_s is not None:
        yield f"timeout {overlay.timeout_s:g} s"
    if overlay.retries is not None:
        yield f"retries {overlay.retries}"
    for word, statuses in (("retry on", overlay.retry_on), ("fallback on", overlay.fallback_on)):
        if statuses is not None:
            yield f"{word} {', '.join(map(str, sorted(statuses))) or 'nothing'}"
