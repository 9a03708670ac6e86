"""Who is in an organization: people, programs, and the roles of its own that they can have."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from waypost.admin.ask import Ask
from waypost.admin.fields import Lines, Name, TeamPlace, Time, Title
from waypost.admin.organizations import without_home
from waypost.admin.places import check_above, check_roles, places, shown_places, user_named
from waypost.admin.resource import Resource
from waypost.admin.rights import check_grant
from waypost.core.objects import Object
from waypost.core.people import ROLES, MachineAccount, Member, Permission, Role, User
from waypost.errors import Forbidden, InvalidValue


class MemberBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a person is in an organization, as it is to be."""

    role: Name = "developer"
    """A role that every organization has, or one of its own."""
    teams: tuple[TeamPlace, ...] = ()
    """What they are in teams, beyond that."""
    models: Lines = ()
    """Routes and models that their keys may use. Empty: all that the organization may."""


class MemberView(msgspec.Struct, frozen=True, kw_only=True):
    """A person in an organization."""

    id: str
    user: str
    """The person's id."""
    email: str
    title: str
    role: Name
    teams: tuple[TeamPlace, ...]
    models: tuple[str, ...]
    created_at: Time
    revision: int


class Members(Resource):
    """The people of an organization. New ones are invited; only operators add people who are there already."""

    kind = "member"
    word = "member"
    plural = "members"
    read: tuple[Permission, ...] = ("members:read",)
    write: tuple[Permission, ...] = ("members:write",)
    body = MemberBody
    view = MemberView
    segment = "user"
    example = {"role": "developer", "teams": [{"team": "search", "role": "admin"}]}  # noqa: RUF012 - read only

    async def name_of(self, ask: Ask) -> str | None:
        """See `Resource`. The path has the e-mail address or the id of a person."""
        user = await user_named(ask, ask.said["user"])
        return None if user is None else user.id

    def hidden(self, ask: Ask) -> Exception:
        """See `Resource`. Whether somebody has an account elsewhere is not told."""
        if ask.route.method == "PUT" and not _operates(ask):
            return Forbidden("This person is no member. Invite them: POST …/invitations.")
        return super().hidden(ask)

    async def build(self, ask: Ask, body: MemberBody, old: Member | None, name: str) -> Object:
        """See `Resource`."""
        if old is None and not _operates(ask):
            raise self.hidden(ask)
        teams = await places(ask, body.teams)
        await check_roles(ask, body.role, teams)
        if old is not None:
            check_above(ask, old)
        return Member(
            **ask.made("member", old),
            organization_id=ask.home,
            name=name,
            role=body.role,
            teams=teams,
            models=body.models,
        )

    async def check_leave(self, ask: Ask, found: Member) -> None:
        """See `Resource`. That the last owner stays is the store's to see: there may be more gateways than this one."""
        check_above(ask, found)

    async def show(self, ask: Ask, found: Member) -> MemberView:
        """See `Resource`."""
        user = ask.directory.find(User, found.name)
        return MemberView(
            id=found.id,
            user=found.name,
            email="" if user is None else user.name,
            title="" if user is None else user.title,
            role=found.role,
            teams=shown_places(ask, found.teams),
            models=found.models,
            created_at=found.created_at,
            revision=found.revision,
        )


def _operates(ask: Ask) -> bool:
    return "gateway:write" in ask.rights.of("")


class MachineAccountBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A service account, as it is to be."""

    title: Title = ""
    """What people call it."""
    role: Name = "developer"
    """As of a member."""
    teams: tuple[TeamPlace, ...] = ()
    """What it is in teams, beyond that."""
    disabled: bool = False
    """None of its keys and tokens works."""


class MachineAccountView(msgspec.Struct, frozen=True, kw_only=True):
    """A program that has keys and tokens of its own."""

    id: str
    name: Name
    title: str
    role: Name
    teams: tuple[TeamPlace, ...]
    disabled: bool
    created_at: Time
    revision: int


class MachineAccounts(Resource):
    """An organization's service accounts."""

    kind = "service"
    word = "service account"
    plural = "service-accounts"
    read: tuple[Permission, ...] = ("members:read",)
    write: tuple[Permission, ...] = ("members:write",)
    body = MachineAccountBody
    view = MachineAccountView
    example = {"title": "Nightly report", "role": "viewer"}  # noqa: RUF012 - read only

    async def build(
        self, ask: Ask, body: MachineAccountBody, old: MachineAccount | None, name: str
    ) -> Object:
        """See `Resource`."""
        teams = await places(ask, body.teams)
        await check_roles(ask, body.role, teams)
        if old is not None:
            check_above(ask, old)
        return MachineAccount(
            **ask.made("service", old),
            organization_id=ask.home,
            name=self.checked_name(name, old),
            title=body.title,
            role=body.role,
            teams=teams,
            disabled=body.disabled,
        )

    async def check_leave(self, ask: Ask, found: MachineAccount) -> None:
        """See `Resource`."""
        check_above(ask, found)

    async def show(self, ask: Ask, found: MachineAccount) -> MachineAccountView:
        """See `Resource`."""
        return MachineAccountView(**without_home(found) | {"teams": shown_places(ask, found.teams)})


class RoleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A role, as it is to be."""

    permissions: tuple[Permission, ...] = ()
    """What it allows. None of `gateway:…`, which are the operators'."""


class RoleView(msgspec.Struct, frozen=True, kw_only=True):
    """An organization's own role, beside those that every organization has."""

    id: str
    name: Name
    permissions: tuple[Permission, ...]
    created_at: Time
    revision: int


class Roles(Resource):
    """An organization's own roles."""

    kind = "role"
    word = "role"
    plural = "roles"
    read: tuple[Permission, ...] = ("roles:read",)
    write: tuple[Permission, ...] = ("roles:write",)
    body = RoleBody
    view = RoleView
    example = {"permissions": ["keys:read", "keys:write"]}  # noqa: RUF012 - read only

    async def build(self, ask: Ask, body: RoleBody, old: Role | None, name: str) -> Object:
        """See `Resource`."""
        if name in ROLES:
            raise InvalidValue("Every organization has this role, and it stays what it is.", param="name")
        has = ask.rights.of(ask.home)
        check_grant(has, frozenset(cast(Any, old).permissions) if old else frozenset(), "The role")
        if any(each.startswith("gateway:") for each in body.permissions):
            raise InvalidValue("Permissions of the gateway are its operators' only.", param="permissions")
        check_grant(has, frozenset(body.permissions), "The role")
        return Role(
            **ask.made("role", old),
            organization_id=ask.home,
            name=self.checked_name(name, old),
            permissions=tuple(dict.fromkeys(body.permissions)),
        )

    async def check_leave(self, ask: Ask, found: Role) -> None:
        """See `Resource`."""
        check_grant(ask.rights.of(ask.home), frozenset(found.permissions), "The role")

    async def show(self, ask: Ask, found: Role) -> RoleView:
        """See `Resource`."""
        return RoleView(**without_home(found))
