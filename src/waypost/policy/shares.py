"""How many requests each key gets in while the gateway has more to do than it can: equal shares of each turn.

A turn of the event loop lets in as many requests as it should last for, and turns the rest away. So a loop that is
asked for more than it can is busy all the time, whatever it can, and no turn is long. (A rate per second, which was
tried first, is either less than can be done, and then the loop pauses, or more, and then turns get longer and longer.)

One number is learnt, the level: how many requests a key of normal priority gets into one turn. Keys that ask for less
than that are not touched, so what is turned away is what the greediest ask beyond it.
"""

from __future__ import annotations

from collections.abc import Callable

from waypost.core.key import Priority

WEIGHTS: dict[Priority, float] = {"high": 8.0, "normal": 1.0, "low": 0.125}
_BURST_TURNS = 10.0
"""A key that has asked for less may be ahead by this many turns' allowance."""
_COUNTING_S = 0.05
"""At first it is only counted who asks for how much."""
_FIRST = 0.9
"""The first guess: so much of what could be done if all time went into it."""
_ROUND_S = 0.05
_LEARNT = 0.3
"""How much of what one round showed goes into what a request is believed to cost."""
_STEPS = 0.5, 1.25
"""The level changes by no more than these factors in one round."""
_LEAST_LEVEL = 0.001
_SHED_COST = 0.1
"""What it costs to turn one away, in requests that are served."""
_QUIET_S = 2.0
"""Over when nobody was turned away for so long."""


class Shares:
    """The shares of one process. `asked` is the hot path; `told` is called as the load is measured."""

    __slots__ = (
        "_counted",
        "_due",
        "_each_s",
        "_let_in",
        "_lightest",
        "_open",
        "_refused_at",
        "_round",
        "_shed",
        "_soon",
        "_told_at",
        "_turn",
        "_turn_before",
        "_worked",
        "active",
        "level",
    )

    def __init__(self, soon: Callable[[Callable[[], None]], object]) -> None:
        """`soon`: has something called when this turn of the event loop is over, before anything more is read."""
        self.active = False
        #: Requests that a key of normal priority gets into one turn; 0.0 while it is counted.
        self.level = 0.0
        self._soon = soon
        #: How many turns there were in which somebody asked; and whether the one at hand has been noticed.
        self._turn = 0
        self._open = False
        #: Per key, the turn in which its allowance is full again.
        self._due: dict[str, float] = {}
        #: Per key and weight, how often it asked.
        self._counted: dict[tuple[str, float], int] = {}
        #: Seconds of work that a request is believed to cost.
        self._each_s = 0.0
        #: Of this round: who was let in and turned away, seconds that were worked, and the turn in which it began.
        self._let_in = self._shed = 0
        self._worked = 0.0
        self._turn_before = 0
        #: The least weight among those that were turned away in it.
        self._lightest = 1.0
        self._round = self._told_at = self._refused_at = 0.0

    def begin(self, now: float) -> None:
        """There is too much to do, it seems."""
        self.active = True
        self.level = 0.0
        self._due.clear()
        self._counted.clear()
        self._told_at = self._refused_at = now
        self._next_round(now)

    def asked(self, key_id: str, priority: Priority, now: float) -> bool:
        """Whether one more request of this key is let in; counts it either way."""
        if not self._open:
            self._open = True
            self._soon(self._turned)
        weight, turn = WEIGHTS[priority], self._turn
        if self.level == 0.0:
            name = (key_id, weight)
            self._counted[name] = self._counted.get(name, 0) + 1
            self._let_in += 1
            return True
        due = self._due.get(key_id, 0.0)
        if due < turn:
            due = turn
        elif due - turn > _BURST_TURNS:
            self._refused_at = now
            self._shed += 1
            if weight < self._lightest:
                self._lightest = weight
            return False
        self._due[key_id] = due + 1.0 / (self.level * weight)
        self._let_in += 1
        return True

    def _turned(self) -> None:
        self._turn += 1
        self._open = False

    def told(self, now: float, lag_s: float, aim_s: float, busy: float) -> None:
        """How late the loop is, how long its turns should be, and which share of the time since the last call was
        worked, in seconds of processor time per second. Some tens of times a second."""
        self._worked += busy * (now - self._told_at)
        self._told_at = now
        took = now - self._round
        if self.level == 0.0:
            if lag_s < aim_s:
                self.active = False  # it was a single pause
            elif took >= _COUNTING_S:
                self._guess(now, took, aim_s)
        elif now - self._refused_at > _QUIET_S:
            self.active = False
        elif took >= _ROUND_S:
            self._correct(aim_s)
            self._next_round(now)

    def _guess(self, now: float, took: float, aim_s: float) -> None:
        """What there was room for is shared out among those who asked, and what they were let in for is taken off."""
        turns = took / aim_s
        self._each_s = self._worked / max(1, self._let_in)
        room = _FIRST * took / self._each_s if self._each_s else 0.0
        self.level = level = max(_LEAST_LEVEL, _level(self._counted, room) / turns)
        for (key_id, weight), count in self._counted.items():
            self._due[key_id] = self._turn + min(_BURST_TURNS + 1.0, count / (level * weight))
        self._counted.clear()
        self._next_round(now)

    def _next_round(self, now: float) -> None:
        self._round, self._worked, self._turn_before = now, 0.0, self._turn
        self._let_in = self._shed = 0
        self._lightest = 1.0

    def _correct(self, aim_s: float) -> None:
        """A round in which nobody was let in teaches nothing of what a request costs."""
        asked = self._let_in + _SHED_COST * self._shed
        turns = self._turn - self._turn_before
        if not self._let_in or not turns or not self._worked:
            return
        self._each_s += _LEARNT * (self._worked / asked - self._each_s)
        room, now_in = aim_s / self._each_s, self._let_in / turns
        if self._shed or now_in > room:
            least, most = _STEPS
            self.level *= min(most, max(least, room / now_in))
        # A single greedy key gets all there is room for, and nobody has use for more.
        self.level = max(_LEAST_LEVEL, min(self.level, room / self._lightest))
        if len(self._due) > 1000:
            turn = self._turn
            self._due = {key_id: due for key_id, due in self._due.items() if due > turn}


def _level(counted: dict[tuple[str, float], int], room: float) -> float:
    """What a key of weight 1 gets when `room` requests are shared out: nobody more than it asked, the rest alike."""
    rows = sorted((count / weight, weight, count) for (_, weight), count in counted.items())
    weights = sum(weight for _, weight, _ in rows)
    for wanted, weight, count in rows:
        if wanted * weights >= room:
            return room / weights
        room -= count
        weights -= weight
    return rows[-1][0] if rows else 0.0
