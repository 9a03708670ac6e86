"""One request to a route: who asks, for what, and what its function needs to answer."""

from __future__ import annotations

from asyncio import Lock
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar, cast

from waypost.admin.decode import Page, page_of, tags_of
from waypost.admin.fields import in_words_of_the_api
from waypost.admin.parts import Audited, Parts
from waypost.admin.rights import Caller, Rights
from waypost.admin.route import Route
from waypost.core.deed import Deed, Done
from waypost.core.keytext import base62
from waypost.core.objects import PREFIXES, Kind, Object
from waypost.core.people import Organization, Permission
from waypost.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    InvalidValue,
    NotFound,
    PreconditionFailed,
)
from waypost.policy.directory import Directory
from waypost.ports.control import Visit

P = ParamSpec("P")
T = TypeVar("T")

_ID_DIGITS = 16


class Ask:
    """What a route's function is given."""

    def __init__(self, parts: Parts, route: Route, visit: Visit, caller: Caller, changes: Lock) -> None:
        self._parts = parts
        self._deed: Deed | None = None
        self.route = route
        self.visit = visit
        self.caller = caller
        self.rights = Rights(parts.live.directory, caller)
        #: Whom or what a refused try was about, where the path does not tell.
        self.tried: Done | None = None
        self.said: Mapping[str, str] = {}
        """What the path's segments say."""
        self.query: Mapping[str, str] = {}
        self.body: Any = None
        self.organization: Organization | None = None
        #: Held while something is looked at and then changed.
        self.changes = changes

    def act_as(self, caller: Caller) -> None:
        """From now on it is this one who asks."""
        self.caller = caller
        self.rights = Rights(self._parts.live.directory, caller)

    @property
    def deed(self) -> Deed:
        """What the audit log tells of whoever asks."""
        return Deed(
            actor=self.caller.made_by,
            via=self.caller.via,
            action=self.route.name,
            organization_id=self.home,
            request_id=self.visit.request_id,
            address=self.visit.address,
        )

    @property
    def parts(self) -> Parts:
        """The stores, as whoever asks changes them."""
        deed = self.deed
        if deed != self._deed:
            self._parts, self._deed = self._parts.by(deed), deed
        return self._parts

    @property
    def home(self) -> str:
        """The id of the organization of the path; empty where there is none."""
        return "" if self.organization is None else self.organization.id

    @property
    def now(self) -> float:
        return self._parts.clock.wall()

    @property
    def directory(self) -> Directory:
        return self._parts.live.directory

    @property
    def page(self) -> Page:
        """The page that is asked for."""
        return page_of(self.query)

    # --- what the caller may ----------------------------------------------------------------------------------------

    def may(self, permission: Permission, team_id: str | None = None) -> bool:
        """Whether the caller may, in the organization of the path and in a team of it."""
        return permission in self.rights.of(self.home, team_id)

    def need(self, permission: Permission, team_id: str | None = None) -> None:
        """Raises Forbidden unless the caller may."""
        if not self.may(permission, team_id):
            raise denied((permission,))

    # --- what is stored ---------------------------------------------------------------------------------------------

    async def blocking(self, call: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """Ask a store, in a thread."""
        return cast(T, await self._parts.blocking(call, *args, **more))

    async def named(self, kind: Kind, name: str, home: str | None = None) -> Object | None:
        """An object of the organization of the path by its name."""
        return await self.blocking(self.parts.objects.named, kind, self.home if home is None else home, name)

    async def store(self, found: Object, before: Object | None) -> Object:
        """Add or replace an object, if it is still what it was. Raises Conflict and InvalidValue."""
        revision = 0 if before is None else before.revision
        try:
            stored = await self._parts.live.put(found, revision=revision, by=self.deed)
        except InvalidRequest as error:
            message, field = in_words_of_the_api(error)
            raise InvalidValue(message, param=field) from None
        except Conflict as error:
            message, field = in_words_of_the_api(error)
            raise Conflict(message, param=field) from None
        self.record_object(stored, before, stored)
        return stored

    async def remove(self, kind: Kind, found: Object) -> None:
        """Delete an object, if it is still what it was. Raises Conflict."""
        if not await self._parts.live.delete(kind, found.id, revision=found.revision, by=self.deed):
            raise Conflict("It is not there any more, or is built in and stays.")
        self.record_object(found, found, None)

    def new_id(self, kind: Kind) -> str:
        """An id that nobody has."""
        return f"{PREFIXES[kind]}_{base62(self.parts.randomness, _ID_DIGITS)}"

    # --- what is told of it -----------------------------------------------------------------------------------------

    def record_object(self, found: Object, before: Object | None, after: Object | None) -> None:
        """For the gateway's log: an object was changed. The audit log has it from the store."""
        kind = type(found).__name__.lower()
        revisions = (before.revision if before else None, after.revision if after else None)
        self.record(kind, found.id, found.name, revisions)

    def record(
        self,
        kind: str,
        object_id: str,
        name: str = "",
        revisions: tuple[int | None, int | None] = (None, None),
    ) -> None:
        """For the gateway's log: something was changed."""
        caller = self.caller
        self._parts.audit(
            Audited(
                at=self.now,
                request_id=self.visit.request_id,
                who=caller.made_by,
                via=caller.via,
                address=self.visit.address,
                action=self.route.name,
                organization_id=self.home,
                kind=kind,
                object_id=object_id,
                name=name,
                before=revisions[0],
                after=revisions[1],
            )
        )

    def unchanged(self, revision: int) -> bool:
        """Whether the caller has this revision already (`If-None-Match` of a GET)."""
        tags = tags_of(self.visit.headers.get(b"if-none-match"))
        return tags is not None and bool(tags & {str(revision), "*"})

    def made(self, kind: Kind, old: Object | None) -> dict[str, Any]:
        """What of an object stays as it is made anew: its id, when it was made, and its revision."""
        if old is None:
            return {"id": self.new_id(kind), "created_at": self.now, "revision": 0}
        return {"id": old.id, "created_at": old.created_at, "revision": old.revision}

    def check_conditions(self, revision: int | None) -> None:
        """`If-Match` and `If-None-Match` against what is there now. Raises PreconditionFailed."""
        headers = self.visit.headers
        tag = None if revision is None else str(revision)
        wanted, unwanted = tags_of(headers.get(b"if-match")), tags_of(headers.get(b"if-none-match"))
        if wanted is not None and (tag is None or not wanted & {tag, "*"}):
            raise PreconditionFailed(
                "It is not at the revision that If-Match names. Read it again, and change what is there now."
            )
        if unwanted is not None and tag is not None and unwanted & {tag, "*"}:
            raise PreconditionFailed("It is there already, and If-None-Match says that it must not be.")


def denied(permissions: tuple[Permission, ...]) -> Forbidden:
    """What somebody is told who may not."""
    return Forbidden(f"This needs the permission {' or '.join(permissions)}, which you do not have here.")


def missing(what: str, name: str) -> NotFound:
    """What is told of a thing that is not there, and of one that is none of the caller's business."""
    return NotFound(f"There is no {what} {name[:100]!r} here, or you may not see it.")
