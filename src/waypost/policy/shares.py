"""How many requests each key gets in while the gateway has more to do than it can: equal shares, found by trying.

One number is learnt, the rate at which a key of normal priority is let in: lower while the event loop has too much to
do, higher while it has not. Keys that ask less than that are not touched, so what is turned away is what the greediest
ask beyond it. Nothing has to be known of how many keys there are or of what a request costs, but for a first guess.
"""

from __future__ import annotations

from waypost.core.key import Priority

WEIGHTS: dict[Priority, float] = {"high": 8.0, "normal": 1.0, "low": 0.125}
_BURST_S = 0.05
"""A key may be ahead of its rate by as much as falls into this time, or into one turn of the loop if that is longer:
what a key sends during a turn is asked for all at once."""
_COUNTING_S = 0.05
"""At first it is only counted who asks for how much."""
_FIRST = 0.9
"""The first guess: so much of what could be done if all time went into it."""
_CUT, _CUT_DEEP = 0.95, 0.85
_GROWTH = ((0.4, 1.08), (0.7, 1.04), (float("inf"), 1.02))
"""By how busy the loop is with what was let in: the closer to all it can do, the smaller the steps."""
_ROUND_S = 0.05
_EMERGENCY = 0.25
_LEAST_RATE = 0.1
_QUIET_S = 2.0
"""Over when nobody was turned away for so long."""


class Shares:
    """The shares of one process. `asked` is the hot path; `told` is called as the load is measured."""

    __slots__ = (
        "_burst",
        "_counted",
        "_due",
        "_emergency",
        "_most",
        "_refused_at",
        "_round",
        "_scale",
        "_since",
        "_told_at",
        "_worked",
        "active",
        "let_in",
        "rate",
    )

    def __init__(self) -> None:
        self.active = False
        #: How many were let in while shares were given out.
        self.let_in = 0
        #: Requests per second of a key of normal priority; 0.0 while it is counted.
        self.rate = 0.0
        self._scale = 0.0
        self._burst = _BURST_S
        self._emergency = False
        #: Per key, when its allowance is full again.
        self._due: dict[str, float] = {}
        #: Per key and weight, how often it asked.
        self._counted: dict[tuple[str, float], int] = {}
        #: Of this round: seconds that were worked, and the most in one turn.
        self._worked = self._most = 0.0
        self._since = self._round = self._told_at = self._refused_at = 0.0

    def begin(self, now: float) -> None:
        """There is too much to do, it seems."""
        self.active = True
        self.rate = self._worked = self._most = 0.0
        self._emergency = False
        self._due.clear()
        self._counted.clear()
        self._since = self._round = self._told_at = self._refused_at = now

    def asked(self, key_id: str, priority: Priority, now: float) -> bool:
        """Whether one more request of this key is let in; counts it if so."""
        weight = WEIGHTS[priority]
        if self.rate == 0.0:
            name = (key_id, weight)
            self._counted[name] = self._counted.get(name, 0) + 1
            self.let_in += 1
            return True
        due = self._due.get(key_id, 0.0)
        if due < now:
            due = now
        elif due - now > self._burst:
            self._refused_at = now
            return False
        self._due[key_id] = due + self._scale / weight
        self.let_in += 1
        return True

    def told(self, now: float, lag_s: float, work_s: float, target_s: float, busy: float) -> None:
        """How long a turn of the loop took lately, how much work there was in it that letting in fewer would have
        spared, both in seconds, and how much there should be at most; `busy`: the share of the time since the last
        measurement that went into such work. Once per turn or less often."""
        self._burst = max(_BURST_S, lag_s)
        emergency = work_s > 5.0 * target_s
        self._worked += busy * (now - self._told_at)
        self._told_at = now
        self._most = max(self._most, work_s)
        if self.rate == 0.0:
            if work_s < target_s and lag_s < target_s:
                self.active = False  # it was a single pause
            elif now - self._since >= _COUNTING_S:
                self._guess(now)
                self._scale_to(emergency)
            return
        if now - self._round >= _ROUND_S:
            if not self._correct(now, self._most / target_s, self._worked / (now - self._round)):
                return
            self._next_round(now)
        elif emergency is self._emergency:
            return
        self._scale_to(emergency)

    def _scale_to(self, emergency: bool) -> None:
        self._emergency = emergency
        self._scale = 1.0 / (self.rate * (_EMERGENCY if emergency else 1.0))

    def _guess(self, now: float) -> None:
        took = now - self._since
        asked = sum(self._counted.values())
        room = _FIRST * asked * took / max(self._worked, 1e-6) if asked else 0.0
        self.rate = max(_LEAST_RATE, _level(self._counted, room) / took)
        self._counted.clear()
        self._next_round(now)

    def _next_round(self, now: float) -> None:
        self._round, self._worked, self._most = now, 0.0, 0.0

    def _correct(self, now: float, load: float, busy: float) -> bool:
        """False: it is over."""
        if load > 1.0:
            self.rate = max(_LEAST_RATE, self.rate * (_CUT if load < 3.0 else _CUT_DEEP))
        elif now - self._refused_at > _QUIET_S:
            self.active = False
            return False
        elif load < 0.5 and self._refused_at >= self._round:  # what nobody ran into is not too low
            self.rate *= next(growth for below, growth in _GROWTH if busy < below)
        if len(self._due) > 1000:
            self._due = {key_id: due for key_id, due in self._due.items() if due > now}
        return True


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
