"""Organizations, their teams and their projects."""

from __future__ import annotations

from typing import Annotated, Any, cast

import msgspec

from waypost.admin.ask import Ask
from waypost.admin.fields import Line, Lines, Name, Time, Title
from waypost.admin.resource import Resource, listed
from waypost.admin.route import PREFIX, Reply
from waypost.core.objects import Object
from waypost.core.people import Organization, Permission, Project, Team
from waypost.errors import Forbidden

KeysMax = Annotated[int, msgspec.Meta(ge=0, le=10_000)]


class OrganizationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An organization, as it is to be."""

    title: Title = ""
    """What people call it."""
    models: Lines = ()
    """Routes and models that anybody in it may use: exact names, or patterns such as `openai/*`. Empty: all.
    Only operators set it; its owners choose among these, for teams, projects and members."""
    suspended: bool = False
    """None of its keys works, and nothing of it can be changed. Only operators set it."""
    member_keys_max: KeysMax = 10
    """Keys that one member may make for themselves."""
    route: Line | None = None
    """The route that its requests take when neither they nor their key and team name one."""


class OrganizationView(msgspec.Struct, frozen=True, kw_only=True):
    """An organization: a tenant. Nothing of one is ever shown to another."""

    id: str
    name: Name
    title: str
    models: tuple[str, ...]
    suspended: bool
    member_keys_max: int
    route: str | None
    created_at: Time
    revision: int


class Organizations(Resource):
    """All organizations; callers see those that they are in."""

    kind = "organization"
    word = "organization"
    plural = "organizations"
    prefix = PREFIX
    read: tuple[Permission, ...] = ("organizations:read",)
    write: tuple[Permission, ...] = ("organizations:write",)
    body = OrganizationBody
    view = OrganizationView
    segment = "organization"
    list_permission = "self"
    creates = True
    example = {"title": "Acme", "member_keys_max": 5}  # noqa: RUF012 - read only

    def home_of(self, ask: Ask) -> str:
        """See `Resource`."""
        return ""

    def may(self, ask: Ask, permissions: Any, found: Object) -> bool:
        """See `Resource`. One that is not there yet is nobody's but the operators'."""
        home = found.id if ask.organization is not None or ask.route.lists else ""
        return any(each in ask.rights.of(home) for each in permissions)

    async def build(self, ask: Ask, body: OrganizationBody, old: Organization | None, name: str) -> Object:
        """See `Resource`."""
        if "gateway:write" not in ask.rights.of(""):
            if body.suspended != (old is not None and old.suspended):
                raise Forbidden("Only an operator of the gateway suspends an organization, or ends that.")
            if old is None or body.models != old.models:
                raise Forbidden("Only an operator of the gateway says which models an organization may use.")
        return Organization(
            **ask.made("organization", old), name=self.checked_name(name, old), **msgspec.structs.asdict(body)
        )

    async def show(self, ask: Ask, found: Organization) -> OrganizationView:
        """See `Resource`."""
        return OrganizationView(**msgspec.structs.asdict(found))

    async def check_leave(self, ask: Ask, found: Organization) -> None:
        """See `Resource`."""
        if "gateway:write" not in ask.rights.of(""):
            raise Forbidden("Only an operator of the gateway deletes an organization.")

    async def list(self, ask: Ask) -> Reply:
        """Those that the caller may see, in the order of their names."""
        if "gateway:read" in ask.rights.of(""):
            return await super().list(ask)
        page, directory = ask.page, ask.directory
        user, machine, token = ask.caller.user, ask.caller.machine, ask.caller.token
        homes = {machine.organization_id} if machine else set()
        if token is not None and token.organization_id:
            homes.add(token.organization_id)
        if user is not None:
            homes |= {each.organization_id for each in directory.memberships(user.id)}
        found = [each for home in homes if (each := directory.find(Organization, home)) is not None]
        seen = [each for each in found if each.name > page.after and self.may(ask, self.read, each)]
        seen.sort(key=lambda each: each.name)
        shown = [await self.show(ask, each) for each in seen[: page.limit]]
        return listed(ask, shown, shown[-1].name if len(seen) > page.limit else None)


class TeamBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A team, as it is to be."""

    title: Title = ""
    """What people call it."""
    models: Lines = ()
    """Routes and models that its keys may use. Empty: all that the organization may."""
    route: Line | None = None
    """The route that its requests take when neither they nor their key name one."""


class TeamView(msgspec.Struct, frozen=True, kw_only=True):
    """Part of an organization."""

    id: str
    name: Name
    title: str
    models: tuple[str, ...]
    route: str | None
    created_at: Time
    revision: int


class Teams(Resource):
    """An organization's teams. What somebody is in a team counts for that team."""

    kind = "team"
    word = "team"
    plural = "teams"
    read: tuple[Permission, ...] = ("teams:read",)
    write: tuple[Permission, ...] = ("teams:write",)
    body = TeamBody
    view = TeamView
    teams = True
    team_writes = True
    example = {"title": "Search", "models": ["openai/*"]}  # noqa: RUF012 - read only

    def team_of(self, found: Object) -> str | None:
        """See `Resource`."""
        return found.id

    async def build(self, ask: Ask, body: TeamBody, old: Team | None, name: str) -> Object:
        """See `Resource`. Who is an admin of the team alone does not widen what it may."""
        if not ask.may("teams:write") and (old is None or body.models != old.models):
            raise Forbidden("Which models a team may use is set by who has teams:write in the organization.")
        return Team(
            **ask.made("team", old),
            organization_id=ask.home,
            name=self.checked_name(name, old),
            title=body.title,
            models=body.models,
            route=body.route,
        )

    async def check_leave(self, ask: Ask, found: Team) -> None:
        """See `Resource`."""
        ask.need("teams:write")

    async def show(self, ask: Ask, found: Team) -> TeamView:
        """See `Resource`."""
        return TeamView(**without_home(found))


class ProjectBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A project, as it is to be."""

    title: Title = ""
    """What people call it."""
    cost_centre: Title = ""
    """Where its costs are booked."""
    models: Lines = ()
    """Routes and models that its keys may use. Empty: all that the organization may."""


class ProjectView(msgspec.Struct, frozen=True, kw_only=True):
    """A use case or a cost centre, across teams."""

    id: str
    name: Name
    title: str
    cost_centre: str
    models: tuple[str, ...]
    created_at: Time
    revision: int


class Projects(Resource):
    """An organization's projects."""

    kind = "project"
    word = "project"
    plural = "projects"
    read: tuple[Permission, ...] = ("projects:read",)
    write: tuple[Permission, ...] = ("projects:write",)
    body = ProjectBody
    view = ProjectView
    example = {"title": "Support answers", "cost_centre": "CC-104"}  # noqa: RUF012 - read only

    async def build(self, ask: Ask, body: ProjectBody, old: Project | None, name: str) -> Object:
        """See `Resource`."""
        return Project(
            **ask.made("project", old),
            organization_id=ask.home,
            name=self.checked_name(name, old),
            **msgspec.structs.asdict(body),
        )

    async def show(self, ask: Ask, found: Project) -> ProjectView:
        """See `Resource`."""
        return ProjectView(**without_home(found))


def without_home(found: Object) -> dict[str, Any]:
    """The fields of an object that are shown as they are."""
    fields = msgspec.structs.asdict(cast(Any, found))
    fields.pop("organization_id", None)
    return fields
