"""Organizations as the control API shows them, made into the objects that they are. Pure.

What it takes from a gateway is what `policy.org_state` takes from a data folder, so both are planned alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import msgspec

from waypost.config.org_trees import parse_tree, render_tree
from waypost.core.budget import Budget
from waypost.core.key import Key
from waypost.core.limit import Limit
from waypost.core.money import parse_usd
from waypost.core.objects import Object
from waypost.core.org_route import OrgRoute
from waypost.core.people import MachineAccount, Member, Organization, Project, Role, Team, User
from waypost.core.scope import EACH

#: The lists of an organization, as the API's paths call them.
LISTS: Final = (
    "roles",
    "routes",
    "teams",
    "projects",
    "service-accounts",
    "members",
    "keys",
    "budgets",
    "limits",
)
View = dict[str, Any]
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def seen(organization: View, lists: dict[str, list[View]]) -> tuple[list[Object], list[Key]]:
    """An organization, and everything in its lists. Keys that are revoked are among them."""
    own = msgspec.convert(organization, Organization)
    home = {"organization_id": own.id}
    teams = [msgspec.convert({**each, **home}, Team) for each in lists["teams"]]
    projects = [msgspec.convert({**each, **home}, Project) for each in lists["projects"]]
    names = {"team": _ids(teams), "project": _ids(projects)}
    machines = [
        msgspec.convert({**each, **home, "teams": _places(each, names["team"])}, MachineAccount)
        for each in lists["service-accounts"]
    ]
    users = [User(id=each["user"], name=each["email"], title=each["title"]) for each in lists["members"]]
    members = [
        msgspec.convert({**each, **home, "name": each["user"], "teams": _places(each, names["team"])}, Member)
        for each in lists["members"]
    ]
    names |= {"service": _ids(machines), "user": _ids(users)}
    roles = [msgspec.convert({**each, **home}, Role) for each in lists["roles"]]
    routes = [_route(each, own.id) for each in lists["routes"]]
    rules: list[Object] = [_budget(each, own.id, names) for each in lists["budgets"]]
    rules += [
        msgspec.convert({**each, **home, "scope_id": _scope_id(each, own.id, names)}, Limit)
        for each in lists["limits"]
    ]
    keys = [_key(each, own.id, names) for each in lists["keys"]]
    return [own, *roles, *routes, *teams, *projects, *machines, *users, *members, *rules], keys


def seen_user(view: View) -> User:
    """A person."""
    return msgspec.convert({**view, "name": view["email"]}, User)


def _route(view: View, home: str) -> OrgRoute:
    tree = render_tree(parse_tree(_ENCODER.encode(view["tree"])))
    return OrgRoute(view["id"], home, view["name"], tree, float(view["created_at"]), view["revision"])


def _ids(found: Iterable[Team | Project | MachineAccount | User]) -> dict[str, str]:
    return {each.name: each.id for each in found}


def _places(view: View, teams: dict[str, str]) -> list[View]:
    return [{"team_id": teams[each["team"]], "role": each["role"]} for each in view["teams"]]


def _scope_id(view: View, home: str, names: dict[str, dict[str, str]]) -> str:
    subject = str(view["subject"])
    if view["scope"] == "organization":
        return home
    return subject if subject == EACH else names.get(view["scope"], {}).get(subject, subject)


def _budget(view: View, home: str, names: dict[str, dict[str, str]]) -> Budget:
    return Budget(
        id=view["id"],
        organization_id=home,
        name=view["name"],
        scope=view["scope"],
        scope_id=_scope_id(view, home, names),
        limit_nusd=parse_usd(Decimal(view["limit"])),
        period=view["period"],
        mode=view["mode"],
        anchor_at=view["anchor_at"],
        thresholds=tuple(view["thresholds"]),
        raise_nusd=parse_usd(Decimal(view["raised_by"])),
        raise_until=view["raised_until"],
        on_exhausted=view["on_exhausted"],
        revision=view["revision"],
    )


def _key(view: View, home: str, names: dict[str, dict[str, str]]) -> Key:
    found = {
        "key_id": view["id"],
        "digest": b"",
        "organization_id": home,
        "team_id": names["team"].get(view["team"], view["team"]),
        "project_id": names["project"].get(view["project"], view["project"]),
        "user_id": names["user"].get(view["user"], view["user"]),
        "service_id": names["service"].get(view["service_account"], view["service_account"]),
        "budget_nusd": None if view["budget"] is None else parse_usd(Decimal(view["budget"])),
    }
    return msgspec.convert({**view, **found}, Key)
