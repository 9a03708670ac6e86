"""What was used and spent, as routes: of an organization, of one's own keys in it, and of everything."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date
from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import Meta

from waypost.admin import days
from waypost.admin.ask import Ask
from waypost.admin.fields import dollars
from waypost.admin.resource import listed, page_type
from waypost.admin.route import PREFIX, Parameter, Reply, Route
from waypost.core.people import MachineAccount, Organization, Permission, Project, Team, User
from waypost.core.spend import BY, BY_MOST, PARTS, TIMES, By, Group, Named, Spend, Wanted, as_csv, moment
from waypost.core.statement import month_of
from waypost.errors import InvalidRequest, InvalidValue
from waypost.policy.directory import Directory

_READ: Final[tuple[Permission, ...]] = ("usage:read", "own_usage:read")
_ALL: Final[tuple[Permission, ...]] = ("gateway:read",)
_CSV_MOST: Final = 10_000
_HOUR_MOST: Final = 1 << 32
_ONE: Final = "|".join(BY)
_KINDS: Final[dict[By, type[Any]]] = {
    "user": User,
    "service_account": MachineAccount,
    "team": Team,
    "project": Project,
    "organization": Organization,
}

Nano = Annotated[int, Meta(description="Nano-dollars.")]
Usd = Annotated[str, Meta(description="Dollars, as an exact decimal number in a string.")]


class GroupView(msgspec.Struct, frozen=True, kw_only=True):
    """What a line is of."""

    by: By
    id: str
    """Its id; of a day or an hour, when it begins. Empty: none, such as the team of a key without one."""
    name: str
    """What people call it."""


class UsageView(msgspec.Struct, frozen=True, kw_only=True):
    """A line: what was used and spent."""

    group: tuple[GroupView, ...]
    """What it is of, in the order that `by` asks for."""
    requests: int
    errors: int
    """Requests that did not end well, for whatever reason."""
    attempts: int
    """Attempts that were or may have been billed."""
    unpriced: int
    """Attempts whose price nobody knows. They are not in the cost."""
    cost_nusd: Nano
    cost: Usd
    input_tokens: int
    """Those that were read from a cache, or written to one, among them."""
    output_tokens: int
    """Those of reasoning among them."""
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    audio_ms: int
    """Milliseconds of sound that were transcribed or translated."""
    characters: int
    """Of texts that were spoken."""
    images: int
    """That were made."""
    searches: int
    """Of rerankers."""


def routes() -> tuple[Route, ...]:
    """The rows of the table for usage."""
    page = page_type(UsageView)
    by = {"type": "string", "pattern": f"^({_ONE})(,({_ONE})){{0,{BY_MOST - 1}}}$"}
    query = (
        Parameter(
            "by", f"What to add up by: up to {BY_MOST} of {', '.join(BY)}. Left out: all in one line.", by
        ),
        Parameter("from", "The first day, in UTC. Left out: the first of this month.", days.SCHEMA),
        Parameter("to", "The day at whose beginning it ends. Left out: tomorrow.", days.SCHEMA),
        Parameter("format", "`csv` for a table of everything.", {"type": "string", "enum": ["json", "csv"]}),
    )
    return (
        Route("GET", f"{PREFIX}/organizations/{{organization}}/usage", "list_usage",
              "List: what an organization used and spent.", _READ, of_organization, gives=page, lists=True,
              errors=(422,), query=query, csv=True),
        Route("GET", f"{PREFIX}/usage", "list_gateway_usage", "List: what all organizations used and spent.", _ALL,
              of_gateway, gives=page, lists=True, errors=(422,), query=query, csv=True),
    )  # fmt: skip


async def of_organization(ask: Ask) -> Reply:
    """All of an organization, or of one's own keys in it."""
    user, machine = ask.caller.user, ask.caller.machine
    own = not ask.may("usage:read")
    wanted = Wanted(
        organization_id=ask.home,
        user_id=user.id if own and user is not None else None,
        service_id=machine.id if own and user is None and machine is not None else None,
    )
    return await _answer(ask, wanted)


async def of_gateway(ask: Ask) -> Reply:
    """All of the gateway: also what came without a key."""
    return await _answer(ask, Wanted())


async def _answer(ask: Ask, whose: Wanted) -> Reply:
    form = ask.query.get("format", "json")
    if form not in ("json", "csv"):
        raise InvalidRequest("It has to be json or csv.", param="format")
    first, last = month_of(ask.now)
    since, until = days.day(ask, "from") or first, days.day(ask, "to") or last
    if until < since:
        raise InvalidValue("It is before `from`.", param="to")
    wanted = msgspec.structs.replace(whose, by=_by(ask), since_hour=_hour(since), until_hour=_hour(until))
    page = ask.page
    if form == "csv":
        return await _table(ask, wanted, since)
    after = _after(page.after, wanted.by)
    found = await ask.blocking(ask.parts.usage.page, wanted, after, page.limit + 1)
    shown = [_view(wanted.by, named(ask.directory, wanted.by, each)) for each in found[: page.limit]]
    more = len(found) > page.limit
    return listed(ask, shown, _cursor(found[page.limit - 1]) if more else None)


async def _table(ask: Ask, wanted: Wanted, since: date) -> Reply:
    found = await ask.blocking(ask.parts.usage.page, wanted, None, _CSV_MOST + 1)
    if len(found) > _CSV_MOST:
        raise InvalidValue(
            f"The table would have more than {_CSV_MOST} lines. Ask for fewer days, or by less.", param="by"
        )
    text = as_csv(wanted.by, [named(ask.directory, wanted.by, each) for each in found])
    name = "gateway" if ask.organization is None else ask.organization.name
    file = f'attachment; filename="usage-{name}-{since}.csv"'
    headers = ((b"content-type", b"text/csv; charset=utf-8"), (b"content-disposition", file.encode()))
    return Reply(text.encode("utf-8", "replace"), 200, headers)


def named(directory: Directory, by: tuple[By, ...], group: Group) -> Named:
    """A line with what people call the things that it is of."""
    told = [_told(directory, each, found, group) for each, found in zip(by, group.ids, strict=True)]
    return Named(tuple(found for found, _ in told), tuple(name for _, name in told), group.spend)


def _told(directory: Directory, by: By, found: str | int, group: Group) -> tuple[str, str]:
    if by in TIMES:
        text = moment(by, int(found))
        return text, text
    text = str(found)
    if by == "key":
        return text, group.key_name or text
    if by in PARTS:
        return text, text.partition("/")[2]
    kind = _KINDS.get(by)
    known = None if kind is None else directory.find(kind, text)
    return text, text if known is None else str(known.name)


def _view(by: tuple[By, ...], line: Named) -> UsageView:
    spend: Spend = line.spend
    group = tuple(
        GroupView(by=each, id=found, name=name)
        for each, found, name in zip(by, line.ids, line.names, strict=True)
    )
    return UsageView(group=group, cost=dollars(spend.cost_nusd), **msgspec.structs.asdict(spend))


def _by(ask: Ask) -> tuple[By, ...]:
    text = ask.query.get("by")
    if text is None:
        return ()
    told = text.split(",")
    if len(told) > BY_MOST or not set(told) <= set(BY):
        raise InvalidRequest(
            f"It has to be up to {BY_MOST} of {', '.join(BY)}, with commas between them.", param="by"
        )
    if len(set(told)) < len(told) or len(PARTS & set(told)) > 1:
        raise InvalidValue("Each comes once, and of tag and end_user only one.", param="by")
    return cast(tuple[By, ...], tuple(told))


def _hour(day: date) -> int:
    return (day - date(1970, 1, 1)).days * 24


def _cursor(group: Group) -> str:
    return urlsafe_b64encode(msgspec.json.encode(group.ids)).decode().rstrip("=")


def _after(text: str, by: tuple[By, ...]) -> tuple[str | int, ...] | None:
    if not text:
        return None
    try:
        told = msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=list[str | int])
    except (ValueError, msgspec.DecodeError):
        told = []
    absurd = any("\x00" in each if isinstance(each, str) else not 0 <= each < _HOUR_MOST for each in told)
    if absurd or not told or [isinstance(found, int) for found in told] != [each in TIMES for each in by]:
        raise InvalidValue("It has to be what `next` said.", param="after")
    return tuple(told)
