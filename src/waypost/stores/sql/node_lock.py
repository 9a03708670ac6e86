"""One gateway for each node's name: a lock that PostgreSQL drops by itself when the gateway's connection ends.

Two data folders with one name, because one was copied from the other, would give back each other's leases and take each
other's segments for their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pg8000.exceptions import DatabaseError, InterfaceError

from waypost.errors import ConfigError, StoreUnavailable
from waypost.stores.sql.postgres_link import Connector, Wire

_TAKE: Final = "SELECT pg_try_advisory_lock(hashtextextended(%s, 1))"
_PAUSE_S: Final = 0.05


class NodeLock:
    """Held from `take` until `close`, on a connection of its own. Blocking; for one thread at a time."""

    def __init__(
        self,
        connector: Connector,
        node: str,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connector = connector
        self._node = node
        self._monotonic = monotonic
        self._sleep = sleep
        self._wire: Wire | None = None

    def take(self, wait_s: float = 5.0) -> None:
        """Wait until it is ours: the server may not have noticed yet that an earlier process has ended. Raises
        ConfigError when another gateway has it, StoreUnavailable."""
        until = self._monotonic() + wait_s
        while not self._try():
            if self._monotonic() >= until:
                raise ConfigError(
                    f"Another gateway runs as the node {self._node}. Its data folder was copied, or this one: "
                    "remove the file `node`, and the folder `intents`, from the copy.",
                    param="data",
                )
            self._sleep(_PAUSE_S)

    def check(self) -> None:
        """See that it is still ours; takes it again after the connection broke. Raises as `take`."""
        if self._wire is not None:
            with suppress(InterfaceError, DatabaseError, OSError):
                self._wire.cursor().execute("SELECT 1")
                return
            self.close()
        self.take(0.0)

    def close(self) -> None:
        """Let it go. Idempotent."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _try(self) -> bool:
        try:
            if self._wire is None:
                self._wire = self._connector.connect()
                self._wire.autocommit = True
            cursor = self._wire.cursor()
            cursor.execute(_TAKE, (self._node,))
            return bool(cursor.fetchone()[0])
        except (InterfaceError, DatabaseError, OSError):
            self.close()
            raise StoreUnavailable("The database does not answer.", retry_after_s=1.0) from None
