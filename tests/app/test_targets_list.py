from __future__ import annotations

from transcript import Stage, provider, target
from waypost.app.targets_list import TargetsList
from waypost.config.snapshot import Route
from waypost.core.objects import Change
from waypost.core.people import DEFAULT, Team
from waypost.pipeline.plans import OPERATOR, key_of
from waypost.policy.directory import Directory

ONE, TWO = target(provider("p1", key_name="eu", region="eu")), target(provider("p2"))


def rows(*models: str) -> list[dict[str, object]]:
    stage = Stage(targets=(ONE, TWO))
    stage.snapshot.routes["slow"] = Route("slow", (TWO,))
    listing = TargetsList(
        lambda: stage.snapshot, lambda each: {"uptime": 1.0} if each is ONE else None, Directory()
    )
    body = listing.list(key_of("k", models) if models else OPERATOR)
    assert body["object"] == "list"
    data = body["data"]
    assert isinstance(data, list)
    return data


def test_each_target_is_there_once_with_its_routes_and_its_health() -> None:
    first, second = rows()
    assert (first["target"], first["key"], first["region"], first["routes"]) == (
        "p1#eu/m1",
        "eu",
        "eu",
        ["fast"],
    )
    assert first["health"] == {"uptime": 1.0}
    assert (second["target"], second["routes"], second["health"]) == ("p2/m1", ["fast", "slow"], None)


def test_a_key_sees_the_targets_of_routes_that_it_may_use() -> None:
    (only,) = rows("slow")
    assert (only["target"], only["routes"]) == ("p2/m1", ["slow"])
    assert rows("nothing") == []


def test_a_list_of_who_the_key_belongs_to_holds_too() -> None:
    directory = Directory()
    team = Team("team_w", DEFAULT, "web", models=("slow",))
    directory.apply([Change("team", team)], 1)
    stage = Stage(targets=(ONE, TWO))
    stage.snapshot.routes["slow"] = Route("slow", (TWO,))
    body = TargetsList(lambda: stage.snapshot, lambda _: None, directory).list(key_of("k", team_id="team_w"))
    assert [row["target"] for row in body["data"]] == ["p2/m1"]  # type: ignore[attr-defined]
