"""Refuses JSON that is too deep or has too many values before anything is built from it, at C speed."""

from __future__ import annotations

import msgspec

from waypost.errors import TooLarge


class JsonLimits(msgspec.Struct, frozen=True):
    """What a body may hold. Values are counted, not built, so the node limit bounds time, not memory: embeddings of
    token arrays hold a million of them in an ordinary request."""

    depth: int = 64
    nodes: int = 2_000_000


DEFAULT = JsonLimits()

_KEPT = b'"[]{},'
_DELETED = bytes(set(range(256)) - set(_KEPT))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")


def check_json_size(body: bytes, limits: JsonLimits = DEFAULT) -> None:
    """Raises TooLarge when `body` nests deeper, or holds more values, than `limits` allow.

    Exact for valid JSON; for anything else it may pass, and the parser refuses it.
    """
    max_depth, max_nodes = limits.depth, limits.nodes
    opens = body.count(b"[") + body.count(b"{")
    # A value takes at least one byte and a separator, so a short body can not hold too many of them.
    if opens <= max_depth and len(body) <= 2 * max_nodes:
        return
    outline = _outline(body, 4 * max_nodes)
    nodes = outline.count(b",") + outline.count(b"[") + outline.count(b"{") + 1
    if nodes > max_nodes:
        raise _too_many(max_nodes)
    if _deeper_than(outline.translate(_ONE_KIND, b","), max_depth):
        raise TooLarge(
            f"The body nests deeper than {max_depth} levels, which is the limit. Send a flatter document."
        )


def _outline(body: bytes, max_quotes: int) -> bytes:
    """Only the brackets and commas outside strings."""
    if b"\\" in body:
        # Pairs go from the left, as an escape is read, so a quote that still has a backslash is inside a string.
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    kept = body.translate(None, _DELETED)
    if kept.count(b'"') > max_quotes:
        raise _too_many(max_quotes // 4)
    return b"".join(kept.split(b'"')[::2])


def _deeper_than(brackets: bytes, depth: int) -> bool:
    """Each round takes away the innermost level, so what is left after `depth` rounds is deeper."""
    if brackets.count(b"[") <= depth:
        return False
    for _ in range(depth):
        shorter = brackets.replace(b"[]", b"")
        if len(shorter) == len(brackets):
            # No pair left to take. What remains was never closed; a reader would have gone down all of it.
            return brackets.count(b"[") > depth
        brackets = shorter
    return bool(brackets)


def _too_many(limit: int) -> TooLarge:
    return TooLarge(f"The body holds more than {limit} JSON values, which is the limit. Send less at once.")
