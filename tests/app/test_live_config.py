from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

import pytest

from flat_tariff import FlatTariff
from transcript import NoCatalog, provider
from waypost.app.live_config import LiveConfig
from waypost.catalog.discovery import ListedModel
from waypost.errors import ConfigError
from waypost.telemetry.logs import Log

GOOD = """
providers:
  - {name: lab, dialect: openai_chat, base_url: "http://127.0.0.1:9/v1"}
models:
  - {name: %s, targets: [{provider: lab, model: m}]}
"""


class Place:
    def __init__(self, folder: Path, text: str = GOOD % "fast") -> None:
        self.file = folder / "waypost.yaml"
        self.file.write_text(text)
        self.log = StringIO()
        self.config = LiveConfig(
            self.file, {"OPENAI_API_KEY": "x"}, NoCatalog(), FlatTariff(), Log(self.log, lambda: 0.0)
        )
        self.config.resolve()

    def routes(self) -> set[str]:
        return set(self.config.snapshot().routes)

    def write(self, text: str) -> None:
        """As an editor does: another inode, so that the change shows however coarse the clock of the disk is."""
        new = self.file.with_suffix(".new")
        new.write_text(text)
        os.replace(new, self.file)


def test_a_reload_swaps_the_whole_snapshot(tmp_path: Path) -> None:
    place = Place(tmp_path)
    before = place.config.snapshot()
    place.write(GOOD % "slow")
    assert place.config.reload()
    assert place.routes() == {"slow"}
    assert set(before.routes) == {"fast"}, "a request under way keeps what it began with"
    assert place.config.snapshot().version == before.version + 1


@pytest.mark.parametrize("bad", ["models: [", "nonsense: 1", GOOD.replace("lab, model", "labb, model") % "x"])
def test_a_bad_file_leaves_the_old_configuration_in_force_and_says_why(tmp_path: Path, bad: str) -> None:
    place = Place(tmp_path)
    before = place.config.snapshot()
    place.write(bad)
    assert not place.config.reload()
    assert place.config.snapshot() is before
    assert "waypost.yaml" in place.log.getvalue()


def test_a_missing_file_is_no_empty_configuration(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.file.unlink()
    assert not place.config.reload()
    assert place.routes() == {"fast"}


def test_each_of_several_keys_keeps_its_token_over_a_reload(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(f"key-{name}")
    keys = ", ".join(f"{{name: {name}, api_key: 'file:{tmp_path / name}'}}" for name in "ab")
    place = Place(tmp_path, f"providers: [{{name: w, preset: watsonx, region: us-south, keys: [{keys}]}}]")
    before = [one.credential.authorizer for one in place.config.snapshot().every_provider()]
    (tmp_path / "b").write_text("another")
    assert place.config.reload()
    after = [one.credential.authorizer for one in place.config.snapshot().every_provider()]
    assert before[0] is after[0] is not None
    assert before[1] is not after[1]


def test_a_poll_reloads_only_what_changed(tmp_path: Path) -> None:
    place = Place(tmp_path)
    version = place.config.snapshot().version
    assert not place.config.reload_if_changed()
    assert place.config.snapshot().version == version
    place.write(GOOD % "slow")
    assert place.config.reload_if_changed()
    assert place.routes() == {"slow"}


def test_what_was_found_survives_a_reload(tmp_path: Path) -> None:
    place = Place(tmp_path)
    found = provider("ollama", origin_label="local")
    place.config.resolve(found=[found], discovered={"ollama": [ListedModel("qwen3")]})
    assert place.routes() == {"fast", "ollama/qwen3"}
    assert place.config.snapshot().routes["ollama/qwen3"].targets[0].tariff is not None
    place.config.reload()
    assert "ollama/qwen3" in place.routes()


@pytest.mark.parametrize(
    ("discovery", "served"),
    [
        ("{environment: false, local: false, local_model: 'on'}", {"local/m"}),
        ("{environment: true, local: false, local_model: 'off'}", {"openai/m"}),
        ("{environment: false, local: true, local_model: 'off'}", {"ollama/m"}),
        ("{environment: false, local: false, local_model: 'off'}", set()),
    ],
)
def test_only_what_the_file_wants_is_taken_of_what_was_found(
    tmp_path: Path, discovery: str, served: set[str]
) -> None:
    place = Place(tmp_path, f"{GOOD % 'fast'}\ndiscovery: {discovery}\n")
    labels = {"local": "local", "openai": "environment", "ollama": "local"}
    found = [provider(name, origin_label=label) for name, label in labels.items()]
    place.config.resolve(found=found, discovered={name: [ListedModel("m")] for name in labels})
    assert place.routes() - {"fast"} == served


def test_without_a_file_there_are_defaults() -> None:
    config = LiveConfig(None, {}, NoCatalog(), FlatTariff(), Log(StringIO(), lambda: 0.0))
    config.resolve()
    assert config.snapshot().routes == {}


def test_a_worker_has_its_share_of_what_the_file_gives_all(tmp_path: Path) -> None:
    text = """
limits: {concurrency: 9}
overload: {queue_size: 5}
providers:
  - name: lab
    dialect: openai_chat
    base_url: "http://127.0.0.1:9/v1"
    keys:
      - {name: a, api_key: "env:OPENAI_API_KEY", rpm: 7, concurrency: 1}
      - {name: b, api_key: "env:OPENAI_API_KEY"}
"""
    file = tmp_path / "waypost.yaml"
    file.write_text(text)
    found = {}
    for workers in (1, 2):
        environ, log = {"OPENAI_API_KEY": "x"}, Log(StringIO(), lambda: 0.0)
        config = LiveConfig(file, environ, NoCatalog(), FlatTariff(), log, workers)
        config.resolve()
        settings, pools = config.snapshot().settings, config.snapshot().pools
        keys = [(key.key_rpm, key.key_concurrency) for key in pools["lab"]]
        found[workers] = settings.concurrency_max, settings.overload.waiting_max, keys
        assert config.snapshot().providers["lab"].key_rpm == keys[0][0]
    assert found == {1: (9, 5, [(7, 1), (None, None)]), 2: (4, 2, [(3, 1), (None, None)])}


def test_a_bad_file_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        Place(tmp_path, "nonsense: 1")


@pytest.mark.parametrize(
    ("base_url", "free"), [("https://gpu.example/v1", False), ("http://127.0.0.1:9/v1", True)]
)
def test_a_server_elsewhere_is_not_free_because_one_of_its_kind_runs_here(
    tmp_path: Path, base_url: str, free: bool
) -> None:
    place = Place(tmp_path, f'providers:\n  - {{name: rented, preset: ollama, base_url: "{base_url}"}}\n')
    place.config.resolve(
        found=[provider("ollama", origin_label="local")], discovered={"rented": [ListedModel("m")]}
    )
    snapshot = place.config.snapshot()
    for route in (snapshot.routes["rented/m"], snapshot.find("rented/other")):
        assert (route.targets[0].tariff is not None) is free
