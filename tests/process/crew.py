"""A gateway of two workers, and what is asked of both of them together."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

import msgspec

from gateway import GatewayProcess, config_for
from postgres_server import PostgresServer
from process.books import metrics, settle, until
from process.talk import Reply, chat, exchange, port_of, post
from simulated import SimulatorProcess
from waypost.core.budget import Budget
from waypost.stores.sql.keys import KeyRows, NewKey
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.variables import URL

DOLLAR = 1_000_000_000
DEAR = """
  - {name: dear, targets: [{provider: sim, model: sim-fast}], prices: {input: 100, output: 400}}
discovery:"""
WORKERS = {"WAYPOST_WORKERS": "2"}


class Crew:
    """A gateway of two workers."""

    def __init__(
        self, folder: Path, simulator: SimulatorProcess, where: dict[str, str], server: PostgresServer | None
    ) -> None:
        config = config_for(simulator.url).replace("\ndiscovery:", DEAR, 1)
        self.where = where
        self._server = server
        self.gateway = GatewayProcess(folder, config, {**where, **WORKERS})
        self.gateway.start()

    def rows(self, sql: str) -> list[list[object]]:
        if self._server is None:
            return [list(row) for row in self.gateway.query(sql)]
        with self._server.connection(self.where[URL].rpartition("/")[2]) as connection:
            return [list(row) for row in connection.run(sql)]

    def number(self, sql: str) -> int:
        return int(str(self.rows(sql)[0][0]))

    def workers(self) -> list[int]:
        """Their process ids."""
        text = Path(f"/proc/{self.gateway.pid}/task/{self.gateway.pid}/children").read_text()
        return sorted(map(int, text.split()))

    def key(self, name: str, limit_nusd: int) -> str:
        """A new key, whose organization has this budget."""
        database = open_database(self.gateway.data, self.where)
        assert database is not None
        objects, keys = ObjectRows(database, lambda: 1.0), KeyRows(database)
        issued, key = keys.create(NewKey(name), 1.0, os.urandom)
        objects.put(Budget(f"bud_{name}", key.organization_id, name, "key", key.key_id, limit_nusd, "total"))
        wanted = objects.version()
        database.close()

        def known() -> bool:
            found = metrics(self.gateway)
            return all(
                found.get(of_worker("waypost_directory_version", each), 0) >= wanted for each in (1, 2)
            )

        until(known, "its rules are known to both")
        return issued.text

    async def ask_all(self, key: str, times: int, at_once: int) -> Counter[int]:
        """Each over a connection of its own; 0: the connection ended without a whole answer."""
        port, places, told = port_of(self.gateway.url), asyncio.Semaphore(at_once), Counter[int]()

        async def one() -> None:
            async with places:
                reply = Reply()
                with suppress(OSError):
                    reply = await exchange(port, post(chat("dear", max_tokens=20), key=key))
                told[reply.status if reply.end == "whole" else 0] += 1

        await asyncio.gather(*(one() for _ in range(times)))
        return told

    def books_are_right(self) -> None:
        """What is posted to accounts is the sum of their lines, no line is there twice, and nothing is set aside."""
        settle(self.gateway)
        sums: dict[str, int] = {}
        for accounts, cost in self.rows("SELECT accounts, cost_nusd FROM lines"):
            for account in msgspec.json.decode(str(accounts), type=list[str]):
                sums[account] = sums.get(account, 0) + int(str(cost or 0))
        posted = {
            str(name): int(str(sum_))
            for name, sum_ in self.rows("SELECT account_id, posted_nusd FROM accounts")
        }
        assert {name: sum_ for name, sum_ in posted.items() if sum_} == sums
        for leased in ("leased_nusd) FROM accounts", "amount_nusd) FROM leases"):
            until(
                lambda leased=leased: self.rows(f"SELECT sum({leased}") in ([[0]], [[None]]), "all went back"
            )  # type: ignore[misc]


def of_worker(name: str, worker: int) -> str:
    return f'{name}{{worker="{worker}"}}'
