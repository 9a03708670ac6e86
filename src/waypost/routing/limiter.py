"""Whether a target may be asked once more now: what it has taught (`aimd`), and what its credential may at most.

Pure: no clock, no waiting. Who waits for a place, and in which order, is `pipeline/queue.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from waypost.routing.aimd import UNLIMITED, Limit, Outcome

_WINDOW_S = 60.0
_LATE_SHARE = 0.25
_TARGETS_MAX = 10_000
"""Targets remembered: `provider/anything` is a target, so clients could name any number of them."""


class Cap:
    """The configured limits of one credential, over all of its models. At most `rpm` begin in any 60 s."""

    __slots__ = ("_begun", "concurrency", "in_flight", "rpm")

    def __init__(self, concurrency: int | None, rpm: int | None) -> None:
        self.concurrency = concurrency
        self.rpm = rpm
        self.in_flight = 0
        self._begun: deque[float] = deque()

    def free_at(self, now: float) -> float | None:
        """When one more may begin: `now` or earlier means at once; None: not before one under way ends."""
        if self.concurrency is not None and self.in_flight >= self.concurrency:
            return None
        rpm, begun = self.rpm, self._begun
        if rpm is None or len(begun) < rpm:
            return now
        while len(begun) > rpm:  # a new configuration allows fewer
            begun.popleft()
        return begun[0] + _WINDOW_S

    def take(self, now: float) -> None:
        """Count one; `free_at` said that it may begin."""
        self.in_flight += 1
        if self.rpm is not None:
            if len(self._begun) >= self.rpm:
                self._begun.popleft()
            self._begun.append(now)

    def undo(self) -> None:
        """The one counted last never began."""
        self.in_flight -= 1
        if self._begun:
            self._begun.pop()


class Door(Limit):
    """One target's: `Limit`, and the cap of its credential if there is one."""

    __slots__ = ("cap", "credential")

    def __init__(self) -> None:
        super().__init__()
        self.credential = ""
        self.cap: Cap | None = None

    def busy(self, now: float) -> bool:
        """It takes no more now. Changes nothing that shows."""
        if self.in_flight >= self.limit:
            return True
        cap = self.cap
        if cap is None:
            return False
        free_at = cap.free_at(now)
        return free_at is None or free_at > now

    def try_take(self, now: float) -> bool:
        """Count one as under way, if it may be."""
        if self.in_flight >= self.limit:
            return False
        cap = self.cap
        if cap is not None:
            free_at = cap.free_at(now)
            if free_at is None or free_at > now:
                return False
            cap.take(now)
        self.in_flight += 1
        return True

    def give_back(self, now: float, outcome: Outcome, first_token_s: float | None = None) -> None:
        """What `try_take` counted has ended; once for each."""
        if self.cap is not None:
            self.cap.in_flight -= 1
        self.end(now, outcome, first_token_s)

    def undo(self) -> None:
        """What `try_take` counted never began: it is not one of its minute either."""
        self.in_flight -= 1
        if self.cap is not None:
            self.cap.undo()

    def free_at(self, now: float) -> float | None:
        """When it takes one more; None: not before one under way ends, here or elsewhere with the same credential."""
        if self.in_flight >= self.limit:
            return None
        return now if self.cap is None else self.cap.free_at(now)


class Limiter:
    """All targets of one process, by an id of the caller's choice (`Target.label`)."""

    __slots__ = ("_caps", "_doors", "_learnt", "late_s")

    def __init__(self) -> None:
        self._learnt: set[str] = set()
        """Targets that have taught a limit."""
        self._doors: dict[str, Door] = {}
        self._caps: dict[str, Cap] = {}
        self.late_s = 0.0
        """How late the gateway itself is with what it has to do, as whoever measures it says."""

    def of(
        self,
        target_id: str,
        credential: str = "",
        concurrency: int | None = None,
        rpm: int | None = None,
    ) -> Door:
        """The target's door; made when it is first asked for. `credential` names what the configured limits hang on
        (provider and key name): `concurrency` requests at once, `rpm` beginning in any minute; None: any number.

        What was configured anew since applies at once, to what is under way as well."""
        door = self._doors.get(target_id)
        if door is None:
            door = self._make(target_id)
        cap = door.cap
        if cap is None:
            if concurrency is not None or rpm is not None:
                self._attach(door, credential, concurrency, rpm)
        elif cap.concurrency != concurrency or cap.rpm != rpm:
            cap.concurrency, cap.rpm = concurrency, rpm
        return door

    @property
    def capped(self) -> bool:
        """Any credential has, or had, limits of its own."""
        return bool(self._caps)

    @property
    def unlimited(self) -> bool:
        """No target and no credential has a limit, so that none can be busy."""
        return not self._learnt and not self._caps

    def door(self, target_id: str) -> Door:
        """The target's door as it was last configured; made, without configured limits, when it is new."""
        return self._doors.get(target_id) or self._make(target_id)

    def try_take(self, target_id: str, now: float) -> bool:
        """See `Door.try_take`."""
        return (self._doors.get(target_id) or self._make(target_id)).try_take(now)

    def busy(self, target_id: str, now: float) -> bool:
        """See `Door.busy`."""
        door = self._doors.get(target_id)
        return door is not None and door.busy(now)

    def give_back(
        self, target_id: str, now: float, outcome: Outcome, first_token_s: float | None = None
    ) -> None:
        """See `Door.give_back`. How soon an answer began tells nothing of its target where the gateway itself may have
        been late for much of that time."""
        if first_token_s is not None and self.late_s > _LATE_SHARE * first_token_s:
            first_token_s = None
        door = self._doors[target_id]
        door.give_back(now, outcome, first_token_s)
        if door.limit != UNLIMITED:
            self._learnt.add(target_id)
        elif self._learnt:
            self._learnt.discard(target_id)

    def undo(self, target_id: str) -> None:
        """See `Door.undo`."""
        self._doors[target_id].undo()

    def limits(self) -> Iterator[tuple[str, float, int]]:
        """(target, limit, under way) of each target that has taught a limit."""
        for target_id, door in self._doors.items():
            if door.learnt:
                yield target_id, door.limit, door.in_flight

    def _make(self, target_id: str) -> Door:
        if len(self._doors) >= _TARGETS_MAX:
            self._doors = {name: door for name, door in self._doors.items() if door.in_flight}
            self._learnt &= self._doors.keys()
        door = self._doors[target_id] = Door()
        return door

    def _attach(self, door: Door, credential: str, concurrency: int | None, rpm: int | None) -> None:
        cap = self._caps.get(credential)
        if cap is None:
            cap = self._caps[credential] = Cap(concurrency, rpm)
        door.credential, door.cap = credential, cap
        cap.concurrency, cap.rpm = concurrency, rpm
        cap.in_flight += door.in_flight
