"""An event loop that is only reckoned: in each turn it takes what arrived during the last one, and each request costs
the same: a part when it is let in, the rest when its provider has answered. A greedy and a polite client ask by the
clock; the greedy one has a thousand connections."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from waypost.config.overload_schema import OverloadSettings
from waypost.core.key import Key
from waypost.policy.overload import LoadGauge

COST_S = 1 / 7000
CONNECTIONS = 1024
_LEAST_TURN_S = 0.0002
_AT_FIRST = 0.6
"""How much of its cost a request is when it comes."""
_PROVIDER_S = 0.2


@dataclass
class Outcome:
    goodput: float
    """Served per second, over the peak."""
    polite: float
    """The share of the polite one's requests that were let in."""
    turn_p99_s: float


class Loop:
    def __init__(self, times: float, shed_cost: float, polite: float) -> None:
        self.over: list[Callable[[], None]] = []
        self.gauge = LoadGauge(10**9, OverloadSettings(lag_s=0.06), soon=self.over.append)
        self.shed_s = shed_cost * COST_S
        self.rates = {"greedy": (times - polite) / COST_S, "polite": polite / COST_S}
        self.owed = {"greedy": 0.0, "polite": 0.0}
        self.keys = {name: Key(name, name, b"", "", 0.0) for name in self.rates}
        self.asked = {"greedy": 0, "polite": 0}
        self.let_in = {"greedy": 0, "polite": 0}
        self.served = 0
        #: When the providers' answers come.
        self.answers: deque[float] = deque()

    def turn(self, now: float, since: float) -> float:
        """Take what has arrived; returns the seconds of work."""
        for call in self.over:
            call()
        self.over.clear()
        work = 0.0
        while self.answers and self.answers[0] <= now:
            self.answers.popleft()
            self.served += 1
            work += (1.0 - _AT_FIRST) * COST_S
        came = {}
        for name, rate in self.rates.items():
            self.owed[name] += rate * (now - since)
            came[name] = min(CONNECTIONS, int(self.owed[name]))
            self.owed[name] -= int(self.owed[name])
        every = 1 + came["greedy"] // max(1, came["polite"])
        order = ["greedy"] * came["greedy"]
        for place in range(came["polite"]):
            order.insert(place * every, "polite")
        for name in order:
            self.asked[name] += 1
            if self.gauge.shedding and self.gauge.refuses(self.keys[name], now + work) is not None:
                self.gauge.shed["lag"] += 1
                work += self.shed_s
            else:
                work += _AT_FIRST * COST_S
                self.let_in[name] += 1
                self.answers.append(now + work + _PROVIDER_S)
        return work


def run(
    times: float, shed_cost: float, polite: float = 0.1, seconds: float = 6.0, warm_up: float = 2.0
) -> Outcome:
    """`shed_cost`: of a request turned away, in requests served. What happens in the warm-up does not count."""
    loop = Loop(times, shed_cost, polite)
    now = since = measured = worked = worked_then = 0.0
    warm = False
    due, rang = 0.02, None
    turns: list[float] = []
    while now < seconds:
        if not warm and now > warm_up:
            warm = True
            loop.asked.update(greedy=0, polite=0)
            loop.let_in.update(greedy=0, polite=0)
            loop.served = 0
        if rang is not None:
            loop.gauge.late(now, max(rang - due, now - rang), (worked - worked_then) / (now - measured))
            measured, worked_then, rang = now, worked, None
            due = now + (0.01 if loop.gauge.shedding else 0.02)
        if now >= due:
            rang = now
        work = loop.turn(now, since)
        worked += work
        since, now = now, now + max(work, _LEAST_TURN_S)
        if warm:
            turns.append(now - since)
    good = loop.served / (seconds - warm_up) * COST_S
    turns.sort()
    return Outcome(good, loop.let_in["polite"] / loop.asked["polite"], turns[int(0.99 * len(turns))])
