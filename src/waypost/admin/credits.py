"""Prepaid credit of an organization: balance, entries and statement. Entries are added and never changed."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from waypost.admin import days
from waypost.admin.ask import Ask
from waypost.admin.fields import Time, dollars, nano
from waypost.admin.resource import listed, page_type
from waypost.admin.route import PREFIX, Parameter, Reply, Route
from waypost.core import statement as statements
from waypost.core.credit import GIVEN_ID, Credit, CreditKind, entry, given_id, given_of, own_id, position
from waypost.core.free_tier import FreeEach, FreePeriod, shares_of
from waypost.core.people import Permission
from waypost.errors import InvalidRequest, InvalidValue, NotFound
from waypost.ledger.windows import window

_READ: Final[tuple[Permission, ...]] = ("credits:read",)
#: Whoever runs the gateway gives credit: those who use it up do not.
_WRITE: Final[tuple[Permission, ...]] = ("gateway:write",)
_BASE: Final = f"{PREFIX}/organizations/{{organization}}/credits"

EntryId = Annotated[str, Meta(pattern=f"^{GIVEN_ID}$", max_length=40)]
OfEntry = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$", max_length=64)]
Signed = Annotated[
    str,
    Meta(
        pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,9})?$", description="Dollars, exact; with a minus they are taken."
    ),
]
Reason = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=1000)]
Dollars = Annotated[
    str, Meta(description="Dollars, as an exact decimal number in a string; it may be below 0.")
]


class CreditBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An entry that is to be added."""

    id: EntryId
    """What it is called, such as an invoice's number. The same entry again changes nothing."""
    kind: Literal["topup", "adjust"] = "topup"
    """`topup`: it was paid. `adjust`: the balance is put right."""
    amount: Signed
    """How much is added."""
    reason: Reason = ""
    """Why. An adjustment needs one."""
    expires_at: Time | None = None
    """When what is left of it is gone. None: never."""
    of: OfEntry | None = None
    """The entry that an adjustment puts right."""


class CreditView(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of prepaid credit."""

    id: str
    kind: CreditKind
    amount: Dollars
    at: Time
    expires_at: Time | None
    of: str | None
    """The entry that it puts right or ends."""
    reason: str
    made_by: str


class CreditLeft(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of an entry."""

    id: str
    kind: CreditKind
    amount: Dollars
    left: Dollars
    expires_at: Time | None


class BalanceView(msgspec.Struct, frozen=True, kw_only=True):
    """How an organization stands."""

    prepaid: bool
    """Whether it has any entry. If not, nothing here limits it."""
    balance: Dollars
    """What can still be spent; requests under way are not taken off."""
    given: Dollars
    """What its entries add up to, without what has ended."""
    used: Dollars
    entries: tuple[CreditLeft, ...]
    """Those that can still be used, in the order in which they are."""
    free_tier: FreeTierView | None
    """None: there is none for it."""


class FreeShareView(msgspec.Struct, frozen=True, kw_only=True):
    """What one of those who have the free tier has used of it."""

    of: str
    """`organization`, `user:<id>` or `key:<id>`."""
    used: str
    left: str


class FreeTierView(msgspec.Struct, frozen=True, kw_only=True):
    """What an organization has for nothing until `renews_at`. It is used before credit."""

    unit: Literal["requests", "usd"]
    amount: str
    """So many requests, or dollars as an exact decimal number."""
    per: FreePeriod
    each: FreeEach
    """Who has so much: the organization, or each person or key in it."""
    models: tuple[str, ...]
    """Patterns of what it is for; empty for everything."""
    renews_at: Time
    shares: tuple[FreeShareView, ...]
    """The organization's own, or those of which something was used, at most the hundred most used ones."""


class StatementItem(msgspec.Struct, frozen=True, kw_only=True):
    """An entry, or what was used in one day."""

    date: date
    kind: str
    """That of the entry, or `used`."""
    id: str | None
    amount: Dollars
    balance: Dollars
    """After it."""
    reason: str
    made_by: str


class StatementView(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """A statement of whole days. `opening` and all amounts are `closing`."""

    organization: str
    since: date
    until: date
    opening: Dollars
    closing: Dollars
    items: tuple[StatementItem, ...]


def routes() -> tuple[Route, ...]:
    """The rows of the table for credit."""
    example = {"id": "invoice-4711", "kind": "topup", "amount": "25.00", "reason": "paid by wire"}
    query = (
        Parameter("from", "Its first day, in UTC. Left out: the first of this month.", days.SCHEMA),
        Parameter("to", "The day at whose beginning it ends. Left out: tomorrow.", days.SCHEMA),
        Parameter("format", "`csv` for a table.", {"type": "string", "enum": ["json", "csv"]}),
    )
    return (
        Route("GET", _BASE, "get_credits", "Read the balance, and what is left of each entry.", _READ, get,
              gives=BalanceView),
        Route("POST", _BASE, "add_credit", "Add an entry: from the first one on the organization spends what it has at "
              "most.", _WRITE, add, takes=CreditBody, gives=CreditView, status=201, also=(200,), errors=(409, 422),
              example=example),
        Route("GET", f"{_BASE}/entries", "list_credit", "List: entries, newest first.", _READ, entries,
              gives=page_type(CreditView), lists=True),
        Route("GET", f"{_BASE}/statement", "get_credit_statement", "Read a statement: the balance before, what came "
              "and went, and the balance after.", _READ, statement, gives=StatementView, errors=(422,), query=query,
              csv=True),
    )  # fmt: skip


async def get(ask: Ask) -> Reply:
    """The balance."""
    found = await ask.blocking(ask.parts.credits.all, ask.home)
    stands = position(found, await ask.blocking(ask.parts.credits.used, ask.home), ask.now)
    told = tuple(
        CreditLeft(
            id=given_id(each.entry),
            kind=each.entry.kind,
            amount=dollars(each.entry.signed_nusd),
            left=dollars(each.left_nusd),
            expires_at=each.entry.expires_at,
        )
        for each in stands.rests
    )
    return Reply(
        BalanceView(
            prepaid=bool(found),
            balance=dollars(stands.balance_nusd),
            given=dollars(stands.given_nusd - stands.lapsed_nusd),
            used=dollars(stands.used_nusd),
            entries=told,
            free_tier=await _free_tier(ask),
        )
    )


async def _free_tier(ask: Ask) -> FreeTierView | None:
    tier, organization = ask.parts.live.directory.free_tier, ask.organization
    if tier is None or organization is None or not tier.has(organization):
        return None
    found = window(tier.period, ask.now)
    used = await ask.blocking(ask.parts.credits.used_free, tier.scope, ask.home, found.name)
    return FreeTierView(
        unit="requests" if tier.requests else "usd",
        amount=tier.render(tier.amount),
        per=tier.period,
        each=tier.each,
        models=tier.models,
        renews_at=found.ends_at or ask.now,
        shares=tuple(
            FreeShareView(of=each.of, used=tier.render(each.used), left=tier.render(each.left))
            for each in shares_of(tier, ask.home, used)
        ),
    )


async def add(ask: Ask) -> Reply:
    """A new entry; 200 for one that is there already."""
    body: CreditBody = ask.body
    if body.expires_at is not None and body.expires_at <= ask.now:
        raise InvalidValue("It is in the past.", param="expires_at")
    if body.of is not None and body.kind != "adjust":
        raise InvalidValue("Only an adjustment is of another entry.", param="of")
    try:
        made = entry(
            own_id(ask.home, body.id),
            ask.home,
            ask.now,
            body.kind,
            nano(body.amount, "amount"),
            expires_at=body.expires_at,
            of_entry=None if body.of is None else own_id(ask.home, body.of),
            reason=body.reason,
            made_by=ask.caller.made_by,
        )
        kept = await ask.blocking(ask.parts.credits.add, made)
    except InvalidRequest as error:
        param = {"amount_nusd": "amount", "entry_id": "id", "of_entry": "of"}.get(
            error.param or "", error.param
        )
        raise InvalidValue(error.message, param=param) from None
    except NotFound:
        raise InvalidValue("There is no such entry in this organization.", param="of") from None
    if kept is not made:
        return Reply(shown(kept))
    ask.record("credit", kept.entry_id, body.id)
    return Reply(shown(kept), 201)


async def entries(ask: Ask) -> Reply:
    """A page of entries."""
    page = ask.page
    found = await ask.blocking(ask.parts.credits.page, ask.home, page.after, page.limit + 1)
    told = [shown(each) for each in found[: page.limit]]
    return listed(ask, told, found[page.limit - 1].entry_id if len(found) > page.limit else None)


async def statement(ask: Ask) -> Reply:
    """A statement, as JSON or CSV."""
    form = ask.query.get("format", "json")
    if form not in ("json", "csv"):
        raise InvalidRequest("It has to be json or csv.", param="format")
    first, last = statements.month_of(ask.now)
    since, until = days.day(ask, "from") or first, days.day(ask, "to") or last
    if until < since:
        raise InvalidValue("It is before `from`.", param="to")
    found = await ask.blocking(ask.parts.credits.all, ask.home)
    used = await ask.blocking(ask.parts.credits.used_by_day, ask.home, statements.number_of(until))
    told = statements.statement(found, used, since, until)
    name = "" if ask.organization is None else ask.organization.name
    if form == "csv":
        file = f'attachment; filename="credits-{name}-{since}.csv"'
        headers = ((b"content-type", b"text/csv; charset=utf-8"), (b"content-disposition", file.encode()))
        return Reply(statements.as_csv(told).encode(), 200, headers)
    return Reply(_view(name, told))


def shown(found: Credit) -> CreditView:
    """An entry as the API shows it."""
    return CreditView(
        id=given_id(found),
        kind=found.kind,
        amount=dollars(found.signed_nusd),
        at=found.at,
        expires_at=found.expires_at,
        of=given_of(found),
        reason=found.reason,
        made_by=found.made_by,
    )


def _view(organization: str, told: statements.Statement) -> StatementView:
    items = tuple(
        StatementItem(
            date=each.day,
            kind=each.kind,
            id=each.entry_id or None,
            amount=dollars(each.signed_nusd),
            balance=dollars(each.balance_nusd),
            reason=each.reason,
            made_by=each.made_by,
        )
        for each in told.items
    )
    return StatementView(
        organization=organization,
        since=told.since,
        until=told.until,
        opening=dollars(told.opening_nusd),
        closing=dollars(told.closing_nusd),
        items=items,
    )
