"""One suite for every `ports.Objects`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from waypost.core.budget import Budget
from waypost.core.objects import Change, Object
from waypost.core.org_route import ROUTES_MAX, OrgRoute
from waypost.core.people import DEFAULT, Member, Organization, Team, TeamRole, User
from waypost.errors import Conflict, InvalidRequest
from waypost.ports import Objects
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.opening import open_database

ACME = Organization("org_a", "acme")
OTHER = Organization("org_b", "other")
WEB = Team("team_w", "org_a", "web", created_at=5.0)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.process)])
def where(request: pytest.FixtureRequest) -> dict[str, str]:
    """What the environment says of the database."""
    if request.param == "sqlite":
        return {}
    return dict(request.getfixturevalue("postgres").new_database(prepared=True))


@pytest.fixture
def objects(where: dict[str, str], tmp_path: Path) -> Iterator[Objects]:
    database = open_database(tmp_path, where)
    assert database is not None
    yield ObjectRows(database, lambda: 1000.0)
    database.close()


def names(found: list[Object]) -> list[str]:
    return [each.name for each in found]


def test_what_was_put_is_found_by_id_and_by_name_with_its_revision(objects: Objects) -> None:
    put = objects.put(ACME)
    team = objects.put(WEB)
    assert (put.revision, team.revision, objects.version()) == (1, 2, 2)
    assert objects.get("team", "team_w") == team == Team("team_w", "org_a", "web", created_at=5.0, revision=2)
    assert objects.named("team", "org_a", "web") == team
    assert objects.named("organization", "", "acme") == put
    assert objects.get("team", "org_a") is None
    assert objects.named("team", "org_b", "web") is None


def test_a_change_raises_the_revision_and_what_is_the_same_does_not(objects: Objects) -> None:
    objects.put(ACME)
    changed = objects.put(Organization("org_a", "acme", title="Acme"), revision=1)
    assert (changed.revision, objects.version()) == (2, 2)
    assert objects.put(Organization("org_a", "acme", title="Acme")) == changed
    assert objects.version() == 2


def test_a_revision_that_is_not_the_present_one_is_a_conflict(objects: Objects) -> None:
    objects.put(ACME, revision=0)
    for found, revision in ((ACME, 0), (ACME, 7), (OTHER, 1)):
        with pytest.raises(Conflict) as refused:
            objects.put(found, revision=revision)
        assert refused.value.param == "revision"
    with pytest.raises(Conflict):
        objects.delete("organization", "org_a", revision=9)
    assert objects.version() == 1
    assert objects.delete("organization", "org_a", revision=1) is True


def test_names_are_unique_in_an_organization_and_free_again_after_a_deletion(objects: Objects) -> None:
    objects.put(ACME)
    objects.put(OTHER)
    objects.put(WEB)
    objects.put(Team("team_x", "org_b", "web"))
    with pytest.raises(Conflict, match="'web' already") as refused:
        objects.put(Team("team_y", "org_a", "web"))
    assert refused.value.param == "name"
    assert objects.delete("team", "team_w") is True
    assert objects.named("team", "org_a", "web") is None
    assert objects.put(Team("team_y", "org_a", "web")).id == "team_y"


def test_an_id_is_not_used_again(objects: Objects) -> None:
    objects.put(ACME)
    objects.delete("organization", "org_a")
    assert objects.get("organization", "org_a") is None
    assert objects.delete("organization", "org_a") is False
    for revision in (None, 0):
        with pytest.raises(Conflict, match="was deleted"):
            objects.put(Organization("org_a", "again"), revision=revision)


def test_changes_are_told_in_order_with_deletions(objects: Objects) -> None:
    objects.put(ACME)
    objects.put(WEB)
    objects.put(Organization("org_a", "acme", title="Acme"))
    objects.delete("team", "team_w")
    changes, version = objects.changed(0)
    assert version == 4
    assert changes == [
        Change("organization", Organization("org_a", "acme", title="Acme", revision=3)),
        Change("team", Team("team_w", "org_a", "web", created_at=5.0, revision=4), deleted=True),
    ]
    assert objects.changed(3) == (changes[1:], 4)
    assert objects.changed(4) == ((), 4)


def test_what_was_refused_changes_nothing(objects: Objects) -> None:
    objects.put(ACME)
    with pytest.raises(Conflict):
        objects.put(Team("team_z", "org_z", "web"))
    assert objects.version() == 1
    assert objects.get("team", "team_z") is None


def test_pages_go_by_name_in_an_organization_and_by_id_over_all(objects: Objects) -> None:
    objects.put(ACME)
    objects.put(OTHER)
    for number, (home, name) in enumerate((("org_a", "c"), ("org_a", "a"), ("org_b", "b"), ("org_a", "b"))):
        objects.put(Team(f"team_{number}", home, name))
    objects.delete("team", "team_1")
    assert names(objects.page("team", "org_a", "", 10)) == ["b", "c"]
    assert names(objects.page("team", "org_a", "", 1)) == ["b"]
    assert names(objects.page("team", "org_a", "b", 10)) == ["c"]
    assert [each.id for each in objects.page("team", None, "", 2)] == ["team_0", "team_2"]
    assert [each.id for each in objects.page("team", None, "team_2", 2)] == ["team_3"]


def test_the_built_in_organization_is_there_without_a_row(objects: Objects) -> None:
    own = Organization(DEFAULT, DEFAULT)
    assert objects.get("organization", DEFAULT) == objects.named("organization", "", DEFAULT) == own
    objects.put(ACME)
    objects.put(Organization("org_z", "zed"))
    assert names(objects.page("organization", "", "", 10)) == ["acme", "default", "zed"]
    assert names(objects.page("organization", None, "", 10)) == ["default", "acme", "zed"]
    assert names(objects.page("organization", "", "default", 10)) == ["zed"]
    objects.put(Team("team_d", DEFAULT, "web"))
    with pytest.raises(Conflict):
        objects.put(Organization("org_d", DEFAULT))

    written = objects.put(Organization(DEFAULT, DEFAULT, title="Ours"), revision=0)
    assert objects.get("organization", DEFAULT) == written
    assert names(objects.page("organization", "", "", 10)) == ["acme", "default", "zed"]
    with pytest.raises(Conflict, match="built in"):
        objects.delete("organization", DEFAULT)
    objects.put(Organization(DEFAULT, "ours"))
    assert objects.named("organization", "", DEFAULT) is None


def test_what_belongs_to_something_keeps_it(objects: Objects) -> None:
    objects.put(ACME)
    objects.put(WEB)
    objects.put(User("user_1", "ann@acme.example"))
    objects.put(Member("mem_1", "org_a", "user_1", teams=(TeamRole("team_w"),)))
    objects.put(Budget("bud_1", "org_a", "all", "organization", "org_a", 5))
    for kind, object_id in (("organization", "org_a"), ("team", "team_w"), ("user", "user_1")):
        with pytest.raises(Conflict, match="still needed by"):
            objects.delete(kind, object_id)
    objects.delete("member", "mem_1")
    assert objects.delete("team", "team_w") is True
    assert objects.delete("user", "user_1") is True


def test_an_organization_has_a_bounded_number_of_routes(objects: Objects) -> None:
    objects.put(ACME)
    objects.put(OTHER)
    for number in range(ROUTES_MAX):
        objects.put(OrgRoute(f"rte_{number}", "org_a", f"r{number}", '{"target":"a/b"}'))
    more = OrgRoute("rte_more", "org_a", "more", '{"target":"a/b"}')
    with pytest.raises(Conflict, match="at most 100 routes"):
        objects.put(more)
    objects.put(OrgRoute("rte_1", "org_a", "r1", '{"target":"a/c"}'))
    objects.put(OrgRoute("rte_o", "org_b", "more", '{"target":"a/b"}'))
    assert objects.delete("route", "rte_0")
    assert objects.put(more).name == "more"
    with pytest.raises(Conflict, match="still needed by"):
        objects.delete("organization", "org_b")


@pytest.mark.parametrize(
    ("tree", "param"),
    [
        ("{", "tree"),
        ('{"fallback":[{"target":5}]}', "tree.fallback[0].target"),
        ('{"fallback":[{"target":"a/b","prices":{"input":0,"output":0}}]}', "tree.fallback[0].prices"),
        ('{"target": "a/b"}', "tree"),
    ],
)
def test_a_tree_that_makes_no_sense_is_not_kept(objects: Objects, tree: str, param: str) -> None:
    objects.put(ACME)
    with pytest.raises(InvalidRequest) as caught:
        objects.put(OrgRoute("rte_1", "org_a", "r", tree))
    assert caught.value.param == param
