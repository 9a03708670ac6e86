"""`waypost requests`: the request log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waypost.cli.options import DEFAULT_DATA, Data, Json
from waypost.cli.output import fail, people, print_json, show_ms, show_time, show_usd, table, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from waypost.core.record import Exchange
    from waypost.core.usage import Units, Usage
    from waypost.stores.sql.requests import Logged, RequestLog

app = typer.Typer(
    no_args_is_help=True,
    help="Read the request log: one line per request, with its attempts, tokens and cost.",
)

#: The colour of each outcome.
STYLES = {"ok": "green", "refused": "yellow", "failed": "red", "cut": "red", "disconnected": "yellow"}


@app.command()
def tail(
    lines: Annotated[
        int,
        typer.Option("--lines", "-n", envvar="WAYPOST_LINES", min=1, max=500, help="How many to begin with."),
    ] = 20,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", envvar="WAYPOST_FOLLOW", help="Go on with new ones, until Ctrl-C."),
    ] = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show the newest requests, the last one at the end.

    Examples:

      waypost requests tail

      waypost requests tail -n 5 --follow

      waypost requests tail --json | jq .cost_usd
    """
    import time

    log = _log(data)
    found = list(reversed(log.recent(lines)))
    last = found[-1].seq if found else log.last()
    _print(found, as_json, heading=True)
    if not found and not follow and not as_json:
        people().print("No request has been logged yet.")
    while follow:
        time.sleep(0.5)
        more = log.since(last)
        if more:
            last = more[-1].seq
            _print(more, as_json, heading=False)


@app.command()
def show(
    request: Annotated[
        str, typer.Argument(metavar="ID", help="Request id: the header x-waypost-request-id, or from `tail`.")
    ],
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show one request: why it went where it went, every attempt, and its bodies where they were stored.

    Examples:

      waypost requests show 01JABC…

      waypost requests show 01JABC… --json
    """
    exchange = _log(data).get(request)
    if exchange is None:
        fail(
            f"There is no request {request[:80]!r} in the log.",
            hint="It is written within a second of its end; `waypost requests tail` shows the newest.",
        )
    if as_json:
        print_json(_view(exchange, bodies=True))
        return
    _print_exchange(exchange)


def _print_exchange(exchange: Exchange) -> None:
    console = people()
    style = STYLES[exchange.outcome]
    console.print(f"[bold]{exchange.exchange_id}[/]  [{style}]{exchange.outcome}[/]  {exchange.status}")
    rows = {
        "at (UTC)": show_time(exchange.started_us / 1e6),
        "key": exchange.key_id or "–",
        "asked for": f"{exchange.asked_model or '–'} ({exchange.operation})",
        "route": exchange.route or "–",
        "error": exchange.error or "–",
        "first token": show_ms(exchange.first_token_us),
        "total": f"{show_ms(exchange.total_us)}, of which {show_ms(exchange.overhead_us)} in the gateway",
        "cost": show_usd(exchange.cost_nusd),
    }
    if exchange.markup_nusd:
        rows["cost"] += f", of which {show_usd(exchange.markup_nusd)} mark-up"
    if exchange.drill is not None:
        rows["rehearsal"] = exchange.drill
    for name, value in rows.items():
        console.print(visible(f"  {name:<12} {value}"))
    _print_decision(exchange)
    _print_attempts(exchange)
    for title, body in (("request", exchange.request_body), ("answer", exchange.response_body)):
        if body is not None:
            console.print(f"\n[dim]{title}[/]")
            console.print(visible(body.decode("utf-8", "replace")))


def _print_decision(exchange: Exchange) -> None:
    from waypost.pipeline.explained import tell_excluded, tell_place

    decision = exchange.decision
    if decision is None:
        return
    console = people()
    console.print("\n[dim]why these targets[/]")
    for number, one in enumerate(decision.order, 1):
        console.print(visible(f"  {number} {one.target}  {tell_place(one)}"))
    for left in decision.excluded:
        console.print(visible(f"  – {left.target}  {tell_excluded(left)}"))
    for note in decision.notes:
        console.print(visible(f"  {note}"))


def _print_attempts(exchange: Exchange) -> None:
    if not exchange.attempts:
        return
    console = people()
    console.print()
    columns = ("  attempt", "target", "for", "outcome", "status", "error", "began", "first token", "total")
    shown = table(*columns, "tokens in", "out", "cost", right=("began", "first token", "total"))
    for number, attempt in enumerate(exchange.attempts, 1):
        usage = attempt.usage
        key = f"#{attempt.key_name}" if attempt.key_name else ""
        shown.add_row(
            f"  {number}",
            visible(f"{attempt.provider}{key}/{attempt.model}"),
            attempt.role,
            "answered" if attempt.error is None else f"failed, {attempt.state}",
            str(attempt.status or "–"),
            attempt.error or "–",
            f"+{show_ms(max(0, attempt.started_us - exchange.started_us))}",
            show_ms(attempt.first_token_us),
            show_ms(attempt.total_us),
            str(usage.input) if usage else "–",
            f"{usage.output} ({usage.source})" if usage else "–",
            show_usd(attempt.cost_nusd),
        )
    console.print(shown)
    for number, attempt in enumerate(exchange.attempts, 1):
        units = None if attempt.usage is None else attempt.usage.units
        if units is not None:
            console.print(visible(f"  {number} also used {_tell_units(units)}"))


def _tell_units(units: Units) -> str:
    """What is not counted in tokens."""
    kind = f" ({units.image})" if units.image else ""
    told = (
        (units.audio_ms, f"{units.audio_ms / 1000:,g} s of sound"),
        (units.characters, f"{units.characters:,} characters"),
        (units.images, f"{units.images:,} images{kind}"),
        (units.searches, f"{units.searches:,} searches"),
    )
    return ", ".join(words for count, words in told if count) or "nothing"


def _log(data: Path) -> RequestLog:
    from waypost.cli.surroundings import open_database
    from waypost.stores.sql.requests import RequestLog

    database = open_database(data, create=False)
    if database is None:
        fail(f"There is no gateway data in the folder {data}.", hint="Name the folder with --data.")
    return RequestLog(database)


def _print(found: Sequence[Logged], as_json: bool, *, heading: bool) -> None:
    if as_json:
        for one in found:
            print_json(_view(one.exchange))
        return
    if found:
        _print_lines((one.exchange for one in found), heading=heading)


def _print_lines(exchanges: Iterable[Exchange], *, heading: bool) -> None:
    shown = table(
        "at (UTC)",
        "id",
        "model",
        "status",
        "outcome",
        "way",
        "total",
        "tokens",
        "cost",
        right=("total", "cost"),
    )
    shown.show_header = heading
    for exchange in exchanges:
        tokens = [attempt.usage for attempt in exchange.attempts if attempt.usage is not None]
        style = STYLES[exchange.outcome]
        shown.add_row(
            show_time(exchange.started_us / 1e6),
            exchange.exchange_id,
            visible(exchange.route or exchange.asked_model or "–"),
            str(exchange.status),
            f"[{style}]{exchange.outcome}[/]",
            visible(_way(exchange)),
            show_ms(exchange.total_us),
            _used(tokens),
            show_usd(exchange.cost_nusd) if exchange.attempts else "–",
        )
    people().print(shown)


def _used(usages: Sequence[Usage]) -> str:
    """Tokens in and out; of what is counted otherwise, that."""
    units = [usage.units for usage in usages if usage.units is not None]
    if units:
        return ", ".join(_tell_units(each) for each in units)
    return f"{sum(usage.input for usage in usages)} + {sum(usage.output for usage in usages)}"


def _way(exchange: Exchange) -> str:
    """Whom it was sent to, one after the other, with what each failed of."""
    steps = (
        attempt.provider if attempt.error is None else f"{attempt.provider} ✗ {attempt.error}"
        for attempt in exchange.attempts
    )
    return " → ".join(steps) or "–"


def _view(exchange: Exchange, *, bodies: bool = False) -> dict[str, object]:
    import msgspec

    from waypost.core.money import render_usd
    from waypost.pipeline.explained import explain_decision

    def usd(nano: int | None) -> str | None:
        return None if nano is None else render_usd(nano)

    view = msgspec.structs.asdict(exchange)
    view["cost_usd"] = usd(exchange.cost_nusd)
    view["markup_usd"] = usd(exchange.markup_nusd)
    view["attempts"] = [
        {
            **msgspec.structs.asdict(attempt),
            "usage": msgspec.structs.asdict(attempt.usage) if attempt.usage else None,
            "cost_usd": usd(attempt.cost_nusd),
            "markup_usd": usd(attempt.markup_nusd),
        }
        for attempt in exchange.attempts
    ]
    view["decision"] = None if exchange.decision is None else explain_decision(exchange.decision)
    for name in ("request_body", "response_body"):
        body = view.pop(name)
        if bodies:
            view[name] = None if body is None else body.decode("utf-8", "replace")
    return view
