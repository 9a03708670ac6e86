"""What objects of the directory and keys may hold. Pure: whether what they name exists is asked elsewhere.

The admin API, the command line and the store all ask here, so that a value is refused with the same words everywhere.
Every function raises InvalidRequest, whose `param` is the field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_network
from math import isfinite
from typing import Any, Final, get_args

from waypost.config.org_trees import nodes_of, parse_tree, render_tree
from waypost.config.problems import problems_of, render_path
from waypost.core.budget import Budget, BudgetMode, BudgetPeriod
from waypost.core.credentials import Credential, CredentialOwner, CredentialUse
from waypost.core.key import Key, Priority
from waypost.core.limit import SECONDS, Limit, LimitUnit
from waypost.core.objects import Object
from waypost.core.org_route import OrgRoute
from waypost.core.people import (
    PERMISSIONS,
    ROLES,
    Invitation,
    MachineAccount,
    Member,
    Organization,
    Project,
    Role,
    Team,
    TeamRole,
    Token,
    User,
)
from waypost.core.scope import EACH, KINDS
from waypost.errors import ConfigInvalid, InvalidRequest

#: A billion dollars. More than that is a slip of the keyboard, and less than that can be summed without a care.
MONEY_MOST: Final = 10**18
AMOUNT_MOST: Final = 10**12
ENTRIES_MOST: Final = 1000
WEIGHT_MOST: Final = 1_000_000
_PERIODS: Final = get_args(BudgetPeriod)
_MODES: Final = get_args(BudgetMode)
_UNITS: Final = get_args(LimitUnit)
_USES: Final = get_args(CredentialUse)
_OWNERS: Final = get_args(CredentialOwner)
_PRIORITIES: Final = get_args(Priority)

_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_EMAIL: Final = re.compile(r"[^\s@]{1,64}@[^\s@]{1,189}")
#: Control characters, line separators, marks that turn the direction of text, and halves of characters.
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def check(found: Object) -> None:
    """Refuse an object whose values make no sense."""
    _id(found.id, "id")
    if not isfinite(found.created_at):
        raise InvalidRequest("The time it was made has to be a number.", param="created_at")
    if not isinstance(found, Organization | User) and not is_gateways_own(found):
        _id(found.organization_id, "organization_id")
    _CHECKS[type(found)](found)


def is_gateways_own(found: Object) -> bool:
    """Whether it is a rule or a token of the gateway itself, which belongs to no organization."""
    return isinstance(found, Budget | Limit | Token) and not found.organization_id


def check_key(key: Key) -> None:
    """Refuse a key whose values make no sense."""
    _text(key.name, "name", "A key needs a name")
    _count(key.rpm, "rpm", AMOUNT_MOST, "Requests per minute")
    if key.budget_nusd is not None and not 0 <= key.budget_nusd <= MONEY_MOST:
        raise InvalidRequest(
            "A budget can not be negative, nor above a billion dollars; leave it out for no limit.",
            param="budget",
        )
    _one_of(key.budget_per, _PERIODS, "budget_per", "The budget period")
    _one_of(key.priority, _PRIORITIES, "priority", "The priority")
    _route_name(key.route)
    if key.expires_at is not None and not isfinite(key.expires_at):
        raise InvalidRequest("The end of a key is a moment; leave it out for none.", param="expires_at")
    if key.user_id is not None and key.service_id is not None:
        raise InvalidRequest(
            "A key belongs to a person or to a service account, not to both. Leave one of them out.",
            param="service_id",
        )
    for field in ("models", "tags", "required_tags", "endpoints", "networks"):
        _texts(getattr(key, field), field)
    for network in key.networks:
        check_network(network)


def check_network(text: str) -> None:
    """Refuse what is not a block of addresses."""
    try:
        ip_network(text)
    except ValueError:
        raise InvalidRequest(
            f"{text[:60]!r} is not a block of addresses, or has bits set behind its length. "
            "Write it like 10.0.0.0/8, 192.0.2.7/32 or 2001:db8::/32.",
            param="networks",
        ) from None


def _organization(found: Organization) -> None:
    _named(found, "An organization")
    _texts(found.models, "models")
    _route_name(found.route)
    if not 0 <= found.member_keys_max <= 10_000:
        raise InvalidRequest("A member may make 0 to 10,000 keys.", param="member_keys_max")


def _team(found: Team) -> None:
    _named(found, "A team")
    _texts(found.models, "models")
    _route_name(found.route)


def _project(found: Project) -> None:
    _named(found, "A project")
    _title(found.cost_centre, "cost_centre")
    _texts(found.models, "models")


def _role(found: Role) -> None:
    _slug(found.name, "A role")
    if found.name in ROLES:
        raise InvalidRequest(
            f"{found.name!r} is a role that every organization has, and it stays what it is. Choose another name.",
            param="name",
        )
    _permissions(found.permissions)
    for each in found.permissions:
        if each.startswith("gateway:"):
            raise InvalidRequest(
                f"{each} is for the operators of the gateway; a role of an organization can not have it. "
                "Leave it out, or make the person an operator.",
                param="permissions",
            )


def _user(found: User) -> None:
    _address(found.name)
    _title(found.title, "title")


def _member(found: Member) -> None:
    _id(found.name, "name")
    _roles(found.role, found.teams)
    _texts(found.models, "models")


def _machine(found: MachineAccount) -> None:
    _named(found, "A service account")
    _roles(found.role, found.teams)


def _token(found: Token) -> None:
    _text(found.name, "name", "A token needs a name")
    _digest(found.digest)
    if not found.made_by or len(found.made_by) > 80:
        raise InvalidRequest("A token has to say who made it.", param="made_by")
    _permissions(found.permissions)


def _invitation(found: Invitation) -> None:
    _address(found.name)
    _digest(found.digest)
    _roles(found.role, found.teams)


def _budget(found: Budget) -> None:
    _slug(found.name, "A budget")
    _scope(found)
    _money(found.limit_nusd, "limit_nusd", 1)
    _one_of(found.period, _PERIODS, "period", "The period of a budget")
    _one_of(found.mode, _MODES, "mode", "The mode of a budget")
    if len(found.thresholds) > 20 or not all(1 <= each <= 1000 for each in found.thresholds):
        raise InvalidRequest("Thresholds are at most 20 numbers from 1 to 1000 per cent.", param="thresholds")
    _money(found.raise_nusd, "raise_nusd", 0)
    for field in ("anchor_at", "raise_until"):
        at = getattr(found, field)
        if at is not None and not (isfinite(at) and 0 <= at < 2**40):
            raise InvalidRequest(f"{field} is a moment in Unix seconds; leave it out for none.", param=field)
    if found.raise_nusd and found.raise_until is None:
        raise InvalidRequest(
            "A raise is for a time. Say until when, or raise the limit itself.", param="raise_until"
        )
    if found.on_exhausted is not None:
        _text(found.on_exhausted, "on_exhausted", "The route for a used-up budget has a name")


def _limit(found: Limit) -> None:
    _slug(found.name, "A limit")
    _scope(found)
    _one_of(found.unit, _UNITS, "unit", "The unit of a limit")
    _one_of(found.per, tuple(SECONDS), "per", "What a limit is per")
    _count(found.amount, "amount", AMOUNT_MOST, "The amount of a limit")


def _credential(found: Credential) -> None:
    _slug(found.name, "A credential")
    _text(found.provider, "provider", "A credential is for a provider, whose name is a text")
    _text(found.origin, "origin", "A credential may be sent to an address, which is a text")
    _one_of(found.owner, _OWNERS, "owner", "The owner of a credential")
    _id(found.owner_id, "owner_id")
    if found.owner == "organization" and found.owner_id != found.organization_id:
        raise InvalidRequest("A credential of an organization is of its own one.", param="owner_id")
    _one_of(found.use, _USES, "use", "The use of a credential")
    if not 0 <= found.weight <= WEIGHT_MOST:
        raise InvalidRequest(f"A weight is 0 to {WEIGHT_MOST:,}.", param="weight")
    if found.expires_at is not None and not isfinite(found.expires_at):
        raise InvalidRequest(
            "The end of a credential is a moment; leave it out for none.", param="expires_at"
        )
    if not found.sealed:
        raise InvalidRequest("A credential has a secret.", param="secret")


def _org_route(found: OrgRoute) -> None:
    _slug(found.name, "A route")
    try:
        tree = parse_tree(found.tree)
    except ConfigInvalid as error:
        first = problems_of(error)[0]
        path = f"tree.{first.path}" if first.path else "tree"
        raise InvalidRequest(f"{path}: {first.message}.", param=path) from None
    for place, node in nodes_of(tree):
        if node.prices is not None:
            path = render_path(("tree", *place, "prices"))
            raise InvalidRequest(
                f"{path}: what a target costs is said by the gateway's operator. Leave it out.", param=path
            )
    if render_tree(tree) != found.tree:
        raise InvalidRequest("The tree has another spelling than the one it is kept in.", param="tree")


_CHECKS: Final[dict[type[Object], Callable[[Any], None]]] = {
    Organization: _organization,
    Team: _team,
    Project: _project,
    Role: _role,
    User: _user,
    Member: _member,
    MachineAccount: _machine,
    Token: _token,
    Invitation: _invitation,
    Budget: _budget,
    Limit: _limit,
    Credential: _credential,
    OrgRoute: _org_route,
}


def _scope(found: Budget | Limit) -> None:
    _one_of(found.scope, KINDS, "scope", "The scope")
    _text(found.scope_id, "scope_id", "A scope needs what it is of, or * for each one,")
    if found.scope != "gateway":
        return
    if found.organization_id:
        raise InvalidRequest(
            "The scope `gateway` is everything this installation does; only a rule of the gateway's own can have it. "
            "For all of an organization take the scope `organization`.",
            param="scope",
        )
    if found.scope_id != EACH:
        raise InvalidRequest("There is one gateway: the scope's id is *.", param="scope_id")


def _roles(role: str, teams: Sequence[TeamRole]) -> None:
    _slug(role, "A role", "role")
    if len(teams) > ENTRIES_MOST or len({each.team_id for each in teams}) < len(teams):
        raise InvalidRequest("Name each team once, and at most 1000 of them.", param="teams")
    for each in teams:
        _id(each.team_id, "teams")
        _slug(each.role, "A role in a team", "teams")


def _permissions(permissions: Iterable[str]) -> None:
    for each in permissions:
        if each not in PERMISSIONS:
            raise InvalidRequest(
                f"There is no permission {each[:60]!r}. Known are: {', '.join(PERMISSIONS)}.",
                param="permissions",
            )


def _named(found: Organization | Team | Project | MachineAccount, what: str) -> None:
    _slug(found.name, what)
    _title(found.title, "title")


def _slug(name: str, what: str, param: str = "name") -> None:
    if not _SLUG.fullmatch(name):
        raise InvalidRequest(
            f"{what} has a name of 1 to 63 of the characters a–z, 0–9, `.`, `_` and `-`, and begins with a letter or "
            f"a digit: it stands in addresses. {name[:70]!r} is none.",
            param=param,
        )


def _address(name: str) -> None:
    if not _EMAIL.fullmatch(name) or name != name.lower() or _UNSEEN.search(name):
        raise InvalidRequest(
            f"{name[:70]!r} is not an e-mail address in lower case, such as ann@example.com.", param="name"
        )


def _id(text: str, param: str) -> None:
    if not _ID.fullmatch(text):
        raise InvalidRequest(
            "An id has 1 to 64 letters, digits, dots, hyphens or underscores. Take one that a list shows.",
            param=param,
        )


def _text(text: str, param: str, what: str) -> None:
    if not 1 <= len(text) <= 200 or not text.strip() or _UNSEEN.search(text):
        raise InvalidRequest(f"{what} of 1 to 200 characters, without control characters.", param=param)


def _route_name(name: str | None) -> None:
    if name is not None:
        _text(name, "route", "A route has a name")


def _title(text: str, param: str) -> None:
    if len(text) > 200 or _UNSEEN.search(text):
        raise InvalidRequest(f"{param} has at most 200 characters, without control characters.", param=param)


def _texts(texts: Sequence[str], param: str) -> None:
    if len(texts) > ENTRIES_MOST:
        raise InvalidRequest(f"{param} has at most {ENTRIES_MOST} entries.", param=param)
    for each in texts:
        _text(each, param, f"Each entry of {param} is a text")


def _digest(digest: bytes) -> None:
    if len(digest) != 32:
        raise InvalidRequest("A digest is a SHA-256 of 32 bytes.", param="digest")


def _count(number: int | None, param: str, most: int, what: str) -> None:
    if number is not None and not 1 <= number <= most:
        raise InvalidRequest(f"{what} must be 1 to {most:,}; leave it out for no limit.", param=param)


def _money(nusd: int, param: str, least: int) -> None:
    if not least <= nusd <= MONEY_MOST:
        raise InvalidRequest(
            f"{param} is an amount {'above' if least else 'of'} 0{'' if least else ' or more'}, "
            "and at most a billion dollars.",
            param=param,
        )


def _one_of(value: str, known: Sequence[str], param: str, what: str) -> None:
    if value not in known:
        raise InvalidRequest(f"{what} must be one of {', '.join(known)}.", param=param)
