from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import typer.main

from cli.command_line import documents, run
from tools.render_reference import commands
from waypost.cli.exits import Exit
from waypost.cli.main import app

COMMANDS = list(commands(typer.main.get_command(app), ()))
WANTED = {
    "serve", "check", "reload", "schema", "keys create", "keys list", "keys revoke", "keys rotate", "keys show",
    "keys set", "models list",
    "models show", "chat", "requests tail", "requests show", "route explain", "routes test", "drill", "simulate",
    "record", "doctor", "version", "credits show", "credits add", "credits adjust", "credits statement",
    "ledger verify", "db upgrade", "db status", "db backup", "db restore", "db copy", "db nodes forget",
    "apply", "export",
    "ledger reconcile", "db reseal", "audit list", "audit export", "audit verify", "usage",
    "credentials set", "credentials list", "credentials show", "credentials delete",
}  # fmt: skip
WANTED |= {
    f"{group} {verb}"
    for group in ("orgs", "teams", "projects", "users", "members", "machines", "roles", "budgets", "limits")
    for verb in ("create", "list", "show", "set", "delete")
}

WANTED |= {f"routes {verb}" for verb in ("set", "list", "show", "delete")}
WANTED |= {f"{group} {verb}" for group in ("tokens", "invitations") for verb in ("create", "list", "revoke")}


def test_every_command_of_the_issue_is_there() -> None:
    assert {" ".join(names) for names, _ in COMMANDS} == WANTED


@pytest.mark.parametrize(
    ("names", "command"), COMMANDS, ids=lambda value: "-".join(value) if isinstance(value, tuple) else ""
)
def test_every_option_has_a_variable_and_a_text_and_every_command_an_example(
    names: tuple[str, ...], command: Any
) -> None:
    assert f"waypost {' '.join(names)}" in command.help
    for one in command.params:
        if one.name == "help" or one.param_type_name == "argument":
            continue
        assert one.envvar is not None, one.name
        assert one.envvar.startswith("WAYPOST_")
        assert len(one.help) > 15, one.name


def test_a_variable_means_one_thing() -> None:
    """The same flag, and the same text up to its first comma: what follows says what holds without it."""
    meanings: dict[str, set[tuple[str, str]]] = {}
    for _, command in COMMANDS:
        for one in command.params:
            if one.param_type_name == "option" and one.envvar:
                said = re.split(r"[.,;:]", one.help)[0]
                meanings.setdefault(one.envvar, set()).add((one.opts[0], said))
    assert {name: told for name, told in meanings.items() if len(told) > 1} == {}


def test_a_variable_that_is_named_after_a_group_is_of_that_group_only() -> None:
    groups = {names[0].rstrip("s").upper() for names, _ in COMMANDS if len(names) > 1}
    users: dict[str, set[str]] = {}
    for names, command in COMMANDS:
        for one in command.params:
            if one.envvar and one.envvar.split("_")[1] in groups and one.envvar.count("_") > 1:
                users.setdefault(one.envvar, set()).add(names[0])
    assert {variable: found for variable, found in users.items() if len(found) > 1} == {}


def test_help_and_version() -> None:
    assert "waypost serve" in run("--help").output
    assert run("keys", "create", "-h").exit_code == Exit.OK
    (version,) = documents(run("version", "--json"))
    assert run("version").output.strip() == version["version"]


def test_wrong_usage_is_2() -> None:
    assert run("nonsense").exit_code == Exit.USAGE
    assert run("keys", "create").exit_code == Exit.USAGE
    assert run("serve", "--port", "70000").exit_code == Exit.USAGE


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, waypost.cli.main; print([m for m in sys.modules if m.split('.')[0] in HEAVY])"
    heavy = (
        "HEAVY = {'sqlalchemy', 'uvicorn', 'alembic', 'yaml', 'prometheus_client', 'asyncio', 'httptools'}; "
    )
    done = subprocess.run([sys.executable, "-c", heavy + code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
