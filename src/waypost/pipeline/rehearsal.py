"""Outage rehearsals under way: whom they touch, what happens to those, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakSet

import msgspec

from waypost.config.snapshot import Route
from waypost.config.targets import Target
from waypost.core.record import Exchange
from waypost.pipeline.rehearsal_tally import Counts, Tally
from waypost.ports import Clock
from waypost.routing.board import Board
from waypost.routing.rehearsed import RehearsedBoard
from waypost.upstream.drill import Fault


class Scope(msgspec.Struct, frozen=True):
    """What a rehearsal breaks, and for whom."""

    providers: tuple[str, ...]
    models: tuple[str, ...] = ()
    """The providers' own ids; empty: all."""
    region: str | None = None
    key_id: str | None = None
    """Only this key's requests."""
    route: str | None = None
    """Only requests on this route."""
    owner: str = ""
    """The id of the organization whose own route that is; empty: it is the operator's."""
    share: float = 1.0
    """This share of them, 0…1."""

    @property
    def everyone(self) -> bool:
        """Whether every client's requests are part of it."""
        return self.key_id is None and self.route is None and self.share >= 1

    def covers(self, target: Target) -> bool:
        """Whether it breaks this target."""
        return (
            target.provider.name in self.providers
            and (not self.models or target.model in self.models)
            and (self.region is None or target.provider.region == self.region)
        )

    def wants(self, key_id: str, route: Route) -> bool:
        """Whether a request of this key on this route may be part of it."""
        if self.key_id is not None and self.key_id != key_id:
            return False
        if self.route is not None and (self.route != route.name or self.owner != route.owner):
            return False
        return any(self.covers(target) for target in route.targets)


class Drill:
    """One rehearsal. Ends by itself at `ends`, in monotonic seconds, or when it is stopped."""

    def __init__(
        self, drill_id: str, scope: Scope, fault: Fault, began: float, ends: float, own: Board | None
    ) -> None:
        """`own`: a board of the rehearsal's own, on which breakers open and credentials are parked without the real one
        noticing; None: where there is no board."""
        self.drill_id = drill_id
        self.scope = scope
        self.fault = fault
        self.began = began
        self.ends = ends
        self.tally = Tally()
        self.stopped = False
        self._own = own
        #: Exchanges that have not settled. One that is gone without having settled is lost.
        self._open: WeakSet[Part] = WeakSet()
        self._opened = 0

    def over(self, now: float) -> bool:
        """Whether it breaks nothing any more."""
        return self.stopped or now >= self.ends

    def begin(self) -> Part:
        """Make an exchange part of it."""
        part = Part(self)
        self._opened += 1
        self._open.add(part)
        return part

    def settled(self, part: Part, exchange: Exchange) -> None:
        """One of its exchanges ended."""
        self._open.discard(part)
        self.tally.add(exchange, part.hits)

    def counts(self) -> Counts:
        """What came of it so far, for the worker that writes the report."""
        return self.tally.counts(self.in_flight, self.lost)

    def board(self, real: Board) -> Board:
        """What its exchanges are planned and attempted on in place of the real board."""
        return real if self._own is None else RehearsedBoard(real, self._own, self.scope.covers)

    @property
    def in_flight(self) -> int:
        """Exchanges under way."""
        return len(self._open)

    @property
    def lost(self) -> int:
        """Exchanges that are gone without having been settled: there should never be one."""
        return self._opened - self.tally.requests - len(self._open)


class Part:
    """One exchange's part in a rehearsal. Lives as long as the exchange."""

    __slots__ = ("__weakref__", "_drill", "hits")

    def __init__(self, drill: Drill) -> None:
        self._drill = drill
        #: Ids of the attempts that were broken.
        self.hits: list[str] = []

    @property
    def drill_id(self) -> str:
        return self._drill.drill_id

    def fault_of(self, target: Target, attempt_id: str, now: float) -> Fault | None:
        """What is to happen to an attempt at this target; None: nothing."""
        drill = self._drill
        if drill.over(now) or not drill.scope.covers(target):
            return None
        self.hits.append(attempt_id)
        return drill.fault

    def board(self, real: Board) -> Board:
        """What this exchange is planned and attempted on."""
        return self._drill.board(real)

    def settle(self, exchange: Exchange) -> None:
        """The exchange has ended."""
        self._drill.settled(self, exchange)


class Drills:
    """The rehearsals under way. `running` is empty nearly always, and then nothing else is looked at."""

    def __init__(self, clock: Clock, random: Callable[[], float]) -> None:
        self._clock = clock
        self._random = random
        self.running: tuple[Drill, ...] = ()

    def start(self, drill: Drill) -> None:
        """Put it into force."""
        self.running = (*self.running, drill)

    def end(self, drill: Drill) -> None:
        """Break nothing more. Idempotent."""
        drill.stopped = True
        self.running = tuple(each for each in self.running if each is not drill)

    def draw(self, key_id: str, route: Route) -> Part | None:
        """Whether an exchange becomes part of a rehearsal: of the one that began first, where several want it."""
        now = self._clock.monotonic()
        for drill in self.running:
            scope = drill.scope
            if drill.over(now) or not scope.wants(key_id, route):
                continue
            if scope.share >= 1 or self._random() < scope.share:
                return drill.begin()
        return None
