"""Every route × everybody who may ask × their own tenant, another one, and another one's objects under their own path.

What is expected comes from a second, smaller model: the table below and `expected`. They know nothing of permissions,
only of roles. Writes end where they reach a store, so that nothing changes between two requests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from admin.rig import CONTROL, NOW, PASSWORD, World, opened
from waypost.admin.api import Admin
from waypost.admin.route import Route
from waypost.core.budget import Budget
from waypost.core.limit import Limit
from waypost.core.org_route import OrgRoute
from waypost.core.people import Invitation, Organization, Project, Role
from waypost.core.tokentext import issue_text

Answer = Literal["yes", 401, 403, 404]
Tenant = Literal["own", "other", "mixed", "suspended", "operators"]
"""`operators`: one's own tenant, and an operator's key in it."""

#: r: reads. w: writes. o: writes what is their own. t: the admin of the team `mine` writes that team.
TABLE = """
what              owner admin billing developer viewer auditor custom lead
organizations     rw    r     r       .         .      r       .      .
teams             rw    rw    r       r         r      r       rw     rt
projects          rw    rw    r       r         r      r       .      r
roles             rw    rw    r       .         .      r       .      .
members           rw    rw    r       .         r      r       .      .
service-accounts  rw    rw    r       .         r      r       .      .
invitations       rw    rw    r       .         r      r       .      .
budgets           rw    rw    rw      r         r      r       .      r
limits            rw    rw    rw      r         r      r       .      r
routes            rw    rw    r       r         r      r       .      r
keys              rw    rw    ro      o         .      r       r      ot
tokens            rw    rw    .       .         .      r       .      .
credits           r     r     r       .         .      r       .      .
credentials       rw    rw    .       .         .      r       .      rt
audit             r     r     r       .         .      r       .      .
usage             r     r     r       r         r      r       .      r
"""
_ROWS = [line.split() for line in TABLE.strip().splitlines()]
MAY = {row[0]: dict(zip(_ROWS[0][1:], row[1:], strict=True)) for row in _ROWS[1:]}
ROLES = tuple(_ROWS[0][1:])
OPERATORS = ("machine", "operator")
NOBODY = ("nobody", "rubbish", "client_key", "expired", "revoked", "disabled", "disabled_bot")
#: Only people who are signed in have these; whoever shows a token has none.
SESSION = frozenset(
    (
        "patch_me",
        "change_password",
        "offer_second_factor",
        "put_second_factor",
        "remove_second_factor",
        "get_session",
        "delete_session",
        "list_session",
        "delete_sessions",
        "delete_one_session",
    )
)
#: What only operators do with an operator's key.
_OPERATORS_ONLY = ("patch_key", "rotate_key")


def expected(route: Route, actor: str, tenant: Tenant) -> Answer:
    """What a route answers, told from roles alone."""
    if route.name in ("create_session", "accept_invitation", "get_openapi"):
        return "yes"
    if actor in NOBODY:
        return 401
    if route.name in SESSION:
        return "yes" if actor == "signed_in" else 403
    what = route.parts[4] if len(route.parts) > 4 else route.parts[2]
    if route.name in ("list_organization", "get_me", "list_my_key"):
        return "yes"
    if what == "users" or route.parts[2] in ("users", "gateway", "audit", "usage"):
        return "yes" if actor in OPERATORS else 403
    return _in_organization(route, actor, tenant, what)


def _in_organization(route: Route, actor: str, tenant: Tenant, what: str) -> Answer:
    creates = route.name == "put_organization"
    operator = actor in OPERATORS
    if actor == "operator_of_acme":
        if tenant in ("own", "mixed", "operators"):
            if tenant == "mixed":
                return 404
            beyond = tenant == "operators" and route.name in _OPERATORS_ONLY
            return 403 if beyond or route.name == "delete_organization" else "yes"
        return 404
    if operator:
        return 404 if tenant == "mixed" else "yes"
    if tenant == "other" or actor in ("stranger", "elsewhere"):
        return 404
    role = {"signed_in": "owner", "bot": "developer", "narrow": "narrow"}.get(actor, actor)
    marks = ("r" if what == "teams" else ".") if role == "narrow" else MAY[what][role]
    reading = route.method == "GET"
    if tenant == "suspended":
        if not reading:
            return 403
        marks = marks.replace("o", "")
    if creates or route.name == "delete_organization":
        return "yes" if "w" in marks and creates else 403
    if what == "keys":
        told = _keys(route, actor, tenant, marks)
        return 403 if told == "yes" and tenant == "operators" and route.name in _OPERATORS_ONLY else told
    if reading:
        good = "r" in marks
    else:
        good = "w" in marks or "t" in marks
    if not good:
        return 403
    if tenant == "mixed":
        return 404
    if "t" in marks and route.name == "delete_team":
        return 403
    return "yes"


def _keys(route: Route, actor: str, tenant: Tenant, marks: str) -> Answer:
    """The key of the path belongs to nobody and to no team."""
    reading, own, whole = route.method == "GET", "o" in marks, "w" in marks
    if not (whole or own or (reading and ("r" in marks or "t" in marks))):
        return 403
    if route.name == "list_key":
        return "yes"
    if route.name == "create_key":
        return 403 if actor == "bot" else "yes"
    if tenant == "mixed" or not (whole or "r" in marks):
        return 404
    return "yes" if reading or whole else 403


class Reached(Exception):
    """The store was asked to change something."""


class Unchanging:
    """A store that is read, and says when it would be changed."""

    def __init__(self, inner: Any, *writes: str) -> None:
        self._inner, self._writes = inner, writes

    def by(self, deed: object) -> Unchanging:
        return self

    def __getattr__(self, name: str) -> Any:
        return _reach if name in self._writes else getattr(self._inner, name)


class UnchangingLive:
    def __init__(self, world: World) -> None:
        self.directory = world.live.directory

    async def put(self, *_: object, **__: object) -> Any:
        raise Reached

    delete = put


def _reach(*_: object, **__: object) -> Any:
    raise Reached


class Stage:
    """Two tenants with the same things in them, and everybody who may ask."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ids = {name: self._furnish(name) for name in ("acme", "other")}
        self.shown: dict[str, dict[str, Any]] = {}
        self._cast()
        self.admin = Admin(
            world.parts(
                live=UnchangingLive(world),
                credits=Unchanging(world.credits, "add"),
                keys=Unchanging(world.keys, "create", "change", "rotate", "revoke"),
                passwords=Unchanging(world.passwords, "put", "advance", "spend"),
                sessions=Unchanging(world.sessions, "add", "end", "end_all", "see"),
            )
        )

    def _furnish(self, name: str) -> dict[str, str]:
        world, home, mine = self.world, f"org_{name}", "mine" if name == "acme" else "his"
        world.team(mine, name)
        world.put(Project(f"proj_{name}", home, mine))
        world.put(Role(f"role_{name}", home, mine, ("teams:read",)))
        world.user(f"target_{name}")
        world.member(f"target_{name}", name, "viewer")
        bot = world.machine(f"m_{name}") if name == "acme" else None
        if bot is None:
            bot = world.put(
                msgspec.structs.replace(world.machine("tmp"), id="svc_o", organization_id=home, name=mine)
            )
        world.put(Budget(f"bud_{name}", home, mine, "organization", home, 5))
        world.put(Limit(f"lim_{name}", home, mine, "organization", home, "requests", 5))
        world.put(world.credential(mine, name, f"team_{mine}"))
        world.put(OrgRoute(f"rte_{name}", home, mine, '{"target":"openai/gpt-5"}'))
        key = world.key(mine, organization_id=home)
        self.operators_key = world.key("ops", organization_id="org_acme", operator=True).key_id
        world.token("operator", organization=name)
        token = next(each for each in world.rows.page("token", home, "", 1))
        issued = issue_text("inv", world.randomness)
        invitation = Invitation(
            f"inv_{issued.text_id}", home, f"new@{name}.example", issued.digest, made_by="operator",
            expires_at=NOW + 60,
        )  # fmt: skip
        world.put(invitation)
        self.invited = issued.text
        return {
            "organization": name, "name": mine, "user": f"user_target_{name}", "key": key.key_id, "token": token.id,
            "invitation": invitation.id, "service": bot.name, "session": "none",
        }  # fmt: skip

    def _cast(self) -> None:
        world = self.world
        world.role("custom", "teams:read", "teams:write", "keys:read")
        for name in ROLES:
            role, teams = (name, None) if name != "lead" else ("developer", {"mine": "admin"})
            self.shown[name] = {"token": world.person(name, role, teams)}
        world.user("op", operator=True)
        world.user("signed_in", password=True)
        world.member("signed_in", "acme", "owner")
        world.user("off", disabled=True)
        world.member("off", "acme", "owner")
        world.machine("bot", "developer")
        world.machine("off", "owner", disabled=True)
        key = world.keys.create(msgspec.structs.replace(world.key("k"), name="k2"))[0].text
        texts = {
            "machine": CONTROL,
            "operator": world.token("user:user_op"),
            "operator_of_acme": world.token("user:user_op", organization="acme"),
            "narrow": world.token("user:user_owner", "teams:read"),
            "elsewhere": world.token("user:user_owner", organization="other"),
            "stranger": world.person("stranger"),
            "bot": world.token("service:svc_bot", organization="acme"),
            "nobody": None,
            "rubbish": "wp-api-rubbish",
            "client_key": key,
            "expired": world.token("user:user_owner", expires_at=NOW),
            "revoked": world.token("user:user_owner", revoked_at=NOW),
            "disabled": world.token("user:user_off"),
            "disabled_bot": world.token("service:svc_off", organization="acme"),
        }
        world.put(Budget("bud_all", "", "mine", "gateway", "*", 5))
        world.put(Limit("lim_all", "", "mine", "gateway", "*", "requests", 5))
        self.gateway_token = next(each.id for each in world.rows.page("token", "", "", 1))
        self.shown |= {name: {"token": text} for name, text in texts.items()}

    async def sign_in(self) -> None:
        cookie = await self.world.sign_in("signed_in")
        headers = {"cookie": cookie, "sec-fetch-site": "same-origin"}
        self.shown["signed_in"] = {"token": None, "headers": headers}
        (session,) = self.world.sessions.of_user("user_signed_in")
        self.ids["acme"]["session"] = session.session_id

    async def answer(self, route: Route, actor: str, tenant: Tenant) -> Answer:
        """What comes of it: `yes` is an answer of success, a change, or a refusal for another reason than who asks."""
        try:
            told = await self.world.ask(
                route.method, self.path(route, tenant), self.body(route, tenant), admin=self.admin,
                **self.shown[actor],
            )  # fmt: skip
        except Reached:
            return "yes"
        if told.status in (401, 403, 404):
            return told.status  # type: ignore[return-value]
        assert told.status < 300 or told.status in (409, 422), (route.name, actor, tenant, told.text)
        return "yes"

    def path(self, route: Route, tenant: Tenant) -> str:
        """The route's path, with the names of a tenant's things."""
        ids = dict(self.ids["other" if tenant == "other" else "acme"])
        if tenant == "mixed":
            ids = {**self.ids["other"], "organization": "acme"}
        if tenant == "operators":
            ids["key"] = self.operators_key
        if "gateway" in route.parts:
            ids["token"] = self.gateway_token
        if "service-accounts" in route.path:
            ids["name"] = ids["service"]
        return "/" + "/".join(ids[part[1:-1]] if part[0] == "{" else part for part in route.parts)

    def body(self, route: Route, tenant: Tenant) -> object:
        """A body that is taken, and asks for nothing that only few may give."""
        if route.takes is None:
            return None
        given: dict[str, object] = {
            "create_session": {"email": "signed_in@example.com", "password": PASSWORD},
            "accept_invitation": {"token": self.invited, "password": PASSWORD},
            "put_team": {"title": "T"},
            "put_member": {"role": "viewer"},
            "put_service": {"role": "viewer"},
            "put_role": {"permissions": ["teams:read"]},
            "create_key": {"name": "n"},
            "rotate_key": {},
            "create_token": {"name": "n", "permissions": []},
            "create_invitation": {"email": "n@example.com", "role": "viewer"},
            "put_credential": {"provider": "openai", "secret": "sk-of-acme", "team": "mine"},
            "put_budget": {"scope": "organization", "limit": "7"},
            "change_password": {"current": PASSWORD, "password": "four words in a row"},
            "put_second_factor": {"secret": "A" * 32, "code": "123456", "password": PASSWORD},
            "remove_second_factor": {"password": PASSWORD},
            "patch_me": {"title": "other"},
        }
        if route.name in given:
            return given[route.name]
        return {} if route.method == "PATCH" or route.example is None else route.example


def cases(routes: tuple[Route, ...], actors: list[str]) -> Iterator[tuple[Route, str, Tenant]]:
    """Every route for everybody; tenants only where there is one in the path, `mixed` where a thing is named in it."""
    for route in routes:
        tenants: list[Tenant] = ["own", "other"] if route.in_organization else ["own"]
        named = route.in_organization and any(p[0] == "{" and p != "{organization}" for p in route.parts)
        if named and route.method != "PUT":
            tenants.append("mixed")
        if "{key}" in route.parts:
            tenants.append("operators")
        for actor in actors:
            for tenant in tenants:
                yield route, actor, tenant


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with opened(tmp_path) as world:
        yield Stage(world)


async def test_the_matrix(stage: Stage) -> None:
    await stage.sign_in()
    seen: Counter[Answer] = Counter()
    wrong = []
    for route, actor, tenant in cases(stage.admin.table.routes, [*stage.shown]):
        wanted, got = expected(route, actor, tenant), await stage.answer(route, actor, tenant)
        stage.world.clock.now += 0.0 if got == "yes" else 0.001
        seen[got] += 1
        if wanted != got:
            wrong.append(f"{route.name} by {actor} in {tenant}: {got}, not {wanted}")
    assert not wrong, "\n".join(wrong)
    assert min(seen["yes"], seen[401], seen[403], seen[404]) > 300, seen
    assert len(stage.shown) > 20


async def test_the_matrix_of_a_suspended_organization(stage: Stage) -> None:
    acme = stage.world.live.directory.find(Organization, "org_acme")
    assert acme is not None
    stage.world.put(msgspec.structs.replace(acme, suspended=True))
    wrong = []
    for route in stage.admin.table.routes:
        if not route.in_organization:
            continue
        for actor in (*ROLES, *OPERATORS, *NOBODY, "stranger", "bot", "narrow"):
            wanted, got = expected(route, actor, "suspended"), await stage.answer(route, actor, "suspended")
            if wanted != got:
                wrong.append(f"{route.name} by {actor}: {got}, not {wanted}")
    assert not wrong, "\n".join(wrong)
