from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from admin.rig import CONTROL, NOW, World, opened
from waypost.cli.org_book import carry_out
from waypost.cli.org_remote import RemoteOrgs
from waypost.config.org_load import load_org_bytes
from waypost.config.org_text import render_org_file
from waypost.core.keytext import IssuedKey
from waypost.core.people import Permission
from waypost.errors import CallerError, Conflict
from waypost.policy.org_checks import find_plan_problems
from waypost.policy.org_plan import Plan, Step, make_plan
from waypost.policy.org_state import exported_file

FILE = """
organizations:
  - name: acme
    title: Acme Ltd.
    route: calm
    roles: [{name: keeper, permissions: ["keys:read"]}]
    routes:
      - {name: calm, fallback: [{route: plain}, {target: a/c, timeout: 20s}]}
      - {name: plain, canary: {target: a/b, set: {temperature: 0.30000000000000000001}}, stable: {target: a/c},
         percent: 2.5}
    teams: [{name: web, models: [fast]}, {name: data}, {name: ops, route: route/calm}]
    projects: [{name: search, cost_centre: "4711"}]
    service_accounts: [{name: shop, role: viewer, teams: [{team: web}]}]
    members:
      - {email: ann@example.com, title: Ann, role: owner}
      - {email: bob@example.com, role: keeper, teams: [{team: web, role: admin}]}
    keys:
      - {name: shop, team: web, project: search, service_account: shop, tags: [a], networks: [10.0.0.0/8]}
      - {name: bob, user: bob@example.com, rpm: 5, budget: 20.5, budget_per: month, expires: 2030-01-31}
    budgets:
      - {name: all, limit: 2000, raised_by: 5, raised_until: 2030-01-31}
      - {name: web, limit: 0.5, scope: team, subject: web, windows_from: 2025-01-31, thresholds: [50]}
      - {name: bob, limit: 3, scope: user, subject: bob@example.com, mode: soft}
    limits:
      - {name: shop, unit: requests, amount: 600, scope: key, subject: shop}
      - {name: ci, unit: tokens, amount: 600, per: hour, scope: service, subject: shop}
"""


class Elsewhere:
    """A gateway that is asked over its control API."""

    def __init__(self, world: World, runner: asyncio.Runner) -> None:
        self.world = world
        self._runner = runner
        self.asked: list[tuple[str, str, tuple[str, ...]]] = []

    def orgs(self, token: str = CONTROL) -> RemoteOrgs:
        def ask(method: str, path: str, body: object, lines: tuple[str, ...]) -> tuple[int, bytes]:
            self.asked.append((method, path, lines))
            headers = dict(line.split(": ", 1) for line in lines)
            told = self._runner.run(self.world.ask(method, path, body, token=token, headers=headers))
            return told.status, told.text

        return RemoteOrgs(ask, NOW)

    def planned(self, text: str, *, prune: bool = False, token: str = CONTROL) -> tuple[RemoteOrgs, Plan]:
        loaded, orgs = load_org_bytes(text.encode()), self.orgs(token)
        wanted = loaded.content.organizations
        emails = [member.email for each in wanted for member in each.members or ()]
        state = orgs.read([each.name for each in wanted], emails)
        made = make_plan(loaded, state, prune=prune)
        assert find_plan_problems(loaded, made, state) == []
        return orgs, made

    def applied(self, text: str, **more: Any) -> list[tuple[Step, IssuedKey | None]]:
        told: list[tuple[Step, IssuedKey | None]] = []
        orgs, made = self.planned(text, **more)
        carry_out(orgs, made, lambda step, issued: told.append((step, issued)))
        return told


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    with opened(tmp_path) as world, asyncio.Runner() as runner:
        yield Elsewhere(world, runner)


def test_a_file_is_applied_once_and_changes_nothing_the_second_time(elsewhere: Elsewhere) -> None:
    done = elsewhere.applied(FILE)
    texts = [issued.text for _, issued in done if issued is not None]
    assert len(texts) == 2
    assert all(text.startswith("sk-wp-") for text in texts)
    assert elsewhere.applied(FILE) == []
    export = render_org_file(exported_file(elsewhere.orgs().read(["acme"]), ["acme"]))
    assert elsewhere.applied(export, prune=True) == []


def test_changes_and_deletions_rely_on_what_was_read(elsewhere: Elsewhere) -> None:
    elsewhere.applied(FILE, prune=True)
    elsewhere.asked.clear()
    changed = (
        FILE.replace("title: Ann,", "title: Ann E.,")
        .replace("rpm: 5", "rpm: 7")
        .replace("limit: 2000", "limit: 2001")
        .replace("scope: team, subject: web", "scope: team, subject: data")
        .replace(
            "      - {name: ci, unit: tokens, amount: 600, per: hour, scope: service, subject: shop}\n", ""
        )
        .replace("{name: web, models: [fast]}, {name: data}", "{name: web, title: W}, {name: data}")
    )
    told = elsewhere.applied(changed, prune=True)
    assert [(step.action, step.part, step.name) for step, _ in told] == [
        ("change", "team", "web"),
        ("change", "user", "ann@example.com"),
        ("change", "key", "bob"),
        ("change", "budget", "all"),
        ("change", "budget", "web"),
        ("delete", "limit", "ci"),
    ]
    writes = [lines for method, _, lines in elsewhere.asked if method != "GET"]
    assert all(len(lines) == 1 and lines[0].startswith('if-match: "') for lines in writes)
    assert elsewhere.applied(changed, prune=True) == []


def test_what_was_changed_meanwhile_stays(elsewhere: Elsewhere) -> None:
    elsewhere.applied(FILE)
    orgs, made = elsewhere.planned(FILE.replace("[{name: web, models: [fast]}", "[{name: web}"))
    one = next(each for each in elsewhere.world.rows.page("team", None, "", 9) if each.name == "web")
    elsewhere.world.put(type(one)(id=one.id, organization_id=one.organization_id, name="web", title="X"))  # type: ignore[union-attr,call-arg]
    with pytest.raises(Conflict, match="0 of 1 changes were made; then, at the team 'web'"):
        carry_out(orgs, made, lambda step, issued: None)
    orgs, made = elsewhere.planned(
        FILE.replace("title: Ann,", "title: Ann E.,").replace("models: [fast]", "title: X")
    )
    elsewhere.applied(FILE.replace("title: Ann,", "title: Else,").replace("models: [fast]", "title: X"))
    with pytest.raises(Conflict, match="at the user"):
        carry_out(orgs, made, lambda step, issued: None)


def test_a_token_may_no_more_than_its_permissions(elsewhere: Elsewhere) -> None:
    elsewhere.applied(FILE)
    reads: list[Permission] = [
        "routes:read",
        "organizations:read", "teams:read", "projects:read", "members:read", "roles:read", "keys:read",
        "budgets:read", "limits:read",
    ]  # fmt: skip
    token = elsewhere.world.token("operator", *reads)
    assert elsewhere.planned(FILE, token=token)[1].steps == ()
    with pytest.raises(Conflict, match="0 of 1 changes"):
        elsewhere.applied(FILE.replace("title: Acme Ltd.", "title: Acme"), token=token)
    with pytest.raises(CallerError, match="not known"):
        elsewhere.planned(FILE, token="wp-api-nothing")


def test_an_operators_key_is_refused_before_it_is_asked_for(elsewhere: Elsewhere) -> None:
    with pytest.raises(Conflict, match="gateway's own machine"):
        elsewhere.applied("organizations: [{name: acme, keys: [{name: k, operator: true}]}]")


def test_what_is_no_gateway_says_so() -> None:
    orgs = RemoteOrgs(lambda *_: (500, b"<html>"), NOW)
    with pytest.raises(CallerError, match="is not the control API"):
        orgs.read(["acme"])
