"""The way in to a target: a place there, in turn, and the board's leave; and the way out, which tells both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from waypost.config.targets import Target
from waypost.core.key import Key
from waypost.core.usage import Usage
from waypost.errors import Throttled, UpstreamError
from waypost.pipeline.queue import Waiting
from waypost.routing.board import Board, Headers
from waypost.routing.limiter import Limiter

#: `shut`: its breaker is open, its credential parked, or another probe is under way.
Entered = Literal["in", "busy", "shut"]


class Entrance:
    """Of all targets. Whoever is `in` leaves by exactly one of `succeeded`, `failed` and `leave`."""

    def __init__(self, limiter: Limiter, waiting: Waiting) -> None:
        self._limiter = limiter
        self._waiting = waiting
        self.crowded = waiting.crowded
        """For the board: whether any target may be busy."""

    def enter(
        self, board: Board, target: Target, now: float, tokens: int, *, forced: bool = False
    ) -> Entered:
        """Try to begin an attempt. `forced`: though its breaker is open (`Board.force_probe`)."""
        label = self._label(target)
        if not self._waiting.try_take(label, now):
            return "busy"
        if board.force_probe(target, now, tokens) if forced else board.try_enter(target, now, tokens):
            return "in"
        self._waiting.undo(label, now)
        return "shut"

    def busy(self, target: Target, _in_flight: int, now: float) -> bool:
        """For the board: whether it has as many requests under way as it takes."""
        return self._waiting.busy(self._label(target), now)

    async def wait(self, key: Key, targets: Sequence[Target], deadline: float) -> Target:
        """Wait in turn for a place at one of the targets, all of which are busy; `take` it then, or it is lost.

        Raises Overloaded."""
        labels = {self._label(target): target for target in targets}
        return labels[await self._waiting.enter(key, tuple(labels), deadline)]

    def take(self, board: Board, target: Target, now: float, tokens: int) -> bool:
        """Whether an attempt may begin, with a place that was waited for."""
        if board.try_enter(target, now, tokens):
            return True
        self._waiting.undo(target.label, now)
        return False

    def drop(self, target: Target, now: float) -> None:
        """Nothing will begin with a place that was waited for. In place of `take`."""
        self._waiting.undo(target.label, now)

    def leave(self, board: Board, target: Target, now: float, tokens: int, began: float) -> None:
        """See `Board.leave`."""
        board.leave(target, now, tokens, began)
        self._waiting.give_back(target.label, now, "other")

    def succeeded(
        self,
        board: Board,
        target: Target,
        now: float,
        tokens: int,
        headers: Headers,
        usage: Usage | None,
        first_token_s: float | None,
        total_s: float,
        *,
        rehearsed: bool = False,
    ) -> None:
        """See `Board.succeeded`. `rehearsed`: a drill had its part in it, so it tells nothing of the target's load."""
        board.succeeded(target, now, tokens, headers, usage, first_token_s, total_s)
        if rehearsed:
            self._waiting.give_back(target.label, now, "other")
        else:
            self._waiting.give_back(target.label, now, "ok", first_token_s)

    def failed(
        self,
        board: Board,
        target: Target,
        now: float,
        tokens: int,
        error: UpstreamError,
        headers: Headers,
        began: float,
        *,
        rehearsed: bool = False,
    ) -> None:
        """See `Board.failed`. `rehearsed`: as in `succeeded`."""
        board.failed(target, now, tokens, error, headers, began)
        overload = isinstance(error, Throttled) and not rehearsed
        self._waiting.give_back(target.label, now, "overload" if overload else "other")

    def _label(self, target: Target) -> str:
        provider, label = target.provider, target.label
        if self._limiter.capped or provider.key_concurrency is not None or provider.key_rpm is not None:
            self._limiter.of(label, provider.label, provider.key_concurrency, provider.key_rpm)
        return label
