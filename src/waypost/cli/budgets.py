"""`waypost budgets`: how much may be spent on a scope in a window of time."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from waypost.cli.amounts import parse_end, parse_moment, parse_usd
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
from waypost.core.budget import Budget, BudgetMode, BudgetPeriod
from waypost.core.people import Organization
from waypost.core.scope import EACH

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list, change and delete budgets.\n\nA budget says how much may be spent on a scope in a window of "
    "time. A request is admitted only if every budget of every scope that it belongs to has room for it.",
)

_LIMIT: Final = typer.Option(
    "--limit",
    envvar="WAYPOST_BUDGET_LIMIT",
    metavar="USD",
    help="Most that may be spent per window: 250.00.",
)
_PER: Final = typer.Option(
    "--per", envvar="WAYPOST_BUDGET_PER", help="How long a window is; total: for ever."
)
_MODE: Final = typer.Option(
    "--mode",
    envvar="WAYPOST_BUDGET_MODE",
    help="hard: no request is admitted that could overshoot it. soft: it is told, and goes on.",
)
Thresholds = Annotated[
    list[int] | None,
    typer.Option(
        "--threshold",
        envvar="WAYPOST_BUDGET_THRESHOLD",
        metavar="PERCENT",
        help="Per cent of the limit at which it is told. Again for more. At first: 80 and 100.",
    ),
]
Anchor = Annotated[
    str | None,
    typer.Option(
        "--windows-from",
        envvar="WAYPOST_BUDGET_WINDOWS_FROM",
        metavar="DATE",
        help="When its windows begin, such as 2027-01-15. At first: with the calendar, in UTC.",
    ),
]
Exhausted = Annotated[
    str | None,
    typer.Option(
        "--on-exhausted",
        envvar="WAYPOST_BUDGET_ON_EXHAUSTED",
        metavar="ROUTE",
        help="Route that requests take once it is used up; an empty text, and at first: they are refused.",
    ),
]
RaiseBy = Annotated[
    str | None,
    typer.Option(
        "--raise-by",
        envvar="WAYPOST_BUDGET_RAISE_BY",
        metavar="USD",
        help="Added to the limit for a time; 0 ends a raise.",
    ),
]
RaiseUntil = Annotated[
    str | None,
    typer.Option(
        "--raise-until",
        envvar="WAYPOST_BUDGET_RAISE_UNTIL",
        metavar="TIME",
        help="When the raise ends: 12h, 3d, or a date such as 2027-01-31.",
    ),
]


@app.command()
def create(
    name: Named,
    limit: Annotated[str, _LIMIT],
    scope: Scope = "organization",
    subject: Subject = EACH,
    per: Annotated[BudgetPeriod, _PER] = "month",
    mode: Annotated[BudgetMode, _MODE] = "hard",
    thresholds: Thresholds = None,
    windows_from: Anchor = None,
    on_exhausted: Exhausted = None,
    org: Org = DEFAULT_ORG,
    gateway: Everywhere = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make a budget: of the whole organization, or of a scope in it.

    Examples:

      waypost budgets create all --org acme --limit 2000

      waypost budgets create web --org acme --scope team --subject web --limit 250 --per month

      waypost budgets create each-user --org acme --scope end_user --limit 1.00 --per day --on-exhausted cheap
    """
    book = open_book(data, create=True)
    home = home_of_rule(book, org, gateway)
    made = Budget(
        id=new_id("budget"),
        organization_id=home,
        name=name,
        scope=scope,
        scope_id=subject_id(book, home, scope, subject),
        limit_nusd=parse_usd(limit, "--limit"),
        period=per,
        mode=mode,
        anchor_at=None if windows_from is None else parse_moment(windows_from, "--windows-from"),
        thresholds=(80, 100) if thresholds is None else tuple(thresholds),
        on_exhausted=on_exhausted or None,
        created_at=book.now,
    )
    print_done(view(book, book.put(made)), as_json, "is in force")


@app.command("list")
def list_budgets(
    org: Org = DEFAULT_ORG, gateway: Everywhere = False, data: Data = DEFAULT_DATA, as_json: Json = False
) -> None:
    """List the budgets of an organization, or those of the gateway itself.

    Examples:

      waypost budgets list --org acme

      waypost budgets list --gateway --json
    """
    book = open_book(data)
    views = [view(book, each) for each in book.of(Budget, home_of_rule(book, org, gateway))]
    empty = f"There are no budgets yet. Make one: waypost budgets create all --org {org} --limit 100"
    columns = ("name", "id", "scope", "subject", "limit", "period", "mode", "on_exhausted")
    print_list(views, as_json, columns, empty)


@app.command()
def show(
    budget: Which,
    org: Org = DEFAULT_ORG,
    gateway: Everywhere = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show a budget.

    Example: waypost budgets show web --org acme
    """
    book = open_book(data)
    print_one(view(book, book.one(Budget, home_of_rule(book, org, gateway), budget)), as_json)


@app.command("set")
def set_budget(
    budget: Which,
    name: NewName = None,
    limit: Annotated[str | None, _LIMIT] = None,
    per: Annotated[BudgetPeriod | None, _PER] = None,
    mode: Annotated[BudgetMode | None, _MODE] = None,
    thresholds: Thresholds = None,
    raise_by: RaiseBy = None,
    raise_until: RaiseUntil = None,
    on_exhausted: Exhausted = None,
    org: Org = DEFAULT_ORG,
    gateway: Everywhere = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Change a budget. What is not given stays; what was spent in its window counts on.

    Examples:

      waypost budgets set web --org acme --limit 300

      waypost budgets set web --org acme --raise-by 50 --raise-until 3d
    """
    book = open_book(data)
    found = book.one(Budget, home_of_rule(book, org, gateway), budget)
    given: dict[str, object | None] = {
        "name": name,
        "limit_nusd": None if limit is None else parse_usd(limit, "--limit"),
        "period": per,
        "mode": mode,
        "thresholds": None if thresholds is None else tuple(thresholds),
        "raise_nusd": None if raise_by is None else parse_usd(raise_by, "--raise-by"),
        "raise_until": None if raise_until is None else parse_end(raise_until, "--raise-until", book.now),
        "on_exhausted": on_exhausted,
    }
    changed = book.change(found, given, "waypost budgets set web --limit 300", emptied=("on_exhausted",))
    print_done(view(book, changed), as_json, "is changed")


@app.command()
def delete(
    budget: Which,
    org: Org = DEFAULT_ORG,
    gateway: Everywhere = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Delete a budget. What was spent stays in the ledger.

    Example: waypost budgets delete web --org acme
    """
    book = open_book(data)
    found = book.one(Budget, home_of_rule(book, org, gateway), budget)
    book.delete(found)
    print_gone(found, as_json)


def view(book: Book, found: Budget) -> dict[str, object]:
    """What is shown of a budget."""
    from waypost.core.money import render_usd

    return {
        "id": found.id,
        "organization": book.name(Organization, found.organization_id) or None,
        "name": found.name,
        "scope": found.scope,
        "subject": shown_subject(book, found),
        "limit": render_usd(found.limit_nusd),
        "period": found.period,
        "mode": found.mode,
        "anchor_at": found.anchor_at,
        "thresholds": found.thresholds,
        "raised_by": render_usd(found.raise_nusd),
        "raised_until": found.raise_until,
        "on_exhausted": found.on_exhausted,
        "created_at": found.created_at,
        "revision": found.revision,
    }
