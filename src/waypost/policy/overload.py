"""How loaded the gateway is, and who is turned away for it before anything of a request is read.

Levels, of which the highest of all causes counts: 1 turns away keys of low priority (and keys that are not in memory),
2 also those of normal priority that have more than their share under way, 3 all but high. A late event loop does not
raise the level at first: then each key gets its share (`shares`). Streams that run are never cut.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Literal

from waypost.config.overload_schema import OverloadSettings
from waypost.core.key import Key
from waypost.errors import Overloaded
from waypost.policy.shares import Shares

_SAMPLES = 3
"""Measurements of the loop's lag that are looked at together: their median ignores a single pause."""
_LATE_DIVIDED = 6.0
"""While shares are given out, a turn of the loop lasts this much less than the lateness that began it."""
_STALLED_TIMES = 10.0
"""A loop that is later than this many times the threshold is no longer a matter of shares: level 3."""
_HELD_S = 0.1
_CROWD = ((3, 0.9), (2, 0.8), (1, 0.7))
_MEMORY = ((3, 0.95), (2, 0.9), (1, 0.85))
_QUEUE = ((2, 0.9), (1, 0.5))
_LEDGER = ((3, 0.9), (2, 0.7), (1, 0.5))


Cause = Literal["lag", "memory", "ledger", "concurrency", "queue"]
"""Why somebody is turned away."""
_CAUSES: tuple[Cause, ...] = ("lag", "memory", "ledger", "concurrency", "queue")

_SAID: dict[Cause, str] = {
    "lag": "it has more to do than it can, and this key has had its share",
    "memory": "its memory is nearly full",
    "ledger": "its database does not keep up with what is settled",
    "concurrency": "it has as many requests under way as it may, or is about to",
    "queue": "too many requests are waiting for busy providers",
}


class LoadGauge:
    """Owned by one process: measured from the background, asked by the edge."""

    def __init__(
        self,
        concurrency_max: int,
        settings: OverloadSettings | None = None,
        *,
        random: Callable[[], float] = lambda: 0.5,
        under_way: Callable[[], Iterable[str | None]] = tuple,
        soon: Callable[[Callable[[], None]], object] = lambda _: None,
    ) -> None:
        """`under_way`: the key ids of all exchanges under way; read at most ten times a second, from level 2 on.
        `soon`: the event loop's `call_soon`; without it there is one turn and no other."""
        self._settings = settings or OverloadSettings()
        self._random = random
        self._under_way = under_way
        self._concurrency_max = concurrency_max
        #: With fewer exchanges under way than this, nothing is asked: the one comparison of an ordinary request.
        self.unquestioned = 0
        #: Somebody may be turned away for another cause than the number under way.
        self.shedding = False
        self.level = 0
        self.lag_s = 0.0
        self.shed: dict[Cause, int] = dict.fromkeys(_CAUSES, 0)
        self._cause: Cause = "lag"
        self._levels: dict[Cause, int] = dict.fromkeys(_CAUSES, 0)
        self._lags: deque[float] = deque([0.0] * _SAMPLES, maxlen=_SAMPLES)
        self._shares = Shares(soon)
        self._held: Counter[str] = Counter()
        self._held_at = float("-inf")
        self._share = 0.0
        self._worst_since: float | None = None
        self._conclude()

    # --- measured ------------------------------------------------------------------------------------------------

    def configure(self, concurrency_max: int, settings: OverloadSettings) -> None:
        """What is in force from now on."""
        if concurrency_max != self._concurrency_max or settings != self._settings:
            self._concurrency_max, self._settings = concurrency_max, settings
            self._conclude()

    def late(self, now: float, lag_s: float, busy: float) -> None:
        """Called some tens of times a second: how late the event loop is, and which share of the time since the last
        call it worked, in seconds of processor time per second.

        What is let in is steered by the processor time: a loop that only waits for a processor, or for who is turned
        away, would not be sooner with less to do."""
        self._lags.append(lag_s)
        self.lag_s = median = sorted(self._lags)[_SAMPLES // 2]
        threshold, shares = self._settings.lag_s, self._shares
        if shares.active:
            shares.told(now, lag_s, threshold / _LATE_DIVIDED, busy)
        elif lag_s > threshold and (lag_s > 2.0 * threshold or median > threshold):
            shares.begin(now)
        stalled = 3 if median > _STALLED_TIMES * threshold else 0
        if stalled != self._levels["lag"] or shares.active is not self.shedding:
            self._levels["lag"] = stalled
            self._conclude()

    def measured(
        self,
        now: float,
        *,
        active: int,
        memory_used: int,
        memory_limit: int,
        waiting: int,
        oldest_s: float,
        unposted: float = 0.0,
    ) -> None:
        """The slower signals, about once a second. `memory_limit` 0: not known. `unposted`: settled records that wait
        for the database, in parts of those with which nothing new is taken."""
        settings, levels = self._settings, self._levels
        used = memory_used / memory_limit if memory_limit else 0.0
        levels["memory"] = _level(_MEMORY, used)
        levels["ledger"] = _level(_LEDGER, unposted)
        old = oldest_s >= 0.5 * settings.wait_s
        levels["queue"] = _level(_QUEUE, waiting / settings.waiting_max) if old else 0
        self._conclude()
        worst = max(self.level, _level(_CROWD, active / self._concurrency_max))
        if worst < 3:
            self._worst_since = None
        elif self._worst_since is None:
            self._worst_since = now

    def unready(self, now: float) -> str | None:
        """What keeps new work away for so long that it had better go elsewhere."""
        since = self._worst_since
        if since is None or now - since < self._settings.unready_after_s:
            return None
        return "overloaded"

    @property
    def sharing(self) -> bool:
        """Keys are held to their shares of the processor."""
        return self._shares.active

    def _conclude(self) -> None:
        self._cause = max(self._levels, key=self._levels.__getitem__)
        self.level = self._levels[self._cause]
        self.shedding = self.level > 0 or self._shares.active
        self.unquestioned = 0 if self.shedding else int(_CROWD[-1][1] * self._concurrency_max)

    # --- asked ---------------------------------------------------------------------------------------------------

    def check(self, key: Key | None, active: int, now: float, *, let_in: bool = False) -> None:
        """Raises Overloaded when one more request, of a key (None: not known), is not to be taken. `let_in`: `refuses`
        said already that its key may."""
        if active >= self._concurrency_max:
            cause: Cause | None = "concurrency"
        else:
            cause = None if let_in else self.refuses(key, now)
            crowd = _level(_CROWD, active / self._concurrency_max)
            if cause is None and crowd and self._beyond(key, crowd, now):
                cause = "concurrency"
        if cause is not None:
            self.shed[cause] += 1
            raise self.refusal(cause)

    def refuses(self, key: Key | None, now: float) -> Cause | None:
        """Why one more request of a key is not to be taken, as far as that does not hang on how many are under way.
        Counts it in its key's share when it is taken; does not count it as shed when it is not."""
        if self.level and self._beyond(key, self.level, now):
            return self._cause
        shares = self._shares
        if not shares.active:
            return None
        asked = shares.asked("", "low", now) if key is None else shares.asked(key.key_id, key.priority, now)
        return None if asked else "lag"

    def refusal(self, cause: Cause) -> Overloaded:
        """What is answered; the wait is drawn, so that not all come back at once."""
        return Overloaded(
            f"The gateway turns this request away unread, because {_SAID[cause]}. Ask again as `retry-after` says.",
            retry_after_s=self.wait_s(),
        )

    def wait_s(self) -> float:
        """How long somebody who is turned away is told to wait."""
        return 1.0 + self._random()

    def _beyond(self, key: Key | None, level: int, now: float) -> bool:
        if key is None or key.priority == "low":
            return True
        if key.priority == "high":
            return False
        if level == 2:
            return self._has_its_share(key.key_id, now)
        return level == 3

    def _has_its_share(self, key_id: str, now: float) -> bool:
        """Half of what all keys have under way on average: who has less may go on."""
        if now - self._held_at > _HELD_S:
            self._held_at = now
            self._held = Counter(held for held in self._under_way() if held is not None)
            self._share = self._held.total() / (2 * max(1, len(self._held)))
        if self._held[key_id] > self._share:
            return True
        self._held[key_id] += 1
        return False


def _level(steps: Iterable[tuple[int, float]], share: float) -> int:
    return next((level for level, least in steps if share >= least), 0)
