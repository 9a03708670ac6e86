"""Whether a canary is rolled back: decided from what is measured of it and of its stable side."""

from __future__ import annotations

import msgspec

from waypost.config.nodes import Canary, Node, targets_of
from waypost.routing.board import Board

#: Reading the windows of every target is too dear for each request.
_LOOK_EVERY_S = 1.0
_KEPT_MOST = 1024


class RolledBack(msgspec.Struct, frozen=True):
    """A canary that gets no more requests, until a new configuration."""

    name: str
    why: str
    at: float
    """Unix time in seconds."""


class _State:
    __slots__ = ("back", "looked")

    def __init__(self) -> None:
        self.looked = float("-inf")
        self.back: RolledBack | None = None


class Canaries:
    """The state of each canary, by its name and the targets on both sides: so it outlives a refresh of prices or of the
    models found, which makes new nodes of the same configuration. Keeps at most 1,024; the oldest is forgotten."""

    def __init__(self) -> None:
        self._states: dict[str, _State] = {}
        self._known: dict[int, tuple[Canary, _State]] = {}
        """The same by the identity of nodes, so that a request need not spell them out."""

    def rolled_back(self) -> list[RolledBack]:
        """Those that were, since the last new configuration."""
        return [state.back for state in self._states.values() if state.back is not None]

    def begin_anew(self) -> None:
        """There is a new configuration: every canary gets its share again."""
        self._states.clear()
        self._known.clear()

    def look(self, node: Canary, board: Board, at: float, now: float, input_tokens: int) -> RolledBack | None:
        """Whether this one is rolled back. Looks at the figures at most once a second; once it is, it stays so."""
        known = self._known.get(id(node))
        state = self._find(node) if known is None else known[1]
        if state.back is None and now - state.looked >= _LOOK_EVERY_S:
            state.looked = now
            why = worse(node, board, now, input_tokens)
            if why is not None:
                state.back = RolledBack(node.name, why, at)
        return state.back

    def _find(self, node: Canary) -> _State:
        if len(self._known) >= _KEPT_MOST:
            self._known.clear()
        sides = (node.stable, node.canary)
        told = [node.name, *(" ".join(target.label for target in targets_of(side)) for side in sides)]
        spelled = "\n".join(told)
        state = self._states.get(spelled)
        if state is None:
            if len(self._states) >= _KEPT_MOST:
                del self._states[next(iter(self._states))]
            state = self._states[spelled] = _State()
        self._known[id(node)] = (node, state)
        return state


def worse(node: Canary, board: Board, now: float, input_tokens: int) -> str | None:
    """What is worse about the canary than its node allows, for people; None: nothing, or too little is known."""
    requests, failures = _failing(node.canary, board, now, node.window_s)
    if requests < node.least:
        return None
    others, lost = _failing(node.stable, board, now, node.window_s)
    ratio = failures / requests
    usual = lost / others if others else 0.0
    if ratio - usual > node.errors:
        return f"{ratio:.1%} of its {requests} requests failed, {usual:.1%} of stable's {others}"
    wait = _first_token(node.canary, board, now, input_tokens)
    usual_wait = _first_token(node.stable, board, now, input_tokens)
    if wait is not None and usual_wait is not None and wait > node.slower * usual_wait:
        return f"its first token takes {wait:.3g} s, stable's {usual_wait:.3g} s"
    return None


def _failing(node: Node, board: Board, now: float, window_s: float) -> tuple[int, int]:
    requests = failures = 0
    for target in targets_of(node):
        made, failed = board.of(target).failing(now, window_s)
        requests += made
        failures += failed
    return requests, failures


def _first_token(node: Node, board: Board, now: float, input_tokens: int) -> float | None:
    """The median of the side's first target that was measured: the one that gets the side's requests, mostly."""
    for target in targets_of(node):
        median = board.of(target).measured("first_token", 50, input_tokens, now)
        if median is not None:
            return median
    return None
