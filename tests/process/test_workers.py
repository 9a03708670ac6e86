"""One gateway of several workers: one port, one set of books, whatever becomes of a worker."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import GatewayProcess
from postgres_server import PostgresServer
from process.books import get, metrics, settle, simulating, until
from process.crew import DOLLAR, Crew, of_worker
from process.talk import Reply, chat, exchange, head, port_of, post, run
from simulated import SimulatorProcess
from waypost.stores.lock import read_running

pytestmark = [pytest.mark.process, pytest.mark.timeout(150)]


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with simulating() as running:
        yield running


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def crew(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, simulator: SimulatorProcess
) -> Iterator[Crew]:
    server: PostgresServer | None = None
    where: dict[str, str] = {}
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        where = dict(server.new_database())
    made = Crew(tmp_path_factory.mktemp("crew"), simulator, where, server)
    yield made
    assert made.gateway.stop() == 0


def test_a_dollar_is_a_dollar_for_both_together(crew: Crew) -> None:
    key = crew.key("dollar", DOLLAR)
    told = run(crew.ask_all(key, 400, 100), 120.0)
    crew.books_are_right()
    assert set(told) == {200, 402}
    posted, lines = crew.rows("SELECT posted_nusd, lines FROM accounts WHERE posted_nusd > 0")[0]
    assert lines == told[200]
    assert 0.95 * DOLLAR <= int(str(posted)) <= DOLLAR
    settled = crew.rows("SELECT segment FROM intents_applied")
    assert any("-2/" in str(segment) for (segment,) in settled), "the second one had its share of the work"
    assert any("-2/" not in str(segment) for (segment,) in settled), "and so had the first"


def test_metrics_are_those_of_both_and_never_fall(crew: Crew) -> None:
    name = 'waypost_exchanges_total{operation="chat",outcome="ok",status="200"}'
    before = metrics(crew.gateway)
    told = run(crew.ask_all(crew.gateway.key, 40, 10))
    seen = {metrics(crew.gateway)[name] - before.get(name, 0.0) for _ in range(8)}
    assert seen == {float(told[200])}, "whoever of them is asked"
    now = metrics(crew.gateway)
    assert now["waypost_workers"] == 2
    assert {of_worker("waypost_ready", 1), of_worker("waypost_ready", 2)} <= set(now)
    os.kill(crew.workers()[0], signal.SIGKILL)
    fallen = [metrics(crew.gateway)[name] < now[name] for _ in range(5)]
    until(lambda: metrics(crew.gateway)["waypost_workers"] == 2, "it is there again")
    assert not any(fallen)
    assert metrics(crew.gateway)[name] == now[name]


@pytest.mark.parametrize("which", [0, 1])
def test_kill_9_of_a_worker_loses_nothing_and_the_other_goes_on(crew: Crew, which: int) -> None:
    key, lines = crew.key(f"kill{which}", 50 * DOLLAR), "SELECT count(*) FROM lines"
    before, victims = crew.number(lines), crew.workers()

    async def killed() -> Counter[int]:
        asking = asyncio.ensure_future(crew.ask_all(key, 300, 20))
        await asyncio.to_thread(until, lambda: crew.number(lines) >= before + 60, "both are at work")
        os.kill(victims[which], signal.SIGKILL)
        return await asking

    told = run(killed(), 120.0)
    assert set(told) <= {200, 0}
    assert told[200] >= 250, "the other one went on"
    until(lambda: metrics(crew.gateway)["waypost_workers"] == 2, "it is there again")
    assert set(crew.workers()) != set(victims)
    crew.books_are_right()
    assert crew.number(lines) - before >= told[200]
    assert set(run(crew.ask_all(key, 20, 20))) == {200}


def test_sigterm_to_a_worker_alone_drains_it_and_another_takes_its_place(crew: Crew) -> None:
    before = crew.workers()

    async def drained() -> list[Reply]:
        streams = await _streams(crew, 12)
        os.kill(before[1], signal.SIGTERM)
        return await asyncio.gather(*streams)

    replies = run(drained())
    assert all(reply.complete and b"[DONE]" in reply.body for reply in replies)
    until(lambda: before[1] not in crew.workers() and len(crew.workers()) == 2, "another one is there")
    until(lambda: metrics(crew.gateway)["waypost_workers"] == 2, "and serves")
    assert before[0] in crew.workers()


async def _streams(crew: Crew, count: int) -> list[asyncio.Task[Reply]]:
    """Streams that take two seconds, under way at both workers."""
    simulate: dict[str, object] = {"tokens": 50, "tps": 25}
    request = post(chat("sim-fast", 1, stream=True, simulate=simulate), key=crew.gateway.key)
    port = port_of(crew.gateway.url)
    tasks = [asyncio.create_task(exchange(port, request, limit_s=40)) for _ in range(count)]

    def begun() -> bool:
        found = metrics(crew.gateway)
        return found["waypost_exchanges_active"] == count

    await asyncio.to_thread(until, begun, "all streams begun")
    return tasks


def test_a_reload_reaches_both(crew: Crew) -> None:
    def versions() -> tuple[float, float]:
        found = metrics(crew.gateway)
        return found[of_worker("waypost_config_version", 1)], found[of_worker("waypost_config_version", 2)]

    first, second = versions()
    file = crew.gateway.config
    file.write_text(file.read_text().replace("name: dear,", "name: dearer,"))
    done = subprocess.run(
        [*crew.gateway.command("reload"), "--config", str(file)], capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    until(lambda: versions()[0] > first and versions()[1] > second, "both have read it")
    for _ in range(8):
        told = get(crew.gateway.url + "/v1/models", crew.gateway.key).decode()
        assert '"dearer"' in told
    file.write_text(file.read_text().replace("name: dearer,", "name: dear,"))
    until(lambda: '"dear"' in get(crew.gateway.url + "/v1/models", crew.gateway.key).decode(), "as before")


def test_what_is_changed_at_one_is_in_force_at_both(crew: Crew) -> None:
    running = read_running(crew.gateway.data)
    assert running is not None
    port, path = port_of(crew.gateway.url), "/api/v1/organizations/acme"

    def ask(method: str, body: bytes = b"") -> int:
        length = len(body) if body else None
        return run(exchange(port, head(path, key=running.token, length=length, method=method) + body)).status

    for number in range(5):
        assert ask("PUT", b'{"title": "%d"}' % number) in (200, 201)
        assert {ask("GET") for _ in range(8)} == {200}


def test_sigterm_drains_the_streams_of_both(tmp_path: Path, simulator: SimulatorProcess) -> None:
    crew = Crew(tmp_path, simulator, {}, None)

    async def drained() -> tuple[int, list[Reply]]:
        streams = await _streams(crew, 12)
        status = await asyncio.to_thread(crew.gateway.stop)
        return status, list(await asyncio.gather(*streams))

    status, replies = run(drained())
    assert status == 0
    assert all(reply.complete and b"[DONE]" in reply.body for reply in replies)
    lines = crew.gateway.query("select count(*) from lines")
    assert lines == [(12,)]
    assert crew.gateway.query("select count(*) from leases") == [(0,)]


def test_after_a_kill_of_all_one_alone_finds_what_both_had(
    tmp_path: Path, simulator: SimulatorProcess
) -> None:
    crew = Crew(tmp_path, simulator, {}, None)
    key = crew.key("all", 50 * DOLLAR)

    async def killed() -> Counter[int]:
        asking = asyncio.ensure_future(crew.ask_all(key, 200, 30))
        await asyncio.to_thread(until, lambda: crew.number("SELECT count(*) FROM lines") >= 60, "at work")
        for pid in (crew.gateway.pid, *crew.workers()):
            os.kill(pid, signal.SIGKILL)
        crew.gateway.kill()
        return await asking

    told = run(killed(), 120.0)
    assert told[200] >= 60
    alone = GatewayProcess(tmp_path, crew.gateway.config.read_text())
    with alone:
        settle(alone)
        assert alone.query("select count(*) from lines")[0][0] >= told[200]  # type: ignore[operator]
        assert not (alone.data / "workers").exists()
        crew.gateway = alone
        crew.books_are_right()


def test_without_its_supervisor_a_worker_drains_and_ends(tmp_path: Path, simulator: SimulatorProcess) -> None:
    crew = Crew(tmp_path, simulator, {}, None)
    workers = crew.workers()

    async def orphaned() -> list[Reply]:
        streams = await _streams(crew, 6)
        crew.gateway.kill()
        return list(await asyncio.gather(*streams))

    assert all(reply.complete for reply in run(orphaned()))
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "they are gone", 30.0)
    assert crew.gateway.query("select count(*) from lines") == [(6,)]


def _start(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from waypost.cli.entry import run; run()", "serve", "--workers", "2"]
    return subprocess.run(
        [*command, "--data", str(folder / "data"), *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_keeps_it_from_starting_is_said_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = _start(tmp_path, "--port", str(port))
    assert done.returncode == 1
    assert " ".join(done.stderr.split()).count("is in use by another program") == 1


def test_what_keeps_a_worker_from_starting_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "root.key").write_text("not a key")
    done = _start(tmp_path, "--port", "0")
    assert done.returncode == 1
    assert " ".join(done.stderr.split()).count("root.key") == 1
    assert "Worker 1 could not be started" in done.stderr
    assert done.stdout == ""
