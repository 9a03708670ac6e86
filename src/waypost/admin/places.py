"""Roles, teams and people that a body names: found, shown, and never more than the caller may give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from waypost.admin.ask import Ask
from waypost.admin.fields import TeamPlace
from waypost.admin.rights import check_grant
from waypost.core.people import ROLES, MachineAccount, Member, Permission, Role, Team, TeamRole, User
from waypost.errors import InvalidValue


async def team_id(ask: Ask, name: str, field: str = "team") -> str:
    """The id of a team of the organization. Raises InvalidValue."""
    found = await ask.named("team", name)
    if found is None:
        raise InvalidValue(f"There is no team {name[:80]!r} in this organization.", param=field)
    return found.id


async def places(ask: Ask, given: Sequence[TeamPlace]) -> tuple[TeamRole, ...]:
    """What somebody is in teams. Raises InvalidValue."""
    made: dict[str, TeamRole] = {}
    for number, each in enumerate(given):
        found = await team_id(ask, each.team, f"teams[{number}].team")
        if found in made:
            raise InvalidValue("The team is there twice.", param=f"teams[{number}].team")
        made[found] = TeamRole(found, each.role)
    return tuple(made.values())


def shown_places(ask: Ask, teams: Sequence[TeamRole]) -> tuple[TeamPlace, ...]:
    """What somebody is in teams, as the API shows it; teams that are gone are left out."""
    named = ((ask.directory.find(Team, each.team_id), each.role) for each in teams)
    return tuple(TeamPlace(team.name, role) for team, role in named if team is not None)


async def role_of(ask: Ask, name: str, field: str) -> frozenset[Permission]:
    """What a role of the organization allows. Raises InvalidValue."""
    if name in ROLES:
        return ROLES[name]
    found = await ask.named("role", name)
    if found is None:
        raise InvalidValue(f"There is no role {name[:80]!r} in this organization.", param=field)
    return frozenset(cast(Role, found).permissions)


async def check_roles(ask: Ask, role: str, teams: Sequence[TeamRole]) -> None:
    """Whether the caller may give a role and roles in teams. Raises Forbidden and InvalidValue."""
    has = ask.rights.of(ask.home)
    check_grant(has, await role_of(ask, role, "role"), f"The role {role!r}")
    for number, each in enumerate(teams):
        gives = await role_of(ask, each.role, f"teams[{number}].role")
        check_grant(ask.rights.of(ask.home, each.team_id), gives, f"The role {each.role!r} in a team")


def check_above(ask: Ask, owner: Member | MachineAccount) -> None:
    """Whether the caller has at least what somebody has whom they change. Raises Forbidden."""
    directory = ask.directory
    what = "Whom you change"
    check_grant(ask.rights.of(ask.home), directory.permissions(owner), what)
    for each in owner.teams:
        has = ask.rights.of(ask.home, each.team_id)
        check_grant(has, directory.permissions(owner, each.team_id), what)


async def user_named(ask: Ask, text: str) -> User | None:
    """A person by their e-mail address or their id."""
    if "@" in text:
        return cast(User | None, await ask.named("user", text.lower(), ""))
    return cast(User | None, await ask.blocking(ask.parts.objects.get, "user", text))
