"""Tells the audit log which configuration is in force: at the start, and whenever the file was read again.

A configuration is no row of the database: whoever can write the file changes it, and it is in force before anything is
told of it, so that it can be mended while the database is away. Until then what is to be told waits in memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final

import msgspec

from waypost import __version__
from waypost.app.live_config import LiveConfig
from waypost.config.schema import Config
from waypost.core.deed import Deed, Done
from waypost.errors import StoreUnavailable
from waypost.ports.audit import AuditLog

_WAITING_MOST: Final = 1000
_AGAIN_S: Final = 1.0
_START: Final = Deed(action="start")
_RELOAD: Final = Deed(actor="operator", via="file", action="reload")


class ConfigTrail:
    """Owns what waits. Lives on the event loop's thread."""

    def __init__(
        self,
        trail: AuditLog,
        config: LiveConfig,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._trail, self._config, self._sleep = trail, config, sleep
        self._waiting: deque[tuple[Deed, Done]] = deque(maxlen=_WAITING_MOST)
        self._more = asyncio.Event()
        config.on_reload = self._reloaded
        started = {"version": [None, __version__], "digest": [None, digest(config.config)]}
        self._tell(_START, Done("config", name=self._name, changes=started))

    @property
    def _name(self) -> str:
        return str(self._config.file or "defaults")

    def _reloaded(self, before: Config, now: Config | None) -> None:
        if now is None:
            self._tell(_RELOAD, Done("config", name=self._name, outcome="failed"))
            return
        differing = [name for name in Config.__struct_fields__ if getattr(before, name) != getattr(now, name)]
        changes = {"digest": [digest(before), digest(now)], "sections": [None, differing]}
        self._tell(_RELOAD, Done("config", name=self._name, changes=changes))

    def _tell(self, deed: Deed, done: Done) -> None:
        self._waiting.append((deed, done))
        self._more.set()

    async def watch(self) -> None:
        """Write what waits, for ever, until it is cancelled."""
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                deed, done = self._waiting[0]
                try:
                    await asyncio.to_thread(self._trail.by(deed).add, done)
                except StoreUnavailable:
                    await self._sleep(_AGAIN_S)
                    continue
                if self._waiting and self._waiting[0][1] is done:
                    self._waiting.popleft()


def digest(config: Config) -> str:
    """What tells one content of the file from another."""
    return sha256(msgspec.json.encode(config)).hexdigest()
