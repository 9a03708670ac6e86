"""Sharing health and limits with other nodes, wired: which store is configured, and what names stand for here."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from hashlib import blake2b
from typing import Final, NoReturn

from waypost.app.ending import end_all
from waypost.app.live_config import LiveConfig
from waypost.config.shared_store import SharedStore
from waypost.config.snapshot import Snapshot
from waypost.config.targets import Provider
from waypost.ports import Clock
from waypost.routing.health.board import HealthBoard
from waypost.routing.health.changes import Change
from waypost.stores.valkey.link import Patience, open_link
from waypost.stores.valkey.shared import Counts, SharedHealth
from waypost.stores.valkey.shared_limits import SharedLimits
from waypost.telemetry.logs import Log
from waypost.telemetry.metrics import Labelled

_PERSON: Final = b"waypost-health"


class Sharing:
    """Follows `shared` of the configuration in force; one per process."""

    def __init__(
        self, config: LiveConfig, board: HealthBoard, clock: Clock, log: Log, random: Callable[[], float]
    ) -> None:
        self._config = config
        self._board = board
        self._clock = clock
        self._log = log
        self._random = random
        self._node = secrets.token_hex(8)
        self._marks = Marks()
        self._other = asyncio.Event()
        self._now: SharedHealth | None = None
        self._counts = Counts()
        self.limits: SharedLimits | None = None
        """Where the database is shared, too."""
        board.on_change = self._changed

    async def run(self) -> NoReturn:
        """Until cancelled."""
        while True:
            self._other.clear()
            store = self._config.snapshot().shared
            if store is None:
                await self._other.wait()
                continue
            self._now = self._join(store)
            works: list[asyncio.Future[None]] = [asyncio.ensure_future(self._now.run())]
            if self.limits is not None and store.limits:
                works.append(asyncio.ensure_future(self.limits.run(store)))
            works.append(asyncio.ensure_future(self._changed_store()))
            try:
                done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
                for work in done:
                    await work  # raises where it was a fault that ended it
            finally:
                self._now = None
                await end_all(works)

    def swapped(self, before: Snapshot | None, after: Snapshot) -> None:
        """A new configuration is in force."""
        self._marks.learn(providers_of(after))
        if self.limits is not None:
            self.limits.configured = after.shared is not None and after.shared.limits
        if before is None or before.shared != after.shared:
            self._other.set()

    def labelled(self) -> Sequence[Labelled]:
        """For `/metrics`; nothing where no store is configured."""
        if self._config.snapshot().shared is None:
            return ()
        counts = self._counts
        rows = [
            (("sent",), float(counts.sent)),
            (("received",), float(counts.received)),
            (("dropped",), float(counts.dropped)),
        ]
        connected = float(self._now is not None and self._now.connected)
        told = [
            Labelled("waypost_shared_connected", (), [((), connected)]),
            Labelled("waypost_shared_changes_total", ("way",), rows),
        ]
        limits = self.limits
        if limits is not None and limits.configured:
            told.append(Labelled("waypost_shared_limits_connected", (), [((), float(limits.connected))]))
            told.append(
                Labelled("waypost_shared_limits_fallbacks_total", (), [((), float(limits.fallbacks))])
            )
        return told

    async def _changed_store(self) -> None:
        await self._other.wait()

    def _changed(self) -> None:
        if self._now is not None:
            self._now.wake()

    def _join(self, store: SharedStore) -> SharedHealth:
        return SharedHealth(
            board=self._board,
            open_link=partial(open_link, store, Patience()),
            namespace=store.namespace,
            node=self._node,
            mark=self._marks.of,
            clock=self._clock,
            log=self._log,
            random=self._random,
            counts=self._counts,
        )


class Marks:
    """Short digests of what names stand for: an address, and for a parking the credential too.

    Another node's finding counts only where its mark is the same, so that a new key of an old name is not parked for
    what became of the old one. 16 bits tell two apart, and nothing of the credential. Those that are fetched and
    renewed are told apart by their address and name only.
    """

    def __init__(self) -> None:
        self._places: dict[str, str] = {}
        self._credentials: dict[tuple[str, str], str] = {}

    def learn(self, providers: Iterable[Provider]) -> None:
        """These are all there are."""
        self._places.clear()
        self._credentials.clear()
        for provider in providers:
            place = f"{provider.origin.scheme}://{provider.origin.authority}{provider.path}".encode()
            proofs = [provider.credential.reveal()]
            proofs += [each.reveal() for _, each in sorted(provider.credentials.items())]
            self._places[provider.name] = _digest(place)
            self._credentials[provider.name, provider.key_name] = _digest(place, *proofs)

    def of(self, change: Change) -> str | None:
        """None when there is no such provider or credential here."""
        if change.kind == "ejected":
            return self._places.get(change.provider)
        return self._credentials.get((change.provider, change.key_name))


def _digest(*parts: bytes) -> str:
    made = blake2b(digest_size=2, person=_PERSON)
    for part in parts:
        made.update(len(part).to_bytes(4, "big") + part)
    return made.hexdigest()


def providers_of(snapshot: Snapshot) -> Iterable[Provider]:
    """Each once for each of its credentials."""
    found: dict[tuple[str, str], Provider] = {(p.name, p.key_name): p for p in snapshot.every_provider()}
    for route in snapshot.routes.values():
        for target in route.targets:
            found.setdefault((target.provider.name, target.provider.key_name), target.provider)
    return found.values()
