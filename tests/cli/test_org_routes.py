"""Routes of organizations on the command line: made from files, and tested without a gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.command_line import documents, run
from cli.folder import Folder

CONFIG = """
providers: [{name: lab, dialect: openai_chat, base_url: http://127.0.0.1:9/v1}]
models: [{name: fast, targets: [{provider: lab, model: f}]}]
routes: [{name: shared, target: lab/s}]
discovery: {environment: false, local: false, local_model: "off"}
"""
SMART = """
# the quick ones first
fallback:
  - {target: fast, timeout: 20s}
  - {route: shared}
"""
ORG = """
organizations:
  - name: acme
    models: [fast, route/shared]
    route: smart
    routes:
      - {name: smart, fallback: [{target: fast}, {route: shared}]}
      - {name: open, target: lab/x}
    teams: [{name: web, route: shared, models: [route/shared]}]
"""
CASES = """
- name: the organization's default
  request: {model: whatever}
  expect: {route: route/smart, order: [lab/f, lab/s]}
- name: the team's
  request: {model: whatever}
  key: {team: web}
  expect: {route: route/shared}
- name: what is not approved
  request: {model: route/open}
  expect: {error: no_suitable_target}
- name: what the team may not
  request: {model: route/smart}
  key: {team: web}
  expect: {error: permission_denied}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "waypost.yaml").write_text(CONFIG)
    (tmp_path / "smart.yaml").write_text(SMART)
    (tmp_path / "org.yaml").write_text(ORG)
    (tmp_path / "cases.yaml").write_text(CASES)
    folder = Folder(tmp_path / "data")
    folder.one("orgs", "create", "acme", "--models", "fast,route/shared")
    return folder


def words(folder: Folder, name: str, file: str = "smart.yaml") -> tuple[str, ...]:
    at = folder.path.parent
    return (
        "routes",
        "set",
        name,
        "--org",
        "acme",
        "--file",
        str(at / file),
        "--config",
        str(at / "waypost.yaml"),
    )


def test_a_route_is_made_shown_replaced_listed_and_deleted(folder: Folder) -> None:
    made = folder.one(*words(folder, "smart"))
    assert made["tree"] == {"fallback": [{"target": "fast", "timeout": "20s"}, {"route": "shared"}]}
    (folder.path.parent / "smart.yaml").write_text('{"target": "fast"}')
    changed = folder.one(*words(folder, "smart"))
    assert (changed["id"], changed["tree"]) == (made["id"], {"target": "fast"})
    assert changed["revision"] > made["revision"]
    assert folder.one("routes", "show", "smart", "--org", "acme") == changed
    assert folder.all("routes", "list", "--org", "acme") == [changed]
    assert '{"target":"fast"}' in folder.run("routes", "list", "--org", "acme").stdout
    folder.one("routes", "delete", "smart", "--org", "acme")
    assert "waypost routes set" in folder.run("routes", "list", "--org", "acme").stdout


@pytest.mark.parametrize(
    ("tree", "name", "told"),
    [
        ("target: lab/x", "x", "may not use 'lab/x'"),
        ("targt: fast", "x", "bad.yaml:1:1: targt: there is no such setting"),
        ("target: fast\nprices: {input: 0, output: 0}", "x", "tree.prices"),
        ("target: fast", "shared", "the gateway's configuration has a route of this name"),
        ("route: nowhere", "x", "there is no route 'nowhere'"),
    ],
)
def test_what_leads_nowhere_is_refused(folder: Folder, tree: str, name: str, told: str) -> None:
    (folder.path.parent / "bad.yaml").write_text(tree)
    assert told in folder.refused(*words(folder, name, "bad.yaml"))
    assert folder.all("routes", "list", "--org", "acme") == []


def test_an_empty_file_and_one_that_is_not_there(folder: Folder) -> None:
    (folder.path.parent / "bad.yaml").write_text("# nothing yet\n")
    assert "There is no tree" in folder.refused(*words(folder, "x", "bad.yaml"), code=2)
    assert "no such file" in folder.refused(*words(folder, "x", "none.yaml"))


def test_what_is_elsewhere_is_not_looked_for(folder: Folder) -> None:
    (folder.path.parent / "far.yaml").write_text("target: far/x")
    assert folder.one(*words(folder, "far", "far.yaml"), "--unchecked")["tree"] == {"target": "far/x"}


def test_cases_of_an_organization_by_its_file(folder: Folder) -> None:
    at = folder.path.parent
    table = ("routes", "test", str(at / "cases.yaml"), "--config", str(at / "waypost.yaml"), "--org", "acme")
    done = run(*table, "--org-file", str(at / "org.yaml"), "--json")
    assert [each["differences"] for each in documents(done)] == [[], [], [], []]
    assert done.exit_code == 0
    assert run(*table[:-2], "--org-file", str(at / "org.yaml")).exit_code == 2
    done = run(*table[:-1], "nobody", "--org-file", str(at / "org.yaml"))
    assert "no organization 'nobody'" in done.stderr


def test_cases_of_an_organization_by_the_data_folder(folder: Folder) -> None:
    at = folder.path.parent
    folder.one(*words(folder, "smart"))
    (at / "cases.yaml").write_text(
        "- {name: own, request: {model: policy/smart}, expect: {order: [lab/f, lab/s]}}\n"
        "- {name: no team, request: {model: fast}, key: {team: gone}, expect: {}}\n"
    )
    table = ("routes", "test", str(at / "cases.yaml"), "--config", str(at / "waypost.yaml"), "--org", "acme")
    done = folder.run(*table)
    assert "There is no team 'gone'" in done.stderr
    (at / "cases.yaml").write_text("- {name: own, request: {model: policy/smart}, expect: {first: lab/f}}\n")
    assert folder.run(*table).exit_code == 0


def test_default_routes(folder: Folder) -> None:
    assert folder.one("orgs", "set", "acme", "--route", "smart")["route"] == "smart"
    assert folder.one("orgs", "set", "acme", "--title", "A")["route"] == "smart"
    assert folder.one("orgs", "set", "acme", "--route", "")["route"] is None
    assert folder.one("teams", "create", "web", "--org", "acme", "--route", "smart")["route"] == "smart"
    assert folder.one("teams", "set", "web", "--org", "acme", "--route", "")["route"] is None
