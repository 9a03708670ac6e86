"""Organizations of a gateway elsewhere, over its control API: read for a plan, and changed as a plan says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

import msgspec

from waypost.cli.org_views import LISTS, View, seen, seen_user
from waypost.config.org_schema import PlaceConfig
from waypost.config.org_trees import render_tree
from waypost.config.route_schema import RouteConfig
from waypost.core.key import Key
from waypost.core.keytext import IssuedKey
from waypost.core.money import parse_usd, render_usd
from waypost.core.objects import KIND_OF, Change, Object
from waypost.errors import CallerError, Conflict, InvalidRequest

if TYPE_CHECKING:
    from waypost.policy.org_plan import Step
    from waypost.policy.org_state import State

Ask = Callable[[str, str, object, tuple[str, ...]], tuple[int, bytes]]
"""Asks the control API: the method, the path, the body (None: no body) and header lines; the status and the body."""

_PAGE: Final = 200
_PLURALS: Final = {
    "role": "roles",
    "route": "routes",
    "team": "teams",
    "project": "projects",
    "service_account": "service-accounts",
    "member": "members",
    "key": "keys",
    "budget": "budgets",
    "limit": "limits",
}
_FIELDS: Final = {"windows_from": "anchor_at", "expires": "expires_at"}
_MOMENTS: Final = ("windows_from", "raised_until", "expires")
_PLAIN: Final = msgspec.json.Decoder()
#: Numbers with a fraction stay as they were written: trees of routes have some.
_EXACT: Final = msgspec.json.Decoder(float_hook=Decimal)


class RemoteOrgs:
    """One gateway. Raises Unavailable when nothing answers there, and CallerError in the gateway's own words."""

    def __init__(self, ask: Ask, now: float) -> None:
        self._ask = ask
        self._now = now
        self._keys: dict[tuple[str, str], str] = {}

    def read(self, organizations: Iterable[str], people: Iterable[str] = ()) -> State:
        """What there is of these organizations, and of these people."""
        from waypost.policy.directory import Directory
        from waypost.policy.org_state import read_state

        objects: list[Object] = []
        keys: list[Key] = []
        for name in dict.fromkeys(organizations):
            base = f"/api/v1/organizations/{quote(name)}"
            own = self._get(base)
            if own is None:
                continue
            lists = {each: self._all(f"{base}/{each}") for each in LISTS}
            found, theirs = seen(own, lists)
            objects += found
            keys += theirs
        known = {each.name for each in objects}
        for email in dict.fromkeys(people):
            view = None if email in known else self._get(_person(email), hidden=(403, 404))
            if view is not None:
                objects.append(seen_user(view))
        directory = Directory()
        directory.apply([Change(KIND_OF[type(each)], each) for each in objects], 1)
        state = read_state(directory, keys, self._now)
        for (part, home, name), entry in state.entries.items():
            if part == "key":
                self._keys[home, name] = cast(Key, entry.found).key_id
        return state

    def do(self, step: Step) -> IssuedKey | None:
        """Do one step; the text of a key that was made is in what is returned, and nowhere else.

        Raises Conflict when what is to be changed was changed since it was read.
        """
        path = self._path(step)
        if step.part == "user" and step.entry is not None:
            self._retitle(step, path)
        elif step.value is None:
            self._write("DELETE", path, None, _match(step))
        elif step.entry is not None:
            self._write("PATCH", path, self._body(step), _match(step))
        elif step.part != "key":
            self._write("PUT", path, self._body(step), ("if-none-match: *",))
        else:
            return self._make_key(step, path)
        return None

    def _make_key(self, step: Step, path: str) -> IssuedKey:
        made = self._write("POST", path, {"name": step.name, **self._body(step)}, ())
        key = made["key"]
        self._keys[step.organization, step.name] = key["id"]
        return IssuedKey(key["id"], made["text"], b"", key["hint"])

    def _retitle(self, step: Step, path: str) -> None:
        """Lists of members do not tell the revision of a person, so they are read again."""
        now, (change,) = self._get(path, hidden=(404,)), step.fields
        if now is None or now["title"] != (change.old or ""):
            raise Conflict("They were changed meanwhile.")
        self._write("PATCH", path, {"title": change.new}, (f'if-match: "{now["revision"]}"',))

    def _path(self, step: Step) -> str:
        if step.part == "user":
            return _person(step.name)
        base = f"/api/v1/organizations/{quote(step.organization)}"
        if step.part == "organization":
            return base
        place = f"{base}/{_PLURALS[step.part]}"
        if step.part == "key":
            return place if step.entry is None else f"{place}/{cast(Key, step.entry.found).key_id}"
        return f"{place}/{quote(step.name, safe='@')}"

    def _body(self, step: Step) -> dict[str, object]:
        if isinstance(step.value, RouteConfig):
            return {"tree": msgspec.Raw(render_tree(step.value).encode())}
        told = [change.field for change in step.fields]
        if step.part in ("budget", "limit") and (step.entry is None or "scope" in told):
            told += ["scope", "subject"]
        if "operator" in told:
            raise InvalidRequest(
                "An operator's key is made on the gateway's own machine only. Leave --url out there."
            )
        return {_FIELDS.get(field, field): self._said(step, field) for field in told}

    def _said(self, step: Step, field: str) -> object:
        from waypost.config.values import parse_moment

        value: Any = getattr(step.value, field)
        if isinstance(value, Decimal):
            return render_usd(parse_usd(value))
        if field in _MOMENTS and value is not None:
            return parse_moment(value)
        if field == "subject" and getattr(step.value, "scope", "") == "key":
            return self._keys.get((step.organization, value), value)
        if isinstance(value, list):
            return [
                {"team": each.team, "role": each.role} if isinstance(each, PlaceConfig) else each
                for each in value
            ]
        return value

    # --- asking -----------------------------------------------------------------------------------------------------

    def _get(self, path: str, hidden: tuple[int, ...] = (404,)) -> View | None:
        status, body = self._ask("GET", path, None, ())
        if status in hidden:
            return None
        return cast(View, _answer(status, body))

    def _all(self, path: str) -> list[View]:
        items: list[View] = []
        after: str | None = ""
        while after is not None:
            mark = f"&after={quote(after, safe='')}" if after else ""
            status, body = self._ask("GET", f"{path}?limit={_PAGE}{mark}", None, ())
            page = _answer(status, body, _EXACT if path.endswith("/routes") else _PLAIN)
            items += page["items"]
            after = page["next"]
        return items

    def _write(self, method: str, path: str, body: object, lines: tuple[str, ...]) -> Any:
        return _answer(*self._ask(method, path, body, lines))


def _person(email: str) -> str:
    return f"/api/v1/users/{quote(email, safe='@')}"


def _match(step: Step) -> tuple[str, ...]:
    return () if step.entry is None else (f'if-match: "{step.entry.found.revision}"',)


class _Problem(msgspec.Struct):
    detail: str = "What answers there is not the control API of a Waypost gateway."


def _answer(status: int, body: bytes, decoder: msgspec.json.Decoder[Any] = _PLAIN) -> Any:
    """What an answer holds. Raises Conflict and CallerError."""
    if 200 <= status < 300:
        return decoder.decode(body) if body else None
    try:
        detail = msgspec.json.decode(body, type=_Problem).detail
    except msgspec.DecodeError:
        detail = _Problem().detail
    raise (Conflict if status in (409, 412) else CallerError)(detail)
