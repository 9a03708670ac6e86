"""The PostgreSQL server of the tests: as fast as one can be that need not survive the machine."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

from tools.postgres_server import PASSWORD, USER, Postgres
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.variables import PASSWORD as PASSWORD_VARIABLE
from waypost.stores.sql.variables import UNSAFE, URL

__all__ = ("PASSWORD", "USER", "PostgresServer")

_SETTINGS: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "log_min_messages": "fatal",
}


class PostgresServer(Postgres):
    """One server. `durable`: with its files synced, for tests that kill it."""

    def __init__(self, *, durable: bool = False) -> None:
        super().__init__({} if durable else _SETTINGS)
        self._durable = durable
        self._numbers = count(1)
        self._template: dict[str, str] | None = None
        self._shared: dict[str, str] | None = None

    def kill(self) -> None:
        """End it and all of its processes as a power cut would, but for what is in the page cache."""
        self._signal_all(signal.SIGKILL)
        self.end(signal.SIGKILL)

    def pause(self) -> None:
        """It keeps its connections, and answers nothing."""
        self._signal_all(signal.SIGSTOP)

    def go_on(self) -> None:
        """After `pause`."""
        self._signal_all(signal.SIGCONT)

    def new_database(self, *, prepared: bool = False) -> dict[str, str]:
        """An empty database, or one with its tables, as the environment names it."""
        name = f"t{next(self._numbers)}"
        like = ""
        if prepared:
            if self._template is None:
                self._template = self.new_database()
                opened = open_database(self.folder, self._template)
                assert opened is not None
                opened.close()
            like = f"TEMPLATE {self._template[URL].rpartition('/')[2]} STRATEGY FILE_COPY"
        with self.connection() as connection:
            connection.run(f"CREATE DATABASE {name} {like}")
        unsafe = {} if self._durable else {UNSAFE: "1"}
        return {URL: self.url(name), PASSWORD_VARIABLE: PASSWORD, **unsafe}

    def shared_database(self) -> dict[str, str]:
        """One for tests that leave nothing in it."""
        if self._shared is None:
            self._shared = self.new_database()
        return self._shared

    def _signal_all(self, number: signal.Signals) -> None:
        """Each process of a server has a session of its own, so they are found by whose children they are."""
        assert self.process is not None
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(each, number)
