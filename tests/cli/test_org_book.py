from __future__ import annotations

import random
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.folder import Folder
from effort import examples
from waypost.cli.directory import open_book
from waypost.cli.org_book import OrgBook, carry_out
from waypost.config.org_load import load_org_bytes
from waypost.config.org_schema import (
    BudgetConfig,
    KeyConfig,
    LimitConfig,
    MachineConfig,
    MemberConfig,
    OrganizationConfig,
    OrgFile,
    PlaceConfig,
    ProjectConfig,
    RoleConfig,
    TeamConfig,
)
from waypost.config.org_text import render_org_file
from waypost.config.route_schema import BranchConfig, NeedConfig, NodeConfig, RouteConfig
from waypost.core.keytext import IssuedKey
from waypost.core.people import PERMISSIONS
from waypost.errors import Conflict
from waypost.policy.org_checks import find_plan_problems
from waypost.policy.org_plan import Plan, Step, make_plan
from waypost.policy.org_state import State, exported_file

ONE = "organizations:\n  - name: acme\n    teams: [{name: web}]\n    keys: [{name: app, team: web}]\n"


randomness = random.Random(7).randbytes


def planned(path: Path, text: str, *, prune: bool = False) -> tuple[OrgBook, Plan, State]:
    loaded = load_org_bytes(text.encode())
    book = OrgBook(open_book(path, create=True), randomness)
    state = book.read(each.name for each in loaded.content.organizations)
    made = make_plan(loaded, state, prune=prune)
    assert find_plan_problems(loaded, made, state) == []
    return book, made, state


def applied(path: Path, text: str, *, prune: bool = False) -> Plan:
    book, made, _ = planned(path, text, prune=prune)
    carry_out(book, made, lambda step, issued: None)
    return made


def exported(path: Path, names: list[str]) -> str:
    return render_org_file(exported_file(OrgBook(open_book(path), randomness).read(names), names))


def test_each_step_is_told_once_it_is_done_with_the_text_of_a_key(tmp_path: Path) -> None:
    book, made, _ = planned(tmp_path, ONE)
    told: list[tuple[Step, IssuedKey | None]] = []
    carry_out(book, made, lambda step, issued: told.append((step, issued)))
    assert [step for step, _ in told] == list(made.steps)
    assert [issued is not None for _, issued in told] == [False, False, True]


def test_what_was_changed_meanwhile_is_a_conflict_that_says_how_far_it_came(tmp_path: Path) -> None:
    applied(tmp_path, ONE)
    text = ONE.replace("name: acme", "name: acme\n    title: A").replace(
        "{name: web}", "{name: web, title: W}"
    )
    book, made, _ = planned(tmp_path, text)
    Folder(tmp_path).one("teams", "set", "web", "--org", "acme", "--title", "Other")
    done: list[Step] = []
    with pytest.raises(
        Conflict, match=r"1 of 2 changes were made; then, at the team 'web': .*was changed meanwhile"
    ):
        carry_out(book, made, lambda step, issued: done.append(step))
    assert [step.part for step in done] == ["organization"]
    assert [step.part for step in applied(tmp_path, text).steps] == ["team"]


@pytest.mark.parametrize(
    ("text", "meanwhile"),
    [
        (ONE.replace("team: web", "team: web, rpm: 5"), ("keys", "set", "app", "--rpm", "7")),
        (ONE.replace("team: web", "team: web, rpm: 5"), ("keys", "revoke", "app")),
        (ONE.replace("[{name: app, team: web}]", "[]"), ("keys", "set", "app", "--rpm", "7")),
        (
            ONE + "    limits: [{name: l, unit: requests, amount: 1}]\n",
            ("limits", "create", "l", "--amount", "2"),
        ),
        (ONE + "    roles: []\n", ("roles", "delete", "r")),
        (ONE.replace("name: app", "name: two"), ("keys", "create", "--name", "two")),
    ],
)
def test_nothing_is_overwritten(tmp_path: Path, text: str, meanwhile: tuple[str, ...]) -> None:
    applied(tmp_path, ONE)
    folder = Folder(tmp_path)
    folder.one("roles", "create", "r", "--org", "acme")
    book, made, _ = planned(tmp_path, text, prune=True)
    org = () if meanwhile[:2] in (("keys", "set"), ("keys", "revoke")) else ("--org", "acme")
    folder.one(*meanwhile, *org)
    with pytest.raises(Conflict, match="Run it again"):
        carry_out(book, made, lambda step, issued: None)


def test_what_went_away_meanwhile_is_told(tmp_path: Path) -> None:
    applied(tmp_path, ONE)
    folder = Folder(tmp_path)
    book, made, _ = planned(tmp_path, ONE.replace("team: web}", "team: web}, {name: two, team: web}"))
    folder.one("keys", "revoke", "app")
    folder.one("teams", "delete", "web", "--org", "acme")
    with pytest.raises(Conflict, match="0 of 1 changes were made; then, at the key 'two': "):
        carry_out(book, made, lambda step, issued: None)


# --- laws -----------------------------------------------------------------------------------------------------------

TEXTS = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf"]), min_size=1, max_size=12
).filter(lambda text: bool(text.strip()))
LISTS = st.lists(TEXTS, max_size=2)
MONEY = st.integers(1, 10**18).map(lambda nano: Decimal(nano) / 10**9)
DAYS = st.datetimes().map(lambda day: day.isoformat() + "Z").filter(lambda day: day > "1971")
SLUGS = st.lists(st.sampled_from(["a", "b.c", "0", "null", "x_y-z"]), unique=True, max_size=2)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


JSON = st.recursive(
    TEXTS | st.booleans() | st.integers(-9, 2**70) | st.decimals(-9, 9, allow_nan=False, places=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
PERCENT = st.decimals(0, 100, places=2)
NEEDS = st.builds(
    NeedConfig, features=st.lists(st.sampled_from(["tools", "vision"])), no_training=st.booleans()
)


def nodes() -> st.SearchStrategy[NodeConfig]:
    """Trees of routes, as deep as they may be written."""
    leaves = st.builds(
        NodeConfig,
        target=st.sampled_from(["a/b", "fast"]),
        need=maybe(NEEDS),
        set=maybe(st.dictionaries(TEXTS, JSON, max_size=2)),
        drop=maybe(st.lists(TEXTS, max_size=1)),
        timeout=maybe(st.just("20s")),
        retry_on=maybe(st.lists(st.integers(400, 599), max_size=2)),
    )

    def around(inner: st.SearchStrategy[NodeConfig]) -> st.SearchStrategy[NodeConfig]:
        some = st.lists(inner, min_size=1, max_size=2)
        branch = st.builds(BranchConfig, when=st.just('user == "a: b"'), then=inner)
        return st.one_of(
            st.builds(NodeConfig, fallback=some, need=maybe(NEEDS)),
            st.builds(
                NodeConfig, conditional=st.lists(branch, min_size=1, max_size=2), otherwise=maybe(inner)
            ),
            st.builds(
                NodeConfig, canary=inner, stable=inner, percent=PERCENT, sticky=maybe(st.just(["user"]))
            ),
            st.builds(NodeConfig, shadow=inner, main=inner, percent=PERCENT),
        )

    return st.recursive(leaves, around, max_leaves=5)


def routed(name: str, tree: NodeConfig) -> RouteConfig:
    return RouteConfig(name=name, **{field: getattr(tree, field) for field in NodeConfig.__struct_fields__})


@st.composite
def organizations(draw: st.DrawFn) -> OrganizationConfig:
    """One whose names are all there."""
    named = lambda kind, **fields: [  # noqa: E731
        kind(name=name, **{field: draw(values) for field, values in fields.items()}) for name in draw(SLUGS)
    ]
    roles = named(RoleConfig, permissions=st.lists(st.sampled_from([each for each in PERMISSIONS
                  if not each.startswith("gateway")]), max_size=3))  # fmt: skip
    routes = [routed(name, draw(nodes())) for name in draw(SLUGS)]
    teams = named(TeamConfig, title=TEXTS, models=LISTS, route=maybe(TEXTS))
    projects = named(ProjectConfig, cost_centre=TEXTS, models=LISTS)
    role = st.sampled_from(["owner", "developer", *(each.name for each in roles)])
    places = st.lists(
        st.builds(PlaceConfig, st.sampled_from([each.name for each in teams] or ["-"]), role),
        unique_by=lambda place: place.team,
        max_size=2 if teams else 0,
    )
    machines = named(MachineConfig, role=role, teams=places, disabled=maybe(st.just(True)))
    emails = draw(st.lists(st.sampled_from(["a@b.c", "it's@x.y", "0@0.0"]), unique=True, max_size=2))
    members = [
        MemberConfig(email=email, title=email, role=draw(role), teams=draw(places)) for email in emails
    ]
    of = {"team": teams, "project": projects, "service": machines}
    names = {scope: [each.name for each in found] for scope, found in of.items()} | {"user": emails}
    one = lambda scope: maybe(st.sampled_from(names[scope])) if names[scope] else st.none()  # noqa: E731
    owner = draw(st.sampled_from(["user", "service"]))
    keys = [
        KeyConfig(
            name=name,
            team=draw(one("team")),
            project=draw(one("project")),
            user=draw(one("user")) if owner == "user" else None,
            service_account=draw(one("service")) if owner == "service" else None,
            expires=draw(maybe(DAYS)),
            rpm=draw(maybe(st.integers(1, 9))),
            budget=draw(maybe(MONEY)),
            log_content=draw(maybe(st.booleans())),
            operator=draw(st.booleans()),
            tags=draw(LISTS),
        )
        for name in draw(st.lists(TEXTS, unique=True, max_size=2))
    ]
    names["key"] = [each.name for each in keys]
    places_of = [("organization", "*"), ("tag", draw(TEXTS)), ("model", "*")]
    places_of += [(scope, name) for scope, found in names.items() for name in found]
    rules = st.sampled_from(places_of)
    budgets, limits = [], []
    for name in draw(SLUGS):
        scope, subject = draw(rules)
        budgets.append(
            BudgetConfig(name=name, limit=draw(MONEY), scope=scope, subject=subject,
                         windows_from=draw(maybe(DAYS)), raised_by=draw(maybe(MONEY)), raised_until=draw(DAYS))
        )  # fmt: skip
        limits.append(
            LimitConfig(
                name=name, unit="tokens", amount=draw(st.integers(1, 9)), scope=scope, subject=subject
            )
        )
    return OrganizationConfig(
        name="acme", title=draw(TEXTS), models=draw(LISTS), suspended=draw(maybe(st.just(True))),
        route=draw(maybe(TEXTS)), roles=roles, routes=routes, teams=teams, projects=projects,
        service_accounts=machines, members=members, keys=keys, budgets=budgets, limits=limits,
    )  # fmt: skip


@settings(max_examples=examples(25), deadline=None)
@given(organizations(), organizations())
def test_a_file_is_what_is_exported_and_applied_twice_it_is_nothing(
    first: OrganizationConfig, second: OrganizationConfig
) -> None:
    texts = [render_org_file(OrgFile(organizations=[each])) for each in (first, second)]
    with tempfile.TemporaryDirectory() as folder:
        here, there = Path(folder) / "here", Path(folder) / "there"
        applied(here, texts[0])
        assert applied(here, texts[0]).steps == ()
        export = exported(here, ["acme"])
        assert applied(here, export, prune=True).steps == ()
        applied(there, export)
        assert exported(there, ["acme"]) == export
        _to_another(here, texts[0], texts[1])


def _to_another(path: Path, before: str, after: str) -> None:
    """From one file to another and its export: what is pruned and what is changed leaves what the file says."""
    owners = [{key.name: (key.user, key.service_account, key.operator) for key in (each.keys or ())}
              for text in (before, after) for each in load_org_bytes(text.encode()).content.organizations]  # fmt: skip
    if any(owners[0].get(name, found) != found for name, found in owners[1].items()):
        return
    # The last owner leaves only an organization that is suspended.
    applied(path, "organizations: [{name: acme, suspended: true}]")
    applied(path, after, prune=True)
    assert applied(path, after, prune=True).steps == ()
