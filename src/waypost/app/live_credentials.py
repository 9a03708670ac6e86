"""The credentials that people brought, opened in memory, and kept true as the directory changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from waypost.core.credentials import Credential
from waypost.errors import StoreUnavailable
from waypost.policy.credentials import secret_of
from waypost.policy.directory import Directory
from waypost.ports.sealing import Sealing
from waypost.routing.own import Brought, OwnKeys
from waypost.telemetry.logs import Log

_NEVER: Final = -1


class LiveCredentials:
    """Gives `OwnKeys` what the directory has. One that can not be opened is told of once, and is not used."""

    def __init__(self, directory: Directory, seals: Sealing, own: OwnKeys, log: Log) -> None:
        self._directory = directory
        self._seals = seals
        self._own = own
        self._log = log
        self._seen = _NEVER
        #: One after the other: what was deleted meanwhile does not come back.
        self._turn = asyncio.Lock()
        #: By id, what was sealed and what it is.
        self._opened: dict[str, tuple[bytes, str]] = {}

    async def refresh(self) -> None:
        """Take in what was changed. Raises nothing."""
        async with self._turn:
            while self._seen != self._directory.brought:
                seen = self._directory.brought
                await self._take(tuple(self._directory.all(Credential)))
                self._seen = seen  # only now: who is cancelled before has taken nothing in

    async def watch(
        self, interval_s: float = 0.5, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """`refresh` for ever, until cancelled: for changes whose taking in was cancelled."""
        while True:
            await self.refresh()
            await sleep(interval_s)

    def readable(self, found: Credential) -> bool:
        """Whether its secret could be opened here."""
        return bool(self._opened.get(found.id, (b"", ""))[1])

    async def _take(self, found: tuple[Credential, ...]) -> None:
        new = [each for each in found if self._opened.get(each.id, (b"", ""))[0] != each.sealed]
        if new:
            self._opened.update(await asyncio.to_thread(self._open, new))
        self._own.give([Brought(each, self._opened[each.id][1]) for each in found])
        self._keep_only({each.id for each in found})

    def _keep_only(self, ids: Collection[str]) -> None:
        for gone in self._opened.keys() - ids:
            del self._opened[gone]

    def _open(self, found: list[Credential]) -> dict[str, tuple[bytes, str]]:
        told: dict[str, tuple[bytes, str]] = {}
        for each in found:
            secret = ""
            try:
                secret = secret_of(self._seals, each)
            except StoreUnavailable as error:
                self._log.error(
                    "a credential can not be used here",
                    credential=each.id,
                    organization=each.organization_id,
                    why=error.message,
                )
            told[each.id] = (each.sealed, secret)
        return told
