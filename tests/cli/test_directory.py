from __future__ import annotations

from pathlib import Path

import pytest
import typer

from cli.folder import Folder
from waypost.cli.directory import new_id, open_book, team_roles, texts
from waypost.core.budget import Budget
from waypost.core.people import Organization, Team, TeamRole, User
from waypost.errors import Conflict


def test_things_are_found_by_id_before_they_are_by_name(tmp_path: Path) -> None:
    book = open_book(tmp_path, create=True)
    first = book.put(Team(new_id("team"), "default", "web"))
    book.put(Team(new_id("team"), "default", first.id.lower().replace("_", "-")))
    again = open_book(tmp_path)
    assert again.one(Team, "default", "web") == again.one(Team, "default", first.id) == first
    assert [each.name for each in again.of(Team, "default")] == sorted(
        each.name for each in again.of(Team, "default")
    )
    assert again.find(Team, "elsewhere", first.id) is None
    assert again.name(Team, "gone") == "gone"


def test_people_are_found_whatever_the_case_of_their_address(tmp_path: Path) -> None:
    book = open_book(tmp_path, create=True)
    ann = book.put(User(new_id("user"), "ann@acme.example"))
    assert open_book(tmp_path).one(User, "", "Ann@Acme.example") == ann


def test_the_built_in_organization_is_always_there(tmp_path: Path) -> None:
    book = open_book(tmp_path, create=True)
    assert book.organization("default").id == "default"
    book.put(Organization("default", "ours"))
    again = open_book(tmp_path)
    assert again.organization("ours") == again.organization("default")
    with pytest.raises(typer.Exit):
        again.organization("acme")


def test_what_was_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    book = open_book(tmp_path, create=True)
    team = book.put(Team(new_id("team"), "default", "web"))
    open_book(tmp_path).put(Team(team.id, "default", "web", title="x", revision=team.revision))
    with pytest.raises(Conflict):
        book.put(Team(team.id, "default", "web", title="y", revision=team.revision))
    with pytest.raises(Conflict):
        book.delete(team)


def test_a_change_leaves_what_is_not_given_and_empties_what_it_may(tmp_path: Path) -> None:
    book = open_book(tmp_path, create=True)
    made = book.put(
        Budget(new_id("budget"), "default", "b", "organization", "default", 5, on_exhausted="cheap")
    )
    given = {"name": "c", "on_exhausted": None}
    kept = book.change(made, given, "hint", emptied=("on_exhausted",))
    assert (kept.name, kept.on_exhausted, kept.limit_nusd) == ("c", "cheap", 5)
    assert book.change(kept, {"on_exhausted": ""}, "hint", emptied=("on_exhausted",)).on_exhausted is None
    team = book.put(Team(new_id("team"), "default", "web", title="Web"))
    assert book.change(team, {"title": ""}, "hint").title == ""
    with pytest.raises(typer.Exit):
        book.change(team, {"title": None}, "hint")


def test_lists_have_commas_or_are_repeated() -> None:
    assert texts(["a, b", "c", ""]) == ("a", "b", "c")
    assert texts(None) == texts([""]) == ()
    assert new_id("budget").startswith("bud_")
    assert len(new_id("budget")) == 20


def test_teams_with_roles(tmp_path: Path) -> None:
    book = open_book(tmp_path, create=True)
    web = book.put(Team("team_1", "default", "web"))
    again = open_book(tmp_path)
    assert team_roles(again, "default", ["web:admin"]) == (TeamRole(web.id, "admin"),)
    assert team_roles(again, "default", ["team_1"]) == (TeamRole(web.id, "developer"),)


def test_a_folder_without_data_is_said(tmp_path: Path) -> None:
    told = Folder(tmp_path).refused("orgs", "list")
    assert "no gateway data" in told
    assert list(tmp_path.iterdir()) == []


def test_what_others_wrote_is_shown_as_text(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.one("orgs", "create", "acme", "--title", "[red]x[/] %s")
    assert "[red]x[/] %s" in folder.run("orgs", "list").stdout
    assert "[red]x[/] %s" in folder.run("orgs", "show", "acme").stdout
