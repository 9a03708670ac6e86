"""The control API: finds the route, finds out who asks, and lets the route's function answer if they may.

What may be asked is decided on the matched row of the table and on nothing else; a request that no row lets in is
refused before its body is read. Once the body is there it is decided again: rights are those of the change, and not of
the first byte.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from waypost.admin import problem
from waypost.admin.ask import Ask, denied, missing
from waypost.admin.caller import Identify
from waypost.admin.decode import BODY_BYTES_MAX, check_media, decode, read_query
from waypost.admin.parts import Parts
from waypost.admin.refusals import Refusals
from waypost.admin.rights import NOBODY
from waypost.admin.route import PREFIX, Reply, Route, Table
from waypost.admin.signin import SignIn
from waypost.admin.table import routes
from waypost.core.people import DEFAULT, Organization
from waypost.errors import (
    Forbidden,
    GatewayError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    NotSignedIn,
    TooLarge,
)
from waypost.ports.control import Said, Visit

DOCUMENT: Final = "/api/openapi.json"
_JSON: Final = (b"content-type", b"application/json")
_BELOW: Final = f"{PREFIX}/"
_PAGE: Final = frozenset(("limit", "after"))


class Admin:
    """`ports.control.ControlApi`."""

    def __init__(self, parts: Parts) -> None:
        signin = SignIn(parts)
        document = Route(
            "GET", DOCUMENT, "get_openapi", "This document.", "public", self._document, gives=dict
        )
        self.table = Table((*routes(signin), document))
        self._parts = parts
        self._identify = Identify(parts, signin)
        self._changes = asyncio.Lock()
        self._refusals = Refusals()
        self._rendered: bytes | None = None

    def methods(self, path: str) -> frozenset[str] | None:
        """See `ControlApi`."""
        found = self.table.find(path)
        if found is not None:
            return _methods(found[0])
        # That a path does not exist is said here too, where all that are like it would be.
        below = path.startswith(_BELOW) and path[len(_BELOW) :].partition("/")[0] in self.table.own
        return frozenset() if below else None

    def refuse(self, error: GatewayError, visit_path: str, request_id: str) -> Said:
        """See `ControlApi`."""
        return problem.said(error, visit_path, request_id)

    async def answer(self, visit: Visit) -> Said:
        """See `ControlApi`."""
        try:
            found = self.table.find(visit.path)
            if found is None:
                raise NotFound(f"There is no such path. {DOCUMENT} tells of those that there are.")
            by_method, said = found
            if visit.method == "OPTIONS":
                return Said(204, (_allow(by_method),))
            route = by_method.get("GET" if visit.method == "HEAD" else visit.method)
            if route is None:
                error = MethodNotAllowed(f"This path takes {', '.join(sorted(_methods(by_method)))}.")
                told = problem.said(error, visit.path, visit.request_id)
                return Said(told.status, (*told.headers, _allow(by_method)), told.body)
            return _rendered(await self._run(route, visit, said))
        except GatewayError as error:
            return problem.said(error, visit.path, visit.request_id)

    async def _run(self, route: Route, visit: Visit, said: dict[str, str]) -> Reply:
        ask = Ask(self._parts, route, visit, NOBODY, self._changes)
        ask.said = said
        try:
            return await self._reply(ask)
        except (Forbidden, NotSignedIn) as error:
            await self._refusals.tell(ask, error)
            raise

    async def _reply(self, ask: Ask) -> Reply:
        route, visit = ask.route, ask.visit
        await self._let_in(ask)
        known = frozenset(each.name for each in route.query)
        ask.query = read_query(visit.query, known | _PAGE if route.lists else known)
        if _brings_body(ask):
            ask.body = await _body(route, visit)
            await self._let_in(ask)  # who sends takes the time they like, and may have lost what they had
        return await route.run(ask)

    async def _let_in(self, ask: Ask) -> None:
        """Find out who asks and whether they may. Raises NotSignedIn, Forbidden and NotFound."""
        route = ask.route
        if route.permission != "public":
            caller = await self._identify.caller(ask.visit)
            if caller is NOBODY:
                raise NotSignedIn("Nobody is signed in. Send `Authorization: Bearer wp-api-…`, or sign in.")
            ask.act_as(caller)
        if route.in_organization:
            ask.organization = await self._organization(ask, ask.said["organization"])
        _authorize(ask)

    async def _organization(self, ask: Ask, name: str) -> Organization | None:
        """The organization of the path; None when it is not there, or is none of the caller's business."""
        found = await ask.named("organization", name, "")
        if found is None and name == DEFAULT:
            found = ask.directory.find(Organization, DEFAULT)
        if not isinstance(found, Organization) or not ask.rights.belongs(found.id):
            return None
        return found

    async def _document(self, ask: Ask) -> Reply:
        """The document, made when it is first asked for."""
        from waypost.admin.openapi import render  # here: it reads source, and few gateways are asked

        if self._rendered is None:
            made = await ask.blocking(render, self.table.routes, self._parts.version)
            self._rendered = msgspec.json.encode(made)
        return Reply(msgspec.Raw(self._rendered))


def _authorize(ask: Ask) -> None:
    """Raises NotFound where the caller may not know, and Forbidden where they may know and not ask."""
    route = ask.route
    permission = route.permission
    if isinstance(permission, str):
        return
    if route.in_organization and ask.organization is None:
        if route.creates and set(permission) & ask.rights.of(""):
            return
        raise missing("organization", ask.said["organization"])
    has = ask.rights.anywhere(ask.home) if route.teams else ask.rights.of(ask.home)
    if not has & set(permission):
        raise denied(permission)


def _brings_body(ask: Ask) -> bool:
    headers = ask.visit.headers
    sends = headers.get(b"content-length", b"0").strip(b"0") or b"transfer-encoding" in headers
    return ask.route.takes is not None or bool(sends)


async def _body(route: Route, visit: Visit) -> object:
    length = visit.headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > BODY_BYTES_MAX:
        raise TooLarge(f"A body here has at most {BODY_BYTES_MAX} bytes.")
    if route.takes is None:
        if await visit.read(BODY_BYTES_MAX):
            raise InvalidRequest("This path takes no body.")
        return None
    check_media(visit.headers, route.method == "PATCH")
    return decode(await visit.read(BODY_BYTES_MAX), route.takes)


def _methods(by_method: dict[str, Route]) -> frozenset[str]:
    more = ("HEAD", "OPTIONS") if "GET" in by_method else ("OPTIONS",)
    return frozenset((*by_method, *more))


def _allow(by_method: dict[str, Route]) -> tuple[bytes, bytes]:
    return (b"allow", ", ".join(sorted(_methods(by_method))).encode())


def _rendered(reply: Reply) -> Said:
    if reply.body is None:
        return Said(reply.status, reply.headers)
    if isinstance(reply.body, bytes):
        return Said(reply.status, reply.headers, reply.body)
    return Said(reply.status, (_JSON, *reply.headers), msgspec.json.encode(reply.body))
