"""`waypost route`: where a request would go."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waypost.cli.exits import Exit
from waypost.cli.options import DEFAULT_DATA, ClientKey, Data, Gateway, Json
from waypost.cli.output import fail, people, print_json, table, visible

if TYPE_CHECKING:
    from waypost.pipeline.explain import Explanation
    from waypost.pipeline.explained import Place

app = typer.Typer(no_args_is_help=True, help="Ask where a request would go, and why.")

Body = dict[str, object]


@app.callback()
def group() -> None:
    """Ask where a request would go, and why."""


@app.command()
def explain(
    model: Annotated[
        str | None,
        typer.Option(
            envvar="WAYPOST_MODEL", metavar="MODEL", help="Model or route to ask, in place of the file's."
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            envvar="WAYPOST_FILE",
            metavar="FILE",
            help="The request's body as JSON; - reads it from the input. Default: a short chat.",
        ),
    ] = None,
    dialect: Annotated[
        str, typer.Option(envvar="WAYPOST_DIALECT", metavar="NAME", help="Dialect of the request.")
    ] = "openai_chat",
    header: Annotated[
        list[str] | None,
        typer.Option(
            "--header",
            "-H",
            envvar="WAYPOST_HEADER",
            metavar="NAME:VALUE",
            help="A header of the request, such as x-waypost-route:cheap. Again for more.",
        ),
    ] = None,
    key: ClientKey = None,
    url: Gateway = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show where a request would go: the targets in order, each with its rule, what it is expected to cost and how soon
    it answers, and what excluded the others. Nothing is sent and nothing is billed.

    Examples:

      waypost route explain --model fast

      waypost route explain --file body.json --header x-waypost-route:cheap

      waypost route explain --model fast --key sk-wp-… --json
    """
    import msgspec

    from waypost.cli.control import Counter, find_door
    from waypost.pipeline.explain import Explanation

    asked = _body(file, model)
    body: Body = {"request": asked, "dialect": dialect, "headers": _headers(header or [])}
    if dialect.startswith(("gemini", "bedrock")):
        body["model"] = asked.pop("model", "")
    with Counter(find_door(data, url, key)) as counter:
        answer = counter.ask("POST", "/v1/route/explain", body)
    if as_json:
        print_json(msgspec.Raw(answer))
        return
    _print(msgspec.json.decode(answer, type=Explanation))


def _body(file: Path | None, model: str | None) -> Body:
    import sys

    import msgspec

    if file is None:
        if model is None:
            fail("Say what is asked for: --model, or a whole request in --file.", Exit.USAGE)
        return {"model": model, "messages": [{"role": "user", "content": "Say hello."}]}
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        body = msgspec.json.decode(text, type=Body)
    except OSError:
        fail(f"The file {file} can not be read.", Exit.USAGE)
    except msgspec.DecodeError as fault:
        fail(f"{file} is not a request's body: {fault}.", Exit.USAGE)
    return body if model is None else {**body, "model": model}


def _headers(lines: list[str]) -> dict[str, str]:
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            fail(f"--header {line!r} is not a header.", Exit.USAGE, "Write it like x-waypost-route:cheap.")
        headers[name.strip()] = value.strip()
    return headers


def _print(told: Explanation) -> None:
    console = people()
    asked = told.asked
    console.print(visible(f"{asked.model} → {told.route.name} ({told.route.kind})"), style="bold")
    stream = ", streamed" if asked.stream else ""
    console.print(
        visible(
            f"  {asked.operation} in {asked.dialect}{stream}, as {told.key}; reckoned with "
            f"{asked.input_tokens:,} tokens in and {asked.output_tokens:,} out"
        ),
        style="dim",
    )
    if told.candidates:
        console.print()
        columns = ("  ", "target", "why", "expected cost", "median first token")
        shown = table(*columns, right=columns[3:])
        for one in told.candidates:
            first = one.median_first_token_ms
            shown.add_row(
                f"  {one.place}",
                visible(one.target),
                visible(one.why),
                "unknown" if one.expected_cost_usd is None else f"${one.expected_cost_usd}{_markup(one)}",
                "–" if first is None else f"{first:,.0f} ms",
            )
        console.print(shown)
    else:
        wait = "" if told.retry_after_s is None else f" One may be asked in {ceil(told.retry_after_s)} s."
        console.print(f"\n[red]No target can be asked.[/]{wait}")
    if told.excluded:
        console.print("\n  [dim]left out, or asked last[/]")
        for left in told.excluded:
            console.print(visible(f"  – {left.target}  {left.why}"))
    _print_beside(told)


def _markup(place: Place) -> str:
    return "" if place.markup is None else f", {place.markup} mark-up in it"


def _print_beside(told: Explanation) -> None:
    console = people()
    if told.hedge_after_ms is not None:
        console.print(
            f"\n  The second is asked too when the first is silent for {told.hedge_after_ms:,.0f} ms."
        )
    for shadow in told.shadows:
        console.print(visible(f"\n  {shadow} is sent the same beside, and nobody waits for it."))
    for note in told.notes:
        console.print(visible(f"\n  {note}"))
