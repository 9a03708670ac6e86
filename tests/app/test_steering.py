from __future__ import annotations

import asyncio
from io import StringIO
from pathlib import Path

from flat_tariff import FlatTariff
from transcript import FakeClock, NoCatalog
from waypost.app.live_config import LiveConfig
from waypost.app.steering import Steering
from waypost.config.targets import Target
from waypost.errors import CredentialRefused, Unavailable
from waypost.routing.canary import RolledBack
from waypost.telemetry.logs import Log

FILE = """
providers: [{{name: p, dialect: openai_chat, base_url: "http://{host}/v1", discover: false}}]
models: [{{name: fast, targets: [{{provider: p, model: m}}]}}]
discovery: {{environment: false, local: false, local_model: "off"}}
"""


class Rig:
    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.file = folder / "waypost.yaml"
        self.file.write_text(FILE.format(host="a.example"))
        self.config = LiveConfig(self.file, {}, NoCatalog(), FlatTariff(), Log(StringIO(), self.clock.wall))
        self.steering = Steering(self.config, self.clock, Log(StringIO(), self.clock.wall))
        self.config.resolve()

    @property
    def target(self) -> Target:
        return self.config.snapshot().routes["fast"].targets[0]

    def fail(self, error: Unavailable | CredentialRefused) -> None:
        board, now = self.steering.board, self.clock.now
        assert board.try_enter(self.target, now, 1)
        board.failed(self.target, now, 1, error, (), now)


def test_the_figures_of_breakers_are_those_of_the_file(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.file.write_text(FILE.format(host="a.example") + "resilience: {breaker: {consecutive_failures: 1}}\n")
    assert rig.config.reload()
    rig.fail(Unavailable("down"))
    assert not rig.steering.board.try_enter(rig.target, rig.clock.now, 1)


def test_what_is_held_against_a_provider_ends_with_its_address(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.fail(CredentialRefused("401"))
    board = rig.steering.board
    assert not board.try_enter(rig.target, rig.clock.now, 1)
    assert rig.config.reload()
    assert not board.try_enter(rig.target, rig.clock.now, 1), "the same provider is as refused as before"
    rig.file.write_text(FILE.format(host="b.example"))
    assert rig.config.reload()
    assert board.try_enter(rig.target, rig.clock.now, 1)


def test_only_names_of_the_configuration_become_labels(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    made_up = rig.config.snapshot().find("p/made-up").targets[0]
    for target in (rig.target, made_up):
        assert rig.steering.board.try_enter(target, rig.clock.now, 1)
    shown = {
        labels
        for each in rig.steering.labelled()
        if each.name == "waypost_target_in_flight"
        for labels, _ in each.rows
    }
    assert shown == {("p", "m")}


def test_looking_at_targets_makes_no_place_for_them(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert rig.steering.report(rig.target) is None
    rig.fail(Unavailable("down"))
    told = rig.steering.report(rig.target)
    assert told is not None
    assert (told.target, told.windows["5m"].failures) == ("p/m", 1)
    other = rig.config.snapshot().find("p/other").targets[0]
    assert rig.steering.report(other) is None
    assert [place.target.model for place in rig.steering.board.places()] == ["m"]


async def test_a_canary_that_was_rolled_back_is_told_of_once(tmp_path: Path) -> None:
    rig, log = Rig(tmp_path), StringIO()
    rig.steering.planner.rolled_back = lambda: [RolledBack("next", "it failed too often", 5.0)]  # type: ignore[method-assign]
    watching = asyncio.ensure_future(rig.steering.watch(Log(log, rig.clock.wall), pause_s=0))
    for _ in range(5):
        await asyncio.sleep(0)
    watching.cancel()
    assert log.getvalue().count("a canary was rolled back") == 1
    assert "it failed too often" in log.getvalue()


def test_the_queue_has_the_bounds_of_the_configuration_in_force(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert rig.steering.waiting._bounds() is rig.config.snapshot().settings.overload
