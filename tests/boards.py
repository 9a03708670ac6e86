"""A board of health that lets everything through, and a planner whose plans can be added to."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from waypost.config.snapshot import Route
from waypost.config.targets import Target
from waypost.core.usage import Usage
from waypost.errors import UpstreamError
from waypost.routing.board import Board, Kind
from waypost.routing.plan import Planner
from waypost.routing.planned import Candidate, Chosen, Plan
from waypost.routing.view import View


class Calm:
    """The standing of a target of which nothing is known."""

    in_flight = 0
    failed_at = 0.0

    def ready(self, now: float, tokens: int, crowded: bool) -> bool:
        return True

    def parked_until(self, now: float) -> float:
        return 0.0

    def ejected_until(self, now: float) -> float:
        return 0.0

    def probing(self, now: float) -> bool:
        return False

    def busy(self, now: float) -> bool:
        return False

    def headroom(self, now: float, tokens: int) -> float:
        return 1.0

    def measured(self, kind: Kind, percentile: int, input_tokens: int, now: float) -> float | None:
        return None

    def failing(self, now: float, window_s: float) -> tuple[int, int]:
        return 0, 0

    def health(self, now: float) -> float:
        return 1.0


class OpenBoard:
    """Lets every attempt through but those of `closed` providers, and writes down what it is told."""

    def __init__(self) -> None:
        self.ends: list[tuple[str, str]] = []
        self.heard: list[str] = []
        self.closed: set[str] = set()
        self.under_way: dict[str, int] = {}
        self.retries = 100

    def of(self, target: Target) -> Calm:
        return Calm()

    def of_all(self, targets: tuple[Target, ...]) -> list[Calm]:
        return [self.of(target) for target in targets]

    def crowded(self) -> bool:
        return False

    def try_enter(self, target: Target, now: float, tokens: int) -> bool:
        name = target.provider.name
        if name in self.closed:
            return False
        self.under_way[name] = self.under_way.get(name, 0) + 1
        return True

    def _left(self, target: Target, what: str) -> None:
        self.under_way[target.provider.name] -= 1
        self.ends.append((target.provider.name, what))

    def told(self, target: Target, now: float, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.heard.append(target.provider.name)

    def force_probe(self, target: Target, now: float, tokens: int) -> bool:
        return False

    def leave(self, target: Target, now: float, tokens: int, began: float | None = None) -> None:
        self._left(target, "left")

    def succeeded(
        self,
        target: Target,
        now: float,
        tokens: int,
        headers: Sequence[tuple[bytes, bytes]],
        usage: Usage | None,
        first_token_s: float | None,
        total_s: float,
    ) -> None:
        self._left(target, "ok")

    def failed(
        self,
        target: Target,
        now: float,
        tokens: int,
        error: UpstreamError,
        headers: Sequence[tuple[bytes, bytes]],
        began: float | None = None,
    ) -> None:
        self._left(target, error.code)

    def may_retry(self, target: Target, now: float) -> bool:
        self.retries -= 1
        return self.retries >= 0


class Plans:
    """The planner, with a hedge or shadows wished into its plans."""

    def __init__(self) -> None:
        self.planner = Planner(lambda: 0.25)
        self.hedge_after_s: float | None = None
        self.shadows: tuple[Target, ...] = ()

    def plan(self, route: Route, view: View, board: Board) -> Plan:
        made = self.planner.plan(route, view, board)
        beside: list[Candidate] = []
        for each in self.shadows:
            (lane,) = view.lanes((each,))
            assert not isinstance(lane, str)
            beside.append(Chosen(each, lane, "order"))
            made = msgspec.structs.replace(made, candidates=made.candidates[:1])
        return msgspec.structs.replace(made, hedge_after_s=self.hedge_after_s, shadows=tuple(beside))
