"""Runs the command line in this process: `run("keys", "list")`."""

from __future__ import annotations

import os
from functools import cache

import msgspec
import typer.testing
from typer.testing import CliRunner, Result

from waypost.cli.main import app

# Typer builds all commands anew for each call, which takes longer than what most of them do.
typer.testing._get_command = cache(typer.testing._get_command)


def run(*words: str, stdin: str | None = None, **environ: str) -> Result:
    """One command, with only the given `WAYPOST_*` and provider variables set."""
    quiet = {name: None for name in os.environ if name.startswith("WAYPOST_") or name.endswith("_API_KEY")}
    return CliRunner().invoke(app, list(words), input=stdin, env={**quiet, "NO_COLOR": "1", **environ})


def documents(result: Result) -> list[dict[str, object]]:
    """The JSON documents a command printed: every line of stdout has to be one."""
    return [msgspec.json.decode(line) for line in result.stdout.splitlines()]
