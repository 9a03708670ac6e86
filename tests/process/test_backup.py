"""Backups of a gateway that serves, gateways that start on a restored folder, and the move to PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from gateway import GatewayProcess, config_for
from postgres_server import PostgresServer
from process.books import bill, metrics, settle, simulating, until
from process.talk import chat, exchange, port_of, post, run
from waypost.stores.sql.variables import URL
from waypost.stores.writer_process import take_writer_lock

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]


def told(gateway: GatewayProcess, *words: str, **environ: str) -> list[dict[str, object]]:
    """What a command on the gateway's folder prints; it has to go well."""
    done = subprocess.run(
        [*gateway.command(*words), "--json"], capture_output=True, timeout=60, env={**os.environ, **environ}
    )
    assert done.returncode == 0, done.stderr.decode()
    return [msgspec.json.decode(line) for line in done.stdout.splitlines()]


def asked(gateway: GatewayProcess, key: str, count: int) -> None:
    """So many requests, which are all answered."""

    async def all_of_them() -> None:
        request = post(chat("sim-fast", 5), key=key)
        replies = await asyncio.gather(*(exchange(port_of(gateway.url), request) for _ in range(count)))
        assert {reply.status for reply in replies} == {200}

    run(all_of_them())


def test_a_backup_under_load_is_restored_and_served_from(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    file = tmp_path / "b.db"
    with simulating() as simulator:
        config = config_for(simulator.url)
        with GatewayProcess(tmp_path / "first", config) as gateway:
            key = gateway.create_key("--name", "app", "--budget", "5")
            asked(gateway, key, 50)
            with subprocess.Popen(gateway.command("db", "backup", str(file))) as copying:
                while copying.poll() is None:
                    asked(gateway, key, 10)
            assert copying.returncode == 0
            settle(gateway, simulator)
            (verified,) = told(gateway, "ledger", "verify")
            assert verified["lines"] == bill(simulator).lines
            refused = subprocess.run(
                gateway.command("db", "restore", str(file), "--replace"), capture_output=True, timeout=60
            )
            assert refused.returncode == 1
            assert b"Another gateway" in refused.stderr
        second = GatewayProcess(tmp_path / "second", config)
        told(second, "db", "restore", str(file))
        (before,) = told(second, "ledger", "verify")
        lines = before["lines"]
        assert isinstance(lines, int)
        assert lines <= bill(simulator).lines
        with second:
            asked(second, key, 3)
            settle(second, simulator)
            (after,) = told(second, "ledger", "verify")
            assert (after["ok"], after["lines"]) == (True, lines + 3)


def test_a_gateway_moves_to_postgresql_and_goes_on(tmp_path: Path, postgres: PostgresServer) -> None:
    where = postgres.new_database()
    with simulating() as simulator:
        gateway = GatewayProcess(tmp_path, config_for(simulator.url))
        with gateway:
            key = gateway.create_key("--name", "app", "--budget", "5")
            asked(gateway, key, 20)
            refused = subprocess.run(
                gateway.command("db", "copy", "--to", where[URL]), capture_output=True, timeout=60
            )
            assert b"Another gateway" in refused.stderr
        gateway.start()
        asked(gateway, key, 5)
        gateway.kill()  # what is in its intents files by then is posted over there
        take_writer_lock(gateway.data).let_go()  # its writer lives a little longer
        kept = told(gateway, "requests", "tail", "-n", "500")
        password = {name: value for name, value in where.items() if name != URL}
        told(gateway, "db", "copy", "--to", where[URL], **password)
        assert told(gateway, "requests", "tail", "-n", "500", **where) == kept
        moved = GatewayProcess(tmp_path, config_for(simulator.url), where)
        with moved:
            asked(moved, key, 3)
            settle(moved, simulator)
            (verified,) = told(moved, "ledger", "verify", **where)
            assert (verified["ok"], verified["lines"]) == (True, 28)
            assert bill(simulator).lines == 28
            until(lambda: "waypost_ledger_audited_at_seconds" in metrics(moved), "the audit at the start")
            assert metrics(moved)["waypost_ledger_differences"] == 0
            (status,) = told(moved, "db", "status", **where)
            assert status["kind"] == "postgresql"
