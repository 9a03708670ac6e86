"""`waypost routes`: routing as code, with tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waypost.cli.exits import Exit
from waypost.cli.options import ConfigFile, Json, chosen_config
from waypost.cli.output import OK, WRONG, fail, people, print_json, table, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from waypost.app.cases import Table, Verdict

app = typer.Typer(no_args_is_help=True, help="Test where requests go.")


@app.callback()
def group() -> None:
    """Test where requests go."""


@app.command("test")
def check_cases(
    cases: Annotated[
        Path, typer.Argument(metavar="CASES", help="YAML file with the table: see the page Explain.")
    ],
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Check where requests would go, against a table of cases: for CI. Nothing is sent, no gateway is needed, and
    secrets need not be there. The exit code is 1 when a case is not as expected.

    Examples:

      waypost routes test cases.yaml

      waypost routes test cases.yaml --config waypost.yaml --json
    """
    from waypost.app.cases import run_cases
    from waypost.app.clock import SystemClock
    from waypost.cli.surroundings import load_config, resolve_config

    wanted = _read(cases)
    snapshot = resolve_config(load_config(chosen_config(config)), stand_ins=True)
    verdicts = run_cases(wanted.cases, snapshot, SystemClock())
    if as_json:
        for verdict in verdicts:
            print_json(verdict)
    else:
        _print(verdicts)
    if not all(verdict.passed for verdict in verdicts):
        raise typer.Exit(int(Exit.REFUSED))


def _read(file: Path) -> Table:
    import yaml

    from waypost.app.cases import read_cases

    try:
        value = yaml.safe_load(file.read_bytes())
    except OSError:
        fail(f"The file {file} can not be read.", Exit.USAGE)
    except yaml.YAMLError:
        fail(f"{file} is not YAML.", Exit.USAGE)
    return read_cases(value)


def _print(verdicts: Sequence[Verdict]) -> None:
    console = people()
    for verdict in verdicts:
        console.print(f"{OK if verdict.passed else WRONG} ", visible(verdict.name), sep="")
        if verdict.passed:
            continue
        shown = table("    ", "expected", "got")
        for one in verdict.differences:
            expected, got = visible(f"- {one.expected}"), visible(f"+ {one.got}")
            expected.stylize("red")
            got.stylize("green")
            shown.add_row(f"    {one.what}", expected, got)
        console.print(shown)
        for why in verdict.why:
            console.print(visible(f"    {why}"), style="dim")
    wrong = sum(not verdict.passed for verdict in verdicts)
    count = "1 case" if len(verdicts) == 1 else f"{len(verdicts)} cases"
    console.print(f"\n{count}, {wrong} not as expected" if wrong else f"\n{count}, all as expected")
