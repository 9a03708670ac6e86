"""`waypost limits`: how fast a scope may go."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from waypost.cli.directory import (
    Book,
    new_id,
    open_book,
    print_done,
    print_gone,
    print_list,
    print_one,
)
from waypost.cli.directory_options import DEFAULT_ORG, Everywhere, Named, NewName, Org, Which
from waypost.cli.options import DEFAULT_DATA, Data, Json
from waypost.cli.scopes import Scope, Subject, home_of_rule, shown_subject, subject_id
from waypost.core.limit import Limit, LimitPer, LimitUnit
from waypost.core.people import Organization
from waypost.core.scope import EACH

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list, change and delete limits.\n\nA limit says how fast a scope may go: requests or tokens per "
    "second, minute, hour or day, or how many requests may be under way at once.",
)

_AMOUNT: Final = typer.Option(
    "--amount", envvar="WAYPOST_LIMIT_AMOUNT", metavar="N", min=1, help="How many there may be."
)
_PER: Final = typer.Option("--per", envvar="WAYPOST_LIMIT_PER", help="In how long a time, which slides on.")
Unit = Annotated[
    LimitUnit,
    typer.Option(
        "--unit",
        envvar="WAYPOST_LIMIT_UNIT",
        help="Of what; concurrent: requests under way at once, whatever --per says.",
    ),
]


@app.command()
def create(
    name: Named,
    amount: Annotated[int, _AMOUNT],
    scope: Scope = "organization",
    subject: Subject = EACH,
    unit: Unit = "requests",
    per: Annotated[LimitPer, _PER] = "minute",
    org: Org = DEFAULT_ORG,
    gateway: Everywhere = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make a limit: of the whole organization, or of a scope in it.

    Examples:

      waypost limits create all --org acme --amount 600

      waypost limits create each-key --org acme --scope key --amount 100000 --unit tokens --per minute

      waypost limits create slots --gateway --scope organization --amount 50 --unit concurrent
    """
    book = open_book(data, create=True)
    home = home_of_rule(book, org, gateway)
    made = Limit(
        id=new_id("limit"),
        organization_id=home,
        name=name,
        scope=scope,
        scope_id=subject_id(book, home, scope, subject),
        unit=unit,
        amount=amount,
        per=per,
        created_at=book.now,
    )
    print_done(view(book, book.put(made)), as_json, "is in force")


@app.command("list")
def list_limits(
    org: Org = DEFAULT_ORG, gateway: Everywhere = False, data: Data = DEFAULT_DATA, as_json: Json = False
) -> None:
    """List the limits of an organization, or those of the gateway itself.

    Examples:

      waypost limits list --org acme

      waypost limits list --gateway --json
    """
    book = open_book(data)
    views = [view(book, each) for each in book.of(Limit, home_of_rule(book, org, gateway))]
    empty = f"There are no limits yet. Make one: waypost limits create all --org {org} --amount 600"
    print_list(views, as_json, ("name", "id", "scope", "subject", "amount", "unit", "per"), empty)


@app.command()
def show(
    limit: Which,
    org: Org = DEFAULT_ORG,
    gateway: Everywhere = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show a limit.

    Example: waypost limits show all --org acme
    """
    book = open_book(data)
    print_one(view(book, book.one(Limit, home_of_rule(book, org, gateway), limit)), as_json)


@app.command("set")
def set_limit(
    limit: Which,
    name: NewName = None,
    amount: Annotated[int | None, _AMOUNT] = None,
    per: Annotated[LimitPer | None, _PER] = None,
    org: Org = DEFAULT_ORG,
    gateway: Everywhere = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Change a limit. What is not given stays.

    Example: waypost limits set all --org acme --amount 1200
    """
    book = open_book(data)
    given = {"name": name, "amount": amount, "per": per}
    found = book.one(Limit, home_of_rule(book, org, gateway), limit)
    changed = book.change(found, given, "waypost limits set all --amount 1200")
    print_done(view(book, changed), as_json, "is changed")


@app.command()
def delete(
    limit: Which,
    org: Org = DEFAULT_ORG,
    gateway: Everywhere = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Delete a limit.

    Example: waypost limits delete all --org acme
    """
    book = open_book(data)
    found = book.one(Limit, home_of_rule(book, org, gateway), limit)
    book.delete(found)
    print_gone(found, as_json)


def view(book: Book, found: Limit) -> dict[str, object]:
    """What is shown of a limit."""
    return {
        "id": found.id,
        "organization": book.name(Organization, found.organization_id) or None,
        "name": found.name,
        "scope": found.scope,
        "subject": shown_subject(book, found),
        "unit": found.unit,
        "amount": found.amount,
        "per": found.per,
        "created_at": found.created_at,
        "revision": found.revision,
    }
