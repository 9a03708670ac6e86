"""The board of an outage rehearsal: the real one, except for what the rehearsal breaks."""

from __future__ import annotations

from collections.abc import Callable

from waypost.config.targets import Target
from waypost.core.usage import Usage
from waypost.errors import UpstreamError
from waypost.routing.board import Board, Headers, Kind, Standing


class RehearsedStanding:
    """A broken target: what was measured of it is real, what becomes of it is the rehearsal's own."""

    def __init__(self, real: Standing, own: Standing) -> None:
        self._real = real
        self._own = own
        self.in_flight = real.in_flight + own.in_flight

    @property
    def failed_at(self) -> float:
        return max(self._real.failed_at, self._own.failed_at)

    def ready(self, now: float, tokens: int, crowded: bool) -> bool:
        return self._real.ready(now, tokens, crowded) and self._own.ready(now, tokens, crowded)

    def parked_until(self, now: float) -> float:
        return max(self._real.parked_until(now), self._own.parked_until(now))

    def ejected_until(self, now: float) -> float:
        return max(self._real.ejected_until(now), self._own.ejected_until(now))

    def probing(self, now: float) -> bool:
        return self._real.probing(now) or self._own.probing(now)

    def busy(self, now: float) -> bool:
        return self._real.busy(now) or self._own.busy(now)

    def headroom(self, now: float, tokens: int) -> float:
        return min(self._real.headroom(now, tokens), self._own.headroom(now, tokens))

    def measured(self, kind: Kind, percentile: int, input_tokens: int, now: float) -> float | None:
        return self._real.measured(kind, percentile, input_tokens, now)

    def failing(self, now: float, window_s: float) -> tuple[int, int]:
        real, own = self._real.failing(now, window_s), self._own.failing(now, window_s)
        return (real[0] + own[0], real[1] + own[1])

    def health(self, now: float) -> float:
        return min(self._real.health(now), self._own.health(now))


class RehearsedBoard:
    """`board.Board`. Attempts at broken targets are told to the rehearsal's own board: its breakers open and its
    credentials are parked for the rehearsal's exchanges alone, and nothing is left of it at the end."""

    def __init__(self, real: Board, own: Board, covers: Callable[[Target], bool]) -> None:
        self._real = real
        self._own = own
        self._covers = covers

    def _for(self, target: Target) -> Board:
        return self._own if self._covers(target) else self._real

    def of(self, target: Target) -> Standing:
        """See `board.Board`."""
        if self._covers(target):
            return RehearsedStanding(self._real.of(target), self._own.of(target))
        return self._real.of(target)

    def crowded(self) -> bool:
        """See `board.Board`."""
        return self._real.crowded() or self._own.crowded()

    def of_all(self, targets: tuple[Target, ...]) -> list[Standing]:
        """See `board.Board`."""
        return [self.of(target) for target in targets]

    def try_enter(self, target: Target, now: float, tokens: int) -> bool:
        """See `board.Board`."""
        return self._for(target).try_enter(target, now, tokens)

    def force_probe(self, target: Target, now: float, tokens: int) -> bool:
        """See `board.Board`."""
        return self._for(target).force_probe(target, now, tokens)

    def told(self, target: Target, now: float, headers: Headers) -> None:
        """See `board.Board`."""
        self._for(target).told(target, now, headers)

    def leave(self, target: Target, now: float, tokens: int, began: float | None = None) -> None:
        """See `board.Board`."""
        self._for(target).leave(target, now, tokens, began)

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
        """See `board.Board`."""
        self._for(target).succeeded(target, now, tokens, headers, usage, first_token_s, total_s)

    def failed(
        self,
        target: Target,
        now: float,
        tokens: int,
        error: UpstreamError,
        headers: Headers,
        began: float | None = None,
    ) -> None:
        """See `board.Board`."""
        self._for(target).failed(target, now, tokens, error, headers, began)

    def may_retry(self, target: Target, now: float) -> bool:
        """See `board.Board`."""
        return self._for(target).may_retry(target, now)
