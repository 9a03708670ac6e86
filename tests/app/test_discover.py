from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from transcript import provider
from waypost.app.discover import Discovery
from waypost.catalog.discovery import ListedModel
from waypost.config.targets import Provider
from waypost.errors import StoreUnavailable, Unavailable
from waypost.telemetry.logs import Log


class World:
    """Providers' lists, and what was stored of them."""

    def __init__(self) -> None:
        self.lists: dict[str, list[str] | Exception] = {}
        self.stored: dict[str, list[str]] = {}
        self.store_fails = False
        self.log = StringIO()
        self.discovery = Discovery(
            self.fetch, self.remember, Log(self.log, lambda: 0.0), {"old": [ListedModel("kept")]}
        )

    async def fetch(self, served_by: Provider) -> Sequence[ListedModel]:
        listed = self.lists[served_by.name]
        if isinstance(listed, Exception):
            raise listed
        return [ListedModel(name) for name in listed]

    async def remember(self, name: str, models: Sequence[ListedModel]) -> None:
        if self.store_fails:
            raise StoreUnavailable("The database does not answer.")
        self.stored[name] = [model.id for model in models]

    def known(self, name: str) -> list[str]:
        return [model.id for model in self.discovery.known[name]]


async def test_new_models_are_known_and_stored_and_told_of_once() -> None:
    world = World()
    world.lists["p1"] = ["a", "b"]
    assert await world.discovery.refresh([provider("p1")])
    assert world.known("p1") == world.stored["p1"] == ["a", "b"]
    assert not await world.discovery.refresh([provider("p1")])
    assert world.log.getvalue().count("models listed") == 1


async def test_a_provider_that_fails_keeps_its_models_and_complains_once() -> None:
    world = World()
    world.lists["old"] = Unavailable("It is down.")
    for _ in range(2):
        assert not await world.discovery.refresh([provider("old")])
    assert world.known("old") == ["kept"]
    assert world.log.getvalue().count("could not be listed") == 1
    assert world.discovery.problems == {"old": "It is down."}
    world.lists["old"] = ["new"]
    assert await world.discovery.refresh([provider("old")])
    assert world.discovery.problems == {}


async def test_one_failing_provider_does_not_hold_the_others_back() -> None:
    world = World()
    world.lists = {"p1": Unavailable("down"), "p2": ["m"]}
    assert await world.discovery.refresh([provider("p1"), provider("p2"), provider("p3", models_path=None)])
    assert world.known("p2") == ["m"]


async def test_a_database_that_is_away_does_not_hide_models() -> None:
    world = World()
    world.store_fails = True
    world.lists["p1"] = ["a"]
    assert await world.discovery.refresh([provider("p1")])
    assert world.known("p1") == ["a"]
