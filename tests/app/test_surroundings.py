from __future__ import annotations

from io import StringIO
from pathlib import Path

import msgspec
import pytest

from transcript import ScriptedUpstream
from waypost.app.surroundings import Finder
from waypost.config.schema import Config, DiscoveryConfig, ProviderConfig
from waypost.providers.supervised import LocalModel
from waypost.telemetry.logs import Log

KEY = "sk-proj-0123456789abcdefABCDEF"
QUIET = DiscoveryConfig(environment=True, local=False, local_model="off")


def finder(tmp_path: Path, environ: dict[str, str]) -> Finder:
    return Finder(environ, tmp_path, ScriptedUpstream([]), Log(StringIO(), lambda: 0.0))


async def test_keys_are_found_and_placeholders_are_told_of(tmp_path: Path) -> None:
    found = await finder(tmp_path, {"OPENAI_API_KEY": KEY, "GROQ_API_KEY": "your-key"}).look(
        Config(discovery=QUIET)
    )
    assert [each.name for each in found.providers] == ["openai"]
    assert [line.partition(":")[0] for line in found.ignored] == ["GROQ_API_KEY"]
    assert "your-key" not in str(found.ignored)


async def test_nothing_is_looked_for_when_switched_off(tmp_path: Path) -> None:
    off = Config(discovery=DiscoveryConfig(environment=False, local=False, local_model="off"))
    assert (await finder(tmp_path, {"OPENAI_API_KEY": KEY}).look(off)).providers == ()


@pytest.mark.parametrize("case", ["a provider is configured", "a key is found"])
async def test_the_built_in_model_stays_off_when_there_is_something_else(tmp_path: Path, case: str) -> None:
    configured = case == "a provider is configured"
    config = Config(
        providers=[ProviderConfig(name="openai", preset="openai")] if configured else [],
        discovery=msgspec.structs.replace(QUIET, local_model="auto"),
    )
    found = await finder(tmp_path, {} if configured else {"OPENAI_API_KEY": KEY}).look(config)
    assert found.local_model is None


async def test_the_built_in_model_that_runs_is_no_longer_told_of_once_it_is_switched_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def started(self: LocalModel) -> None:
        self.port = 9

    monkeypatch.setattr(LocalModel, "start", started)
    place = finder(tmp_path, {"OPENAI_API_KEY": KEY})
    on = await place.look(Config(discovery=msgspec.structs.replace(QUIET, local_model="on")))
    assert on.local_model == "local/smollm2"
    assert [each.name for each in on.providers] == ["openai", "local"]
    off = await place.look(Config(discovery=QUIET))
    assert (off.local_model, [each.name for each in off.providers], off.listed) == (None, ["openai"], {})


async def test_workers_ask_the_built_in_model_that_the_first_one_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports: list[int] = []

    async def started(self: LocalModel, port: int = 0) -> None:
        ports.append(port)
        self.port = port or 9
        (tmp_path / "local-model.port").write_text(str(self.port))

    monkeypatch.setattr(LocalModel, "start", started)
    on = Config(discovery=msgspec.structs.replace(QUIET, local_model="on"))

    def worker(*, leads: bool) -> Finder:
        log = Log(StringIO(), lambda: 0.0)
        return Finder({}, tmp_path, ScriptedUpstream([]), log, leads=leads, shared=True)

    assert (await worker(leads=False).look(on)).local_model is None, "it does not run yet"
    for _ in range(2):
        await worker(leads=True).look(on)
        (found,) = (await worker(leads=False).look(on)).providers
        assert found.origin.port == 9
    assert ports == [0, 9], "the next first worker takes the port that the others know"
