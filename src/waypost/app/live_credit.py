"""Prepaid credit in memory, kept true: it follows what any process enters.

What comes by itself it enters: the credit of new organizations, and the end of what has a time. The free tier it puts
in force as it is configured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, Protocol, TypeVar

from waypost.config.credits_schema import CreditsConfig, build_free_tier
from waypost.config.values import parse_duration
from waypost.core.credit import Credit, Given, ending, entry, position
from waypost.core.money import parse_usd
from waypost.core.people import DEFAULT, Organization
from waypost.errors import Conflict, InvalidRequest, NotFound, StoreUnavailable
from waypost.policy.directory import Directory
from waypost.ports import Clock
from waypost.ports.credits import Credits

T = TypeVar("T")

#: So long after an entry's end it is entered: what was used before is posted by then.
GRACE_S: Final = 1.0
_STARTER: Final = "starter:"
_SLICE: Final = 100


class KeptCredits(Credits, Protocol):
    """The entries, with what is asked of all organizations at once."""

    def given(self, since: int) -> Given | None:
        """What every organization was given; None while its version is still `since`."""
        ...

    def due(self, at: float, limit: int) -> Sequence[Credit]:
        """Entries that have ended and for which that was not entered yet."""
        ...

    def under(self, prefix: str) -> frozenset[str]:
        """The ids of all entries that begin so."""
        ...

    def starting(self, at: float | None) -> float | None:
        """Since when new organizations are given credit: since `at`, if they were not before. None: they are not."""
        ...


class LiveCredit:
    """Owns a thread, on which it asks the database."""

    def __init__(
        self,
        rows: KeptCredits,
        directory: Directory,
        clock: Clock,
        settings: Callable[[], CreditsConfig] = CreditsConfig,
    ) -> None:
        """`settings`: those that are in force, asked whenever something is looked at."""
        self._rows, self._directory, self._clock, self._settings = rows, directory, clock, settings
        self._thread = ThreadPoolExecutor(1, "waypost-credit")
        self._turn = asyncio.Lock()
        self._given = Given(-1, {}, None)
        #: By which settings `_since` and `_known` were read; None: not yet.
        self._by: CreditsConfig | None = None
        #: By which ones the free tier is in force.
        self._offered: CreditsConfig | None = None
        self._since: float | None = None
        #: Organizations that have their starter grant.
        self._known: set[str] = set()
        self._seen = -1

    async def refresh(self) -> None:
        """Enter what is due, and take in what any process has entered. Raises StoreUnavailable."""
        async with self._turn:
            settings, now, version = self._settings(), self._clock.wall(), self._directory.version
            if settings is not self._offered:
                self._directory.offer(build_free_tier(settings))
                self._offered = settings
            if settings is not self._by:
                await self._in(lambda: self._begin(settings, now))
            if version != self._seen or self._by is not settings:
                new = list(self._new())
                await self._in(lambda: self._start(new, settings))
                self._seen, self._by = version, settings
            given = await self._in(lambda: self._look(now))
            if given is not None:
                self._given = given
                self._directory.give(given.totals)

    async def watch(
        self, interval_s: float = 0.5, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """`refresh` for ever, until cancelled. While the database does not answer, what is in memory goes on."""
        while True:
            with suppress(StoreUnavailable):  # the next round asks again; the ledger's `ready` tells of it
                await self.refresh()
            await sleep(interval_s)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    def _begin(self, settings: CreditsConfig, now: float) -> None:
        on = settings.enabled and settings.starter > 0
        self._since = self._rows.starting(now if on else None)
        if on:
            self._known.update(each.removeprefix(_STARTER) for each in self._rows.under(_STARTER))

    def _new(self) -> Iterator[Organization]:
        """Organizations that are to have their starter grant and do not."""
        if self._since is None:
            return
        for each in self._directory.all(Organization):
            if each.id != DEFAULT and each.created_at >= self._since and each.id not in self._known:
                yield each

    def _start(self, organizations: Sequence[Organization], settings: CreditsConfig) -> None:
        amount, after = parse_usd(settings.starter), settings.expires_after
        for each in organizations:
            ends = None if after is None else each.created_at + parse_duration(after)
            made = entry(
                f"{_STARTER}{each.id}", each.id, self._clock.wall(), "grant", amount, expires_at=ends,
                reason="starter grant",
            )  # fmt: skip
            # Another node was there first, with other settings; or the organization is gone again.
            with suppress(Conflict, NotFound, InvalidRequest):
                self._rows.add(made)
            self._known.add(each.id)

    def _look(self, now: float) -> Given | None:
        ends = self._given.next_end
        if ends is None or ends + GRACE_S > now:
            found = self._rows.given(self._given.version)
            if found is None or found.next_end is None or found.next_end + GRACE_S > now:
                return found
        self._end(now)
        return self._rows.given(self._given.version)

    def _end(self, now: float) -> None:
        """Enter what has ended, of every organization."""
        while True:
            due = self._rows.due(now - GRACE_S, _SLICE)
            entered = False
            for home in dict.fromkeys(each.organization_id for each in due):
                stands = position(self._rows.all(home), self._rows.used(home), now - GRACE_S)
                for rest in stands.ended:
                    with suppress(Conflict, NotFound):  # another node was there first
                        self._rows.add(ending(rest, now))
                        entered = True
            if len(due) < _SLICE or not entered:
                return

    async def _in(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
