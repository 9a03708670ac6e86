"""Limits on how fast scopes may go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from waypost.core.limit import LimitUnit, Need, Shown
from waypost.core.record import Attempt
from waypost.core.rules import Pace


class Taken(Protocol):
    """What one request took of its limits. Belongs to its exchange, which ends it once."""

    def end(self, attempts: Sequence[Attempt], counts: bool, now: float) -> None:
        """Correct what was taken by what was used. `counts`: False for a request that was refused, which leaves no
        trace. The second call does nothing."""
        ...

    def used(self, input_tokens: int, output_tokens: int, now: float) -> None:
        """An exchange that goes on has used so much in all: what is over is counted at once."""
        ...


class Limits(Protocol):
    """Counts requests, in this process or together with other nodes. Times are monotonic seconds."""

    def take(self, paces: Sequence[Pace], need: Need, now: float) -> Taken | None:
        """Count one request under all of these limits, or under none. Raises RateLimited with the seconds until there
        is room, and Oversized for a request that there will never be room for.

        None means that somebody else counts: await `ask` instead.
        """
        ...

    async def ask(self, paces: Sequence[Pace], need: Need, now: float) -> Taken:
        """The same, by asking who counts. Raises what `take` does, and nothing when nobody answers."""
        ...

    def shown(self, paces: Iterable[Pace], now: float) -> Mapping[LimitUnit, Shown]:
        """Of each unit but `concurrent`, the limit that has the least left, as far as is known here."""
        ...

    def prune(self, now: float) -> int:
        """Forget scopes whose allowance is whole and that nothing is under way at; returns how many are left."""
        ...
