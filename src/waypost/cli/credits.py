"""`waypost credits`: what organizations have paid beforehand, and what is left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from waypost.cli.amounts import parse_end, parse_usd
from waypost.cli.directory import Book, open_book, print_list, print_one
from waypost.cli.directory_options import DEFAULT_ORG, Org
from waypost.cli.exits import Exit
from waypost.cli.options import DEFAULT_DATA, ConfigFile, Data, Json
from waypost.cli.output import OK, fail, people, print_json, visible

if TYPE_CHECKING:
    from datetime import date

    from waypost.core.credit import Credit
    from waypost.core.statement import Statement


app = typer.Typer(
    no_args_is_help=True,
    help="Prepaid credit of an organization.\n\nAn organization that was ever given credit can spend no more than it "
    "has: what does not fit is refused with 402. All others pay afterwards.",
)

Entry = Annotated[
    str | None,
    typer.Option(
        "--id",
        envvar="WAYPOST_CREDIT_ID",
        metavar="ID",
        help="The entry's id, such as an invoice's number: the same entry again changes nothing. At first: a new one.",
    ),
]
Reason = Annotated[
    str,
    typer.Option(
        "--reason", envvar="WAYPOST_CREDIT_REASON", metavar="TEXT", help="Why: it stays in the statement."
    ),
]
Expires = Annotated[
    str | None,
    typer.Option(
        "--expires",
        envvar="WAYPOST_CREDIT_EXPIRES",
        metavar="TIME",
        help="When what is left of it is gone: 90d, or a date such as 2027-01-31. At first: never.",
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--from",
        envvar="WAYPOST_CREDIT_FROM",
        metavar="DATE",
        help="Its first day, in UTC, such as 2027-01-01. At first: the first of this month.",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--to",
        envvar="WAYPOST_CREDIT_TO",
        metavar="DATE",
        help="The day at whose beginning it ends, in UTC. At first: tomorrow.",
    ),
]


@app.command()
def show(
    org: Org = DEFAULT_ORG, config: ConfigFile = None, data: Data = DEFAULT_DATA, as_json: Json = False
) -> None:
    """Show the balance of an organization, and what is left of each entry and of the free tier.

    The terms of the free tier are those of the gateway that runs on the data folder; of the configuration file, where
    one is named or no gateway runs.

    Example: waypost credits show --org acme
    """
    from waypost.cli.free_tier import free_tier_of
    from waypost.core.credit import position
    from waypost.core.money import render_usd

    book = open_book(data)
    found = book.organization(org)
    entries = book.credits.all(found.id)
    stands = position(entries, book.credits.used(found.id), book.now)
    rests = [{**view(each.entry), "left": render_usd(each.left_nusd)} for each in stands.rests]
    told: dict[str, object] = {
        "organization": found.name,
        "prepaid": bool(entries),
        "balance": render_usd(stands.balance_nusd),
        "given": render_usd(stands.given_nusd - stands.lapsed_nusd),
        "used": render_usd(stands.used_nusd),
    }
    free_tier = free_tier_of(book, found, config, data)
    free = free_tier.told
    if as_json:
        print_json({**told, "entries": rests, "free_tier": free, "free_tier_asked": free_tier.asked})
        return
    if free_tier.asked is None:
        told["free tier"] = f"not known: {free_tier.why}"
    elif free is not None:
        told["free tier"] = f"{free['amount']} {free['unit']} per {free['per']} for each {free['each']}"
        told["renews at"] = free["renews_at"]
    print_one(told, as_json=False)
    if free is not None:
        print_list(free["shares"], False, ("of", "used", "left"), "Nothing of the free tier was used yet.")
    if rests:
        print_list(rests, False, ("id", "kind", "amount", "left", "expires_at", "reason"), "")


@app.command()
def add(
    amount: Annotated[str, typer.Argument(metavar="USD", help="How much was paid: 25.00.")],
    org: Org = DEFAULT_ORG,
    reason: Reason = "",
    expires: Expires = None,
    entry_id: Entry = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Add credit to an organization. From its first entry on it can spend no more than it has.

    Examples:

      waypost credits add 25.00 --org acme

      waypost credits add 100 --org acme --id invoice-4711 --reason "paid by wire" --expires 365d
    """
    from waypost.core.credit import entry, own_id

    book = open_book(data, create=True)
    home = book.organization(org).id
    ends = None if expires is None else parse_end(expires, "--expires", book.now)
    made = entry(
        own_id(home, _entry_id(entry_id)), home, book.now, "topup", parse_usd(amount, "USD"),
        expires_at=ends, reason=reason, made_by="operator",
    )  # fmt: skip
    _enter(book, made, as_json)


@app.command()
def adjust(
    by: Annotated[
        str,
        typer.Option(
            "--by",
            envvar="WAYPOST_CREDIT_BY",
            metavar="USD",
            help="What is added, or with a minus taken: -2.50.",
        ),
    ],
    reason: Reason,
    org: Org = DEFAULT_ORG,
    of_entry: Annotated[
        str | None,
        typer.Option(
            "--of",
            envvar="WAYPOST_CREDIT_OF",
            metavar="ID",
            help="The entry that is put right. Without one it is taken from what ends first.",
        ),
    ] = None,
    expires: Expires = None,
    entry_id: Entry = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Put the balance of an organization right. Entries are never changed: this adds another one.

    Examples:

      waypost credits adjust --by -2.50 --org acme --reason "entered twice" --of invoice-4711

      waypost credits adjust --by 5 --org acme --reason "outage of the 3rd"
    """
    from waypost.core.credit import entry, own_id

    book = open_book(data)
    home = book.organization(org).id
    ends = None if expires is None else parse_end(expires, "--expires", book.now)
    made = entry(
        own_id(home, _entry_id(entry_id)), home, book.now, "adjust", parse_usd(by, "--by"),
        expires_at=ends, of_entry=of_entry and own_id(home, of_entry), reason=reason, made_by="operator",
    )  # fmt: skip
    _enter(book, made, as_json)


@app.command()
def statement(
    org: Org = DEFAULT_ORG,
    since: Since = None,
    until: Until = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Print the statement of an organization as CSV: its balance before, what came and went, its balance after.

    Example: waypost credits statement --org acme --from 2027-01-01 --to 2027-02-01
    """
    from waypost.core.statement import as_csv, month_of, number_of
    from waypost.core.statement import statement as made

    book = open_book(data)
    found = book.organization(org)
    first, last = month_of(book.now)
    first = first if since is None else _day(since, "--from")
    last = last if until is None else _day(until, "--to")
    if last < first:
        fail("--to is before --from.", Exit.USAGE)
    told = made(book.credits.all(found.id), book.credits.used_by_day(found.id, number_of(last)), first, last)
    if as_json:
        print_json(_statement_view(found.name, told))
    else:
        typer.echo(as_csv(told), nl=False)


def view(found: Credit) -> dict[str, object]:
    """What is shown of an entry."""
    from waypost.core.credit import given_id, given_of
    from waypost.core.money import render_usd

    return {
        "id": given_id(found),
        "kind": found.kind,
        "amount": render_usd(found.signed_nusd),
        "at": found.at,
        "expires_at": found.expires_at,
        "of": given_of(found),
        "reason": found.reason,
        "made_by": found.made_by,
    }


def _enter(book: Book, made: Credit, as_json: bool) -> None:
    from waypost.core.credit import position
    from waypost.core.money import render_usd

    kept = book.credits.add(made)
    home = made.organization_id
    balance = position(book.credits.all(home), book.credits.used(home), book.now).balance_nusd
    if as_json:
        print_json({**view(kept), "balance": render_usd(balance)})
        return
    people().print(OK, visible(f"{view(kept)['id']} is entered; the balance is ${render_usd(balance)}"))


def _statement_view(organization: str, told: Statement) -> dict[str, object]:
    from waypost.core.money import render_usd

    return {
        "organization": organization,
        "from": told.since,
        "to": told.until,
        "opening": render_usd(told.opening_nusd),
        "closing": render_usd(told.closing_nusd),
        "items": [
            {
                "date": each.day,
                "kind": each.kind,
                "id": each.entry_id or None,
                "amount": render_usd(each.signed_nusd),
                "balance": render_usd(each.balance_nusd),
                "reason": each.reason,
                "made_by": each.made_by,
            }
            for each in told.items
        ],
    }


def _entry_id(given: str | None) -> str:
    import re
    import secrets

    from waypost.core.credit import GIVEN_ID
    from waypost.core.keytext import base62

    if given is None:
        return f"cr_{base62(secrets.token_bytes, 16)}"
    if re.fullmatch(GIVEN_ID, given) is None:
        fail(f"--id {given!r} is no id.", Exit.USAGE, "It has up to 40 letters, digits, `.`, `_` and `-`.")
    return given


def _day(text: str, option: str) -> date:
    from datetime import date

    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{option} {text!r} is not a date.", Exit.USAGE, "Write it like 2027-01-31.")
