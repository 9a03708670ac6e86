"""Health as it is said to be: for tables of cases, and for planning where nothing was measured."""

# ruff: noqa: ARG002  # what is said to be so does not depend on when it is asked

from __future__ import annotations

from collections.abc import Collection
from math import inf

from waypost.config.targets import Target
from waypost.core.usage import Usage
from waypost.errors import UpstreamError
from waypost.routing.board import Headers, Kind


class FixedStanding:
    """`board.Standing` of a target that stays as it is."""

    def __init__(self, *, down: bool = False, parked: bool = False) -> None:
        self.in_flight = 0
        self.failed_at = 0.0 if down else -inf
        self._down = down
        self._parked = parked

    def ready(self, now: float, tokens: int, crowded: bool) -> bool:
        return not (self._down or self._parked)

    def parked_until(self, now: float) -> float:
        """For ever, or not at all."""
        return inf if self._parked else 0.0

    def ejected_until(self, now: float) -> float:
        """For ever, or not at all."""
        return inf if self._down else 0.0

    def probing(self, now: float) -> bool:
        return False

    def busy(self, now: float) -> bool:
        return False

    def headroom(self, now: float, tokens: int) -> float:
        return 1.0

    def measured(self, kind: Kind, percentile: int, input_tokens: int, now: float) -> float | None:
        """Nothing was measured."""
        return None

    def failing(self, now: float, window_s: float) -> tuple[int, int]:
        return (0, 0)

    def health(self, now: float) -> float:
        return 0.0 if self._down else 1.0


class FixedBoard:
    """`board.Board` on which every target is healthy, but those of the providers (or the targets, by name or label)
    that are said to be `down` or `parked`. Attempts change nothing."""

    def __init__(self, down: Collection[str] = (), parked: Collection[str] = ()) -> None:
        self._down = frozenset(down)
        self._parked = frozenset(parked)
        self._standings: dict[int, tuple[Target, FixedStanding]] = {}

    def of(self, target: Target) -> FixedStanding:
        """See `board.Board`."""
        found = self._standings.get(id(target))
        if found is None:
            names = {target.provider.name, target.name, target.label}
            standing = FixedStanding(down=bool(names & self._down), parked=bool(names & self._parked))
            found = self._standings[id(target)] = (target, standing)
        return found[1]

    def crowded(self) -> bool:
        """Nobody is busy."""
        return False

    def of_all(self, targets: tuple[Target, ...]) -> list[FixedStanding]:
        """See `board.Board`."""
        return [self.of(target) for target in targets]

    def try_enter(self, target: Target, now: float, tokens: int) -> bool:
        """Whether it is neither down nor parked."""
        standing = self.of(target)
        return standing.parked_until(now) <= now and standing.ejected_until(now) <= now

    def force_probe(self, target: Target, now: float, tokens: int) -> bool:
        """What is down stays down."""
        return False

    def told(self, target: Target, now: float, headers: Headers) -> None:
        """Nothing is learned."""

    def leave(self, target: Target, now: float, tokens: int, began: float | None = None) -> None:
        """Nothing is counted."""

    def succeeded(
        self,
        target: Target,
        now: float,
        tokens: int,
        headers: Headers,
        usage: Usage | None,
        first_token_s: float | None,
        total_s: float,
    ) -> None:
        """Nothing is learned."""

    def failed(
        self,
        target: Target,
        now: float,
        tokens: int,
        error: UpstreamError,
        headers: Headers,
        began: float | None = None,
    ) -> None:
        """Nothing is learned."""

    def may_retry(self, target: Target, now: float) -> bool:
        return True
