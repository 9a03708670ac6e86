"""`waypost doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer

from waypost.cli.exits import Exit
from waypost.cli.options import DEFAULT_DATA, DEFAULT_URL, ConfigFile, Data, Json, Url, chosen_config
from waypost.cli.output import NOTE, OK, WRONG, people, print_json


def doctor(
    data: Data = DEFAULT_DATA,
    config: ConfigFile = None,
    url: Url = DEFAULT_URL,
    online: Annotated[
        bool,
        typer.Option("--online", envvar="WAYPOST_ONLINE", help="Ask every provider for its models, too."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check everything a gateway needs: Python, folder, database, money, configuration, keys, port, local model, store.

    Nothing is changed, and without --online no provider is asked. Each line that is not ✓ says what to do next.

    Examples:

      waypost doctor

      waypost doctor --online --json
    """
    from waypost.cli.checkup import examine

    findings = examine(data, chosen_config(config), url, online)
    wrong = any(finding.state == "wrong" for finding in findings)
    if as_json:
        print_json({"ok": not wrong, "checks": findings})
        raise typer.Exit(Exit.REFUSED if wrong else Exit.OK)
    console = people()
    signs = {"ok": OK, "note": NOTE, "wrong": WRONG}
    for finding in findings:
        console.print(f"{signs[finding.state]} [bold]{finding.name}[/]", end="  ")
        console.print(finding.message, markup=False)
        if finding.advice:
            console.print(f"    → {finding.advice}", markup=False, style="dim")
    raise typer.Exit(Exit.REFUSED if wrong else Exit.OK)
