"""One route of the control API, as a row of the table: what it is, who may ask for it, what goes in and comes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from waypost.core.people import PERMISSIONS, Permission
from waypost.errors import ConfigError

if TYPE_CHECKING:
    from waypost.admin.ask import Ask

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Marker = Literal["public", "self"]
"""`public`: anybody. `self`: whoever is signed in, for what is their own."""

PREFIX: Final = "/api/v1"
#: Where an organization stands in a path.
ORGANIZATION: Final = "{organization}"


class Reply(msgspec.Struct, frozen=True):
    """What a route's function answers. `body`: a value for JSON, or bytes of the type that a header names; None:
    nothing."""

    body: object = None
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Parameter(msgspec.Struct, frozen=True):
    """One of a query, as the document has it."""

    name: str
    about: str
    schema: Mapping[str, object]


class Route(msgspec.Struct, frozen=True):
    """A row of the table."""

    method: Method
    path: str
    name: str
    """Unique; also the operation's id in the document."""
    summary: str
    permission: tuple[Permission, ...] | Marker
    """Any one of these is needed, in the organization of the path, or in the gateway where there is none in it."""
    run: Callable[[Ask], Awaitable[Reply]]
    takes: type[Any] | None = None
    """What the body is."""
    gives: type[Any] | None = None
    """What the answer's body is; None: there is none."""
    status: int = 200
    also: tuple[int, ...] = ()
    """Other statuses of success."""
    errors: tuple[int, ...] = ()
    """Statuses of refusals, beside those that every route has."""
    teams: bool = False
    """What somebody is in a team counts too: the function looks at the team itself."""
    lists: bool = False
    """It gives pages: `limit` and `after` are taken."""
    creates: bool = False
    """The organization of the path need not exist yet."""
    tags: bool = False
    """Its objects have entity tags: `If-Match` and `If-None-Match` are taken."""
    example: object = None
    """A body that it takes."""
    query: tuple[Parameter, ...] = ()
    """What its query may say, beside pages."""
    csv: bool = False
    """It can answer with a table as well."""
    quiet: bool = False
    """It changes nothing, so the audit log does not tell of it."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The segments of the path."""
        return tuple(self.path.strip("/").split("/"))

    @property
    def in_organization(self) -> bool:
        """Whether the path names an organization."""
        return ORGANIZATION in self.parts


def check(route: Route) -> None:
    """Whether a row says all that it has to. Raises ConfigError: a gateway with a route that anybody could use, or
    nobody, does not start."""
    permission = route.permission
    if isinstance(permission, str):
        good = permission in ("public", "self")
    else:
        good = bool(permission) and set(permission) <= set(PERMISSIONS)
    if not good:
        raise ConfigError(f"The route {route.method} {route.path} names no permission.")
    if not route.path.startswith("/api/"):
        raise ConfigError(f"The route {route.method} {route.path} is outside of /api/.")


class Table:
    """All routes, by their paths. Built once, before the gateway starts. Raises ConfigError for a row that says too
    little or that another one hides."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self.routes = routes
        self._exact: dict[str, dict[str, Route]] = {}
        #: First segments behind the prefix: what is below them is nobody else's.
        self.own: frozenset[str] = frozenset(
            route.parts[2] for route in routes if route.path.startswith(f"{PREFIX}/") and len(route.parts) > 2
        )
        self._shaped: dict[int, list[tuple[tuple[str, ...], dict[str, Route]]]] = {}
        names: set[str] = set()
        for route in routes:
            check(route)
            if route.name in names:
                raise ConfigError(f"Two routes are named {route.name}.")
            names.add(route.name)
            self._add(route)

    def _add(self, route: Route) -> None:
        if "{" not in route.path:
            found = self._exact.setdefault(route.path, {})
        else:
            shapes = self._shaped.setdefault(len(route.parts), [])
            found = next((methods for parts, methods in shapes if parts == route.parts), {})
            if not found:
                if any(_overlap(parts, route.parts) for parts, _ in shapes):
                    raise ConfigError(f"The path {route.path} can not be told from another one.")
                shapes.append((route.parts, found))
        if route.method in found:
            raise ConfigError(f"{route.method} {route.path} is there twice.")
        found[route.method] = route

    def find(self, path: str) -> tuple[dict[str, Route], dict[str, str]] | None:
        """The routes of a path by their methods, and what its segments say; None when it is not in the table."""
        exact = self._exact.get(path)
        if exact is not None:
            return exact, {}
        if not path.startswith("/api/"):
            return None
        asked = path[1:].split("/")
        for parts, methods in self._shaped.get(len(asked), ()):
            said = _match(parts, asked)
            if said is not None:
                return methods, said
        return None


def _match(parts: tuple[str, ...], asked: list[str]) -> dict[str, str] | None:
    said: dict[str, str] = {}
    for part, text in zip(parts, asked, strict=True):
        if part[0] == "{":
            if not text:
                return None
            said[part[1:-1]] = text
        elif part != text:
            return None
    return said


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether some path fits both."""
    return all(a == b or a[0] == "{" or b[0] == "{" for a, b in zip(one, other, strict=True))
