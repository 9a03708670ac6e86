"""`waypost check`, `reload` and `schema`: the configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waypost.cli.exits import Exit
from waypost.cli.options import DEFAULT_DATA, ConfigFile, Data, Json, chosen_config
from waypost.cli.output import OK, fail, people, print_json, print_problems
from waypost.errors import ConfigError

if TYPE_CHECKING:
    from waypost.config.problems import ConfigProblem
    from waypost.config.snapshot import Snapshot

File = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="Configuration file to check; the same as --config."),
]


def _examine(file: Path | None) -> tuple[Snapshot | None, tuple[ConfigProblem, ...]]:
    from waypost.cli.surroundings import load_config, resolve_config
    from waypost.config.problems import problems_of

    try:
        return resolve_config(load_config(file)), ()
    except ConfigError as error:
        return None, problems_of(error)


def check(file: File = None, config: ConfigFile = None, as_json: Json = False) -> None:
    """Check a configuration file: its shape, its references, and the secrets it names.

    Nothing is changed and no provider is asked. Each problem says where it is and what belongs there.

    Examples:

      waypost check

      waypost check deploy/waypost.yaml --json
    """
    chosen = chosen_config(file or config)
    snapshot, problems = _examine(chosen)
    name = str(chosen) if chosen else None
    if as_json:
        print_json({"file": name, "valid": snapshot is not None, "problems": problems})
        raise typer.Exit(Exit.OK if snapshot else Exit.REFUSED)
    if snapshot is None:
        print_problems(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        fail(f"{count} in {name}")
    else:
        kinds = [route.kind for route in snapshot.routes.values()]
        counts = f"{kinds.count('config')} model(s), {kinds.count('route')} route(s)"
        people().print(
            f"{OK} {name or 'no file: all defaults'}: {len(snapshot.providers)} provider(s), {counts}"
        )


def reload(
    data: Data = DEFAULT_DATA,
    config: ConfigFile = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            envvar="WAYPOST_FORCE",
            help="Tell the gateway even if a problem is found here, such as a variable that only the gateway has.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a running gateway read its configuration again, without dropping a request.

    The file is checked first; a faulty one is not sent. The gateway checks it once more in its own environment, and
    keeps the old configuration when it finds a problem there.

    Examples:

      waypost reload

      waypost reload --data /var/lib/waypost --config /etc/waypost.yaml
    """
    chosen = chosen_config(config)
    snapshot, problems = _examine(chosen)
    if snapshot is None and not force:
        if as_json:
            print_json({"reloaded": False, "problems": problems})
            raise typer.Exit(Exit.REFUSED)
        print_problems(problems)
        fail(
            f"{chosen or 'The configuration'} is faulty; the gateway was left as it is.",
            hint="If only this shell lacks something that the gateway has: --force",
        )
    pid = _hang_up(data)
    if as_json:
        print_json({"reloaded": True, "pid": pid, "problems": problems})
    else:
        valid = "the configuration is valid" if snapshot else "the configuration was not found valid here"
        people().print(f"{OK} {valid}; the gateway (process {pid}) was told to read it")


def _hang_up(data: Path) -> int:
    """Send SIGHUP to the gateway of a data folder; its process id."""
    import os
    import signal

    from waypost.stores.lock import read_running

    running = read_running(data)
    if running is None:
        fail(
            f"No gateway is running on the data folder {data}.",
            Exit.UNREACHABLE,
            "Name its folder with --data, or start one: waypost serve",
        )
    try:
        os.kill(running.pid, signal.SIGHUP)
    except PermissionError:
        fail(
            f"The gateway (process {running.pid}) belongs to another user.",
            hint="Run this as the user who started it.",
        )
    except ProcessLookupError:
        fail(f"The gateway (process {running.pid}) has just ended.", Exit.UNREACHABLE)
    return running.pid


def schema(
    org: Annotated[
        bool,
        typer.Option(
            "--org",
            envvar="WAYPOST_SCHEMA_ORG",
            help="Of the file for `waypost apply`, in place of waypost.yaml.",
        ),
    ] = False,
) -> None:
    """Print the JSON Schema of waypost.yaml, for editors and for checks in CI.

    Example: waypost schema > waypost.schema.json, and as the first line of waypost.yaml:
    # yaml-language-server: $schema=waypost.schema.json
    """
    import sys

    import msgspec

    from waypost.config.describe import json_schema
    from waypost.config.org_schema import OrgFile

    made = json_schema(OrgFile, "Waypost organizations") if org else json_schema()
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n")
