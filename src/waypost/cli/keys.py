"""`waypost keys`: the keys that clients use. Works with and without a running gateway on the data folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from waypost.cli.exits import Exit
from waypost.cli.options import DEFAULT_DATA, Data, Json
from waypost.cli.output import OK, fail, people, print_json, show_time, show_usd, table, visible

if TYPE_CHECKING:
    from waypost.core.key import Key
    from waypost.core.keytext import IssuedKey
    from waypost.stores.sql.keys import KeyRows

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list, revoke and rotate the keys that clients use.\n\n"
    "They are stored as hashes in the data folder. A running gateway sees a change within a second.",
)

Period = Literal["minute", "hour", "day", "week", "month", "year", "total"]
Priority = Literal["high", "normal", "low"]
Which = Annotated[
    str, typer.Argument(metavar="KEY", help="Id or name of the key, as `waypost keys list` shows it.")
]


Name = Annotated[
    str,
    typer.Option(
        "--name",
        envvar="WAYPOST_KEY_NAME",
        metavar="NAME",
        help="Who or what uses the key. Shown in lists and logs.",
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(
        "--budget",
        envvar="WAYPOST_KEY_BUDGET",
        metavar="USD",
        help="Most it may spend per period, in USD: 5.00.",
    ),
]
Per = Annotated[
    Period, typer.Option("--per", envvar="WAYPOST_KEY_PER", help="Period of the budget; total: for ever.")
]
Rpm = Annotated[
    int | None, typer.Option("--rpm", envvar="WAYPOST_KEY_RPM", min=1, help="Most requests per minute.")
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--models",
        envvar="WAYPOST_KEY_MODELS",
        metavar="MODEL",
        help="A model it may use, or a pattern such as openai/*. Again for more, or with commas. Default: all.",
    ),
]
Expires = Annotated[
    str | None,
    typer.Option(
        "--expires",
        envvar="WAYPOST_KEY_EXPIRES",
        metavar="TIME",
        help="When it ends: 30d, 12h, or a date such as 2027-01-31.",
    ),
]

Route = Annotated[
    str | None,
    typer.Option(
        "--route",
        envvar="WAYPOST_KEY_ROUTE",
        metavar="ROUTE",
        help="Route that its requests take when they name none, whatever model they name.",
    ),
]
Urgency = Annotated[
    Priority,
    typer.Option(
        "--priority",
        envvar="WAYPOST_KEY_PRIORITY",
        help="Whose requests are served first, and turned away last, when there are too many.",
    ),
]
Operator = Annotated[
    bool,
    typer.Option(
        "--operator",
        envvar="WAYPOST_KEY_OPERATOR",
        help="It may also rehearse outages, and look at other keys' requests.",
    ),
]


@app.command()
def create(
    name: Name,
    budget: Budget = None,
    per: Per = "total",
    rpm: Rpm = None,
    models: Models = None,
    expires: Expires = None,
    route: Route = None,
    priority: Urgency = "normal",
    operator: Operator = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make a key. It is shown once, and stored only as a hash.

    Examples:

      waypost keys create --name app

      waypost keys create --name app --budget 5.00 --per day --rpm 60 --models fast --expires 30d --json
    """
    import secrets

    from waypost.app.clock import SystemClock
    from waypost.stores.sql.keys import NewKey

    now = SystemClock.wall()
    new = NewKey(
        name=name,
        expires_at=_parse_expiry(expires, now),
        models=tuple(one.strip() for item in models or () for one in item.split(",") if one.strip()),
        rpm=rpm,
        budget_nusd=_parse_budget(budget),
        budget_per=per,
        route=route,
        priority=priority,
        operator=operator,
    )
    issued, key = _rows(data, create=True).create(new, now, secrets.token_bytes)
    _print_issued(issued, key, as_json)


@app.command("list")
def list_keys(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List the keys, with what each may do. Secrets are not stored, so only their ends are shown.

    Examples:

      waypost keys list

      waypost keys list --json
    """
    from waypost.app.clock import SystemClock

    found = _rows(data).list()
    now = SystemClock.wall()
    if as_json:
        for key in found:
            print_json(_view(key, now))
        return
    console = people()
    if not found:
        console.print("There are no keys yet. Make one: waypost keys create --name app")
        return
    columns = ("id", "name", "key", "state", "models", "route", "priority", "rpm", "budget", "expires (UTC)")
    shown = table(*columns, right=("rpm",))
    for key in found:
        budget = f"{show_usd(key.budget_nusd)} per {key.budget_per}" if key.budget_nusd is not None else "–"
        shown.add_row(
            key.key_id,
            visible(f"{key.name} (operator)" if key.operator else key.name),
            key.hint,
            _state(key, now),
            visible(", ".join(key.models) or "all"),
            visible(key.route or "–"),
            key.priority,
            str(key.rpm or "–"),
            budget.replace(" per total", " in total"),
            show_time(key.expires_at),
        )
    console.print(shown)


@app.command()
def revoke(key: Which, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """End a key now, with all of its secrets. This can not be undone.

    Example: waypost keys revoke app
    """
    from waypost.app.clock import SystemClock

    rows = _rows(data)
    now = SystemClock.wall()
    ended = rows.revoke(_one(rows, key, now).key_id, now)
    if as_json:
        print_json(_view(ended, now))
    else:
        people().print(f"{OK} {ended.name} ({ended.key_id}) is revoked")


@app.command()
def rotate(
    key: Which,
    overlap: Annotated[
        str,
        typer.Option(
            envvar="WAYPOST_KEY_OVERLAP",
            metavar="TIME",
            help="How long the old secret goes on working: 0s, 1h, 7d.",
        ),
    ] = "0s",
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Give a key a new secret. Its limits, budget and history stay.

    Examples:

      waypost keys rotate app

      waypost keys rotate app --overlap 1h --json
    """
    import secrets

    from waypost.app.clock import SystemClock

    rows = _rows(data)
    now = SystemClock.wall()
    issued, changed = rows.rotate(
        _one(rows, key, now).key_id, now, secrets.token_bytes, overlap_s=_parse_duration(overlap, "--overlap")
    )
    _print_issued(issued, changed, as_json)


def _rows(data: Path, *, create: bool = False) -> KeyRows:
    from waypost.cli.surroundings import open_database
    from waypost.stores.sql.keys import KeyRows

    database = open_database(data, create=create)
    if database is None:
        fail(
            f"There is no gateway data in the folder {data}.",
            hint="Name the folder with --data, or make a first key: waypost keys create --name app",
        )
    return KeyRows(database)


def _one(rows: KeyRows, name_or_id: str, now: float) -> Key:
    found = rows.find(name_or_id)
    if not found:
        fail(f"There is no key {name_or_id!r}.", hint="waypost keys list shows them.")
    living = [key for key in found if _state(key, now) == "active"] or list(found)
    if len(living) > 1:
        ids = ", ".join(key.key_id for key in living)
        fail(f"{len(living)} keys are named {name_or_id!r}.", hint=f"Say which by its id: {ids}")
    return living[0]


def _state(key: Key, now: float) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "active"


def _view(key: Key, now: float) -> dict[str, object]:
    from waypost.core.money import render_usd

    return {
        "id": key.key_id,
        "name": key.name,
        "hint": key.hint,
        "state": _state(key, now),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "models": key.models,
        "rpm": key.rpm,
        "budget": None if key.budget_nusd is None else render_usd(key.budget_nusd),
        "budget_per": key.budget_per,
        "route": key.route,
        "priority": key.priority,
        "operator": key.operator,
    }


def _print_issued(issued: IssuedKey, key: Key, as_json: bool) -> None:
    if as_json:
        print_json({"key": issued.text, **_view(key, key.created_at)})
        return
    console = people()
    console.print(f"{OK} [bold]{key.name}[/] ({key.key_id}). The key is shown only now; keep it safe:\n")
    console.print(f"  {issued.text}\n", markup=False)


def _parse_budget(text: str | None) -> int | None:
    from waypost.core.money import parse_usd

    if text is None:
        return None
    try:
        return parse_usd(text.removeprefix("$"))
    except ValueError:
        fail(f"--budget {text!r} is not an amount of dollars.", Exit.USAGE, "Write it like 5 or 0.25.")


def _parse_duration(text: str, option: str) -> float:
    from waypost.config.values import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        fail(f"{option}: {error}.", Exit.USAGE)


def _parse_expiry(text: str | None, now: float) -> float | None:
    from datetime import UTC, datetime

    if text is None:
        return None
    if "-" not in text:
        return now + _parse_duration(text, "--expires")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"--expires {text!r} is neither a time span nor a date.", Exit.USAGE, "Write 30d or 2027-01-31.")
    at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if at <= now:
        fail(f"--expires {text} is in the past.", Exit.USAGE)
    return at
