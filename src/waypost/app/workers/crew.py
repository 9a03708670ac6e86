"""What a supervisor decides: which workers to start when, what to tell them, and when it is over. No processes here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

What = Literal["tell", "reload", "stop", "now", "kill", "cover", "uncover"]
"""`tell`: say to people that the gateway is ready. `stop`: drain, then end. `now`: end at once. `kill`: SIGKILL.
`cover`: accept for a worker that is away, `uncover`: no more."""

#: Before a worker that died is started again: after its first death, the second one in a row …
PAUSES_S: Final = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
#: After a run of this length a death counts as the first one again.
STEADY_S: Final = 60.0
#: With no worker serving, so many starts of each that come to nothing are enough.
TRIES: Final = 5


class Start(msgspec.Struct, frozen=True):
    """Start this worker."""

    worker: int


class Order(msgspec.Struct, frozen=True):
    """Tell a running worker."""

    worker: int
    what: What
    about: int = 0
    """Which other worker it is about."""


class Note(msgspec.Struct, frozen=True):
    """For the log."""

    text: str
    worker: int
    status: int
    again_in_s: float | None = None


Action = Start | Order | Note


class _Place(msgspec.Struct):
    """One worker's place in the crew."""

    running: bool = False
    ready_since: float | None = None
    deaths: int = 0
    """In a row."""
    vain: int = 0
    """Starts in a row that did not make it ready."""
    due: float | None = None


class Crew:
    """Told what happens, it says what to do. Times are monotonic seconds."""

    def __init__(self, count: int) -> None:
        self._places = {worker: _Place() for worker in range(1, count + 1)}
        #: All of them were ready once.
        self.complete = False
        #: For whom the others accept connections.
        self._away: set[int] = set()
        self._stops = 0
        #: Why it ends; None while it does not, or ends as asked.
        self.failure: str | None = None
        self.status = 0

    @property
    def over(self) -> bool:
        """No worker runs, and none will."""
        return self._stops > 0 and not any(place.running for place in self._places.values())

    def begin(self) -> Sequence[Action]:
        """The first worker alone: what has to be made once is made by it, and what is wrong is said once."""
        return self._start(1)

    def ready(self, worker: int, now: float) -> Sequence[Action]:
        """A worker serves."""
        place = self._places[worker]
        place.ready_since, place.vain = now, 0
        if self._stops:
            return ()
        back = self._back(worker)
        if self.complete:
            return back
        if all(each.ready_since is not None for each in self._places.values()):
            self.complete = True
            return (*back, Order(1, "tell"))
        waiting = [each for each, at in self._places.items() if not at.running and at.due is None]
        return [*back, *(action for each in waiting for action in self._start(each))]

    def leaving(self, worker: int) -> Sequence[Action]:
        """A worker drains that was not told to: it accepts nothing more."""
        if self._stops or worker in self._away:
            return ()
        self._away.add(worker)
        return [Order(each, "cover", worker) for each in self._serving(worker)]

    def ended(self, worker: int, status: int, now: float) -> Sequence[Action]:
        """A worker's process is gone. `status`: its exit code, below 0 the number of the signal that killed it."""
        place = self._places[worker]
        since, place.ready_since, place.running = place.ready_since, None, False
        if self._stops:
            self._judge(status)
            return ()
        if since is None and not self.complete:
            return self._give_up(status, f"Worker {worker} could not be started.")
        place.vain = place.vain + 1 if since is None else 0
        if since is not None and now - since >= STEADY_S:
            place.deaths = 0
        if self._in_vain():
            return self._give_up(
                status, f"No worker could be started again, each {TRIES} times in a row: see the log above."
            )
        pause = PAUSES_S[min(place.deaths, len(PAUSES_S) - 1)]
        place.deaths += 1
        place.due = now + pause
        note = Note("a worker ended by itself and is started again", worker, status, pause)
        return (*self.leaving(worker), note)

    def due(self, now: float) -> Sequence[Action]:
        """Workers whose time to be started again has come."""
        come = [
            each
            for each, place in self._places.items()
            if not self._stops and place.due is not None and place.due <= now
        ]
        return [action for each in come for action in self._start(each)]

    @property
    def next_due(self) -> float | None:
        """When `due` has something to do."""
        times = [place.due for place in self._places.values() if place.due is not None and not self._stops]
        return min(times, default=None)

    def stop(self) -> Sequence[Action]:
        """Asked to end: drain; asked again, at once; and again, by force."""
        self._stops += 1
        what: What = "stop" if self._stops == 1 else "now" if self._stops == 2 else "kill"
        return self._all(what)

    def reload(self) -> Sequence[Action]:
        """Read the configuration again, all of them."""
        return self._all("reload")

    def _back(self, worker: int) -> list[Action]:
        """It accepts for itself again, and for those that are away."""
        told: list[Action] = []
        if worker in self._away:
            self._away.discard(worker)
            told += [Order(each, "uncover", worker) for each in self._serving(worker)]
        return told + [Order(worker, "cover", each) for each in sorted(self._away)]

    def _serving(self, but: int) -> list[int]:
        return [
            each
            for each, place in self._places.items()
            if place.ready_since is not None and each != but and each not in self._away
        ]

    def _all(self, what: What) -> list[Action]:
        return [Order(each, what) for each, place in self._places.items() if place.running]

    def _start(self, worker: int) -> Sequence[Action]:
        place = self._places[worker]
        place.running, place.due = True, None
        return (Start(worker),)

    def _in_vain(self) -> bool:
        places = self._places.values()
        return all(place.ready_since is None and place.vain >= TRIES for place in places)

    def _give_up(self, status: int, why: str) -> Sequence[Action]:
        self.failure = why
        self._judge(status)
        self.status = self.status or 1
        return self.stop()

    def _judge(self, status: int) -> None:
        """The first bad end is how all of it ends."""
        if not self.status and status:
            self.status = status if status > 0 else 1
