"""Objects with a name, as resources: one list, one get, one put, one patch and one delete for all of them.

A resource says what is particular to its kind. `put` and `patch` look at an object and change it under one lock, and
the store takes the change only if the object is still at the revision that was looked at.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, get_type_hints
from urllib.parse import quote, urlencode

import msgspec

from waypost.admin.ask import Ask, denied, missing
from waypost.admin.fields import check_name
from waypost.admin.route import PREFIX, Marker, Reply, Route
from waypost.core.objects import Kind, Object
from waypost.core.people import Permission
from waypost.errors import Conflict

_TRIES: Final = 4
_PAGES_MOST: Final = 20


class Resource:
    """What is particular to a kind of object. A subclass is one kind."""

    kind: Kind
    word: str
    """What people call one."""
    plural: str
    """The segment of the path."""
    prefix: str = f"{PREFIX}/organizations/{{organization}}"
    read: tuple[Permission, ...]
    write: tuple[Permission, ...]
    body: type[Any]
    """What PUT takes; its fields are fields of `view` too, but for those that are `write_only`."""
    view: type[Any]
    teams: bool = False
    """A role in a team counts for what belongs to the team, as far as reading goes."""
    team_writes: bool = False
    """And as far as writing goes."""
    write_only: frozenset[str] = frozenset()
    """Fields of `body` that no answer shows: left out of a patch they are None, and stay as they are."""
    example: object = None
    list_permission: Marker | None = None
    """Who may list, where that is not who may read one."""
    creates: bool = False
    """The organization of the path is what is made."""
    segment: str = "name"
    """The path's last variable."""

    async def name_of(self, ask: Ask) -> str | None:
        """The object's name, from the path; None when there can be none."""
        return ask.said[self.segment]

    def home_of(self, ask: Ask) -> str:
        """The organization in which names of the kind are unique."""
        return ask.home

    def team_of(self, found: Object) -> str | None:
        """The team whose roles count for it."""
        return None

    async def build(self, ask: Ask, body: Any, old: Any, name: str) -> Object:
        """The object that a body describes. Raises InvalidValue and Forbidden."""
        raise NotImplementedError

    async def show(self, ask: Ask, found: Any) -> Any:
        """The object as the API shows it."""
        raise NotImplementedError

    async def check_leave(self, ask: Ask, found: Any) -> None:
        """Whether it may be deleted. Raises Forbidden and Conflict."""

    # --- what all kinds have ----------------------------------------------------------------------------------------

    def may(self, ask: Ask, permissions: Sequence[Permission], found: Object) -> bool:
        """Whether the caller has one of these for this object."""
        writing = permissions == self.write
        counts = self.team_writes if writing else self.teams
        team = self.team_of(found) if counts else None
        return any(ask.may(each, team) for each in permissions)

    async def find(self, ask: Ask) -> Object | None:
        """The object of the path, if it is there and the caller may know it."""
        name = await self.name_of(ask)
        if name is None:
            return None
        return await ask.named(self.kind, name, self.home_of(ask))

    def hidden(self, ask: Ask) -> Exception:
        """What is said of one that is not there."""
        return missing(self.word, ask.said[self.segment])

    async def get(self, ask: Ask) -> Reply:
        """One object."""
        found = await self.find(ask)
        if found is None or not self.may(ask, self.read, found):
            raise self.hidden(ask)
        tag = etag(found)
        if ask.unchanged(found.revision):
            return Reply(None, 304, (tag,))
        return Reply(await self.show(ask, found), 200, (tag,))

    async def list(self, ask: Ask) -> Reply:
        """One page."""
        page = ask.page
        shown: list[object] = []
        after, more = page.after, True
        for _ in range(_PAGES_MOST):
            found = await ask.blocking(
                ask.parts.objects.page, self.kind, self.home_of(ask), after, page.limit + 1
            )
            for each in found:
                if len(shown) == page.limit:
                    return listed(ask, shown, after)
                if self.may(ask, self.read, each):
                    shown.append(await self.show(ask, each))
                after = each.name
            more = len(found) > page.limit
            if not more:
                break
        return listed(ask, shown, after if more else None)

    async def put(self, ask: Ask) -> Reply:
        """Make it, or replace what is there."""
        return await self._change(ask, lambda old: _whole(ask.body, old))

    async def patch(self, ask: Ask) -> Reply:
        """Change the fields that are there."""

        async def merged(old: Object | None) -> Any:
            if old is None:
                raise self.hidden(ask)
            view = await self.show(ask, old)
            now = {
                name: None if name in self.write_only else getattr(view, name)
                for name in self.body.__struct_fields__
            }
            given = msgspec.structs.asdict(ask.body)
            now.update({name: value for name, value in given.items() if value is not msgspec.UNSET})
            return self.body(**now)

        return await self._change(ask, merged)

    async def delete(self, ask: Ask) -> Reply:
        """Delete it."""
        async with ask.changes:
            found = await self.find(ask)
            if found is None or not self._known(ask, found):
                raise self.hidden(ask)
            if not self.may(ask, self.write, found):
                raise denied(tuple(self.write))
            ask.check_conditions(found.revision)
            await self.check_leave(ask, found)
            await ask.remove(self.kind, found)
        return Reply(None, 204)

    def _known(self, ask: Ask, found: Object) -> bool:
        return self.may(ask, self.read, found) or self.may(ask, self.write, found)

    async def _change(self, ask: Ask, body_of: Callable[[Any], Awaitable[Any]]) -> Reply:
        async with ask.changes:
            for left in reversed(range(_TRIES)):
                old = await self.find(ask)
                if old is not None and not self._known(ask, old):
                    raise self.hidden(ask)
                if old is not None and not self.may(ask, self.write, old):
                    raise denied(tuple(self.write))
                ask.check_conditions(None if old is None else old.revision)
                body = await body_of(old)
                name = await self.name_of(ask)
                if name is None:
                    raise self.hidden(ask)
                new = await self.build(ask, body, old, name)
                if not self.may(ask, self.write, new):
                    raise denied(tuple(self.write))
                try:
                    stored = new if new == old else await ask.store(new, old)
                except Conflict:
                    now = await self.find(ask)
                    if not left or (now and now.revision) == (old and old.revision):
                        raise
                    continue
                return Reply(await self.show(ask, stored), 201 if old is None else 200, (etag(stored),))
        raise AssertionError

    def checked_name(self, name: str, old: Object | None) -> str:
        """A name that may be given to a new one. Raises InvalidValue."""
        return name if old is not None else check_name(name)

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table for the kind."""
        patch = patch_of(self.body)
        base = f"{self.prefix}/{self.plural}"
        one, word = f"{base}/{{{self.segment}}}", self.word
        name = f"{'gateway_' if self.prefix.endswith('/gateway') else ''}{self.kind}"
        changing: dict[str, Any] = {
            "permission": self.write, "teams": self.team_writes, "gives": self.view, "tags": True
        }  # fmt: skip
        listing = page_type(self.view)
        article = "an" if word[0] in "aeio" else "a"
        return (
            Route("GET", base, f"list_{name}", f"List: {word}s.", self.list_permission or self.read,
                  self.list, gives=listing,
                  teams=self.teams, lists=True),
            Route("GET", one, f"get_{name}", f"Read {article} {word}.", self.read, self.get, gives=self.view,
                  teams=self.teams, also=(304,), tags=True),
            Route("PUT", one, f"put_{name}", f"Make {article} {word}, or replace it.", run=self.put,
                  takes=self.body, creates=self.creates, also=(201,), errors=(409, 412, 422), example=self.example,
                  **changing),
            Route("PATCH", one, f"patch_{name}", f"Change fields of {article} {word}.", run=self.patch, takes=patch,
                  errors=(409, 412, 422), **changing),
            Route("DELETE", one, f"delete_{name}", f"Delete {article} {word}.", self.write, self.delete, status=204,
                  teams=self.team_writes, errors=(409, 412), tags=True),
        )  # fmt: skip


def page_type(view: type[Any]) -> type[Any]:
    """The type of a page of a list."""
    fields: list[tuple[str, Any]] = [("items", tuple.__class_getitem__((view, ...))), ("next", str | None)]
    told = "A page of a list. `next`: what `after` has to be for the next one, if there is one."
    return msgspec.defstruct(f"{view.__name__}Page", fields, frozen=True, namespace={"__doc__": told})


def patch_of(body: type[Any]) -> type[Any]:
    """The type of a patch of a body: the same fields, and none of them needed."""
    hints = get_type_hints(body, include_extras=True)
    fields = [(name, hints[name] | msgspec.UnsetType, msgspec.UNSET) for name in body.__struct_fields__]
    name = body.__name__.removesuffix("Body") + "Patch"
    return msgspec.defstruct(
        name, fields, frozen=True, forbid_unknown_fields=True, kw_only=True,
        namespace={"__doc__": "What is to be changed; what is left out stays as it is.", "__patch_of__": body},
    )  # fmt: skip


def etag(found: Object) -> tuple[bytes, bytes]:
    """The entity tag of an object: its revision."""
    return (b"etag", b'"%d"' % found.revision)


def listed(ask: Ask, shown: Sequence[object], after: str | None) -> Reply:
    """A page, with where the next one begins."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if after is not None:
        query = urlencode({**ask.query, "limit": str(ask.page.limit), "after": after})
        link = f'<{quote(ask.visit.path)}?{query}>; rel="next"'
        headers = ((b"link", link.encode()),)
    return Reply({"items": shown, "next": after}, 200, headers)


async def _whole(body: Any, old: object) -> Any:
    del old
    return body
