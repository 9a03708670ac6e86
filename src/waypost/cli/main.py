"""The `waypost` command: what it can do, and how it ends when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import typer
from typer.core import TyperGroup

from waypost.cli import (
    apply,
    audit,
    budgets,
    chat,
    config,
    credentials,
    credits,
    db,
    doctor,
    drill,
    invitations,
    keys,
    ledger,
    limits,
    machines,
    members,
    models,
    orgs,
    projects,
    record,
    requests,
    roles,
    route,
    routes,
    serve,
    simulate,
    teams,
    tokens,
    usage,
    users,
)
from waypost.cli.failures import end_by
from waypost.cli.options import Json
from waypost.cli.output import people, print_json
from waypost.cli.surroundings import COMMAND
from waypost.errors import GatewayError

_COMMAND: Final = "waypost.command"
EPILOG = (
    "Every option can be set by the variable shown beside it. Exit codes: 0 done, 1 refused or wrong, "
    "2 wrong usage, 3 something that is needed does not answer."
)


class Guarded(TyperGroup):
    """Turns every error of Waypost into a message and an exit code: no stack for what a person can mend."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]  # as below
        ctx.meta[_COMMAND] = " ".join(_command(self, args))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # Typer's own context class
        before = COMMAND.set(ctx.meta.get(_COMMAND, ""))
        try:
            return super().invoke(ctx)
        except GatewayError as error:
            end_by(error)
        finally:
            COMMAND.reset(before)


def _command(group: TyperGroup, words: list[str]) -> Iterator[str]:
    """The names of commands that a command line begins with."""
    found: object = group
    for word in words:
        if not isinstance(found, TyperGroup) or word not in found.commands:
            return
        found = found.commands[word]
        yield word


app = typer.Typer(
    name="waypost",
    cls=Guarded,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
    help="Waypost: one endpoint and one key for every model, with failover and exact cost control.\n\n"
    "Start with [bold]waypost serve[/], then [bold]waypost chat[/].",
)
app.command("serve")(serve.serve)
app.command("check")(config.check)
app.command("reload")(config.reload)
app.command("schema")(config.schema)
app.add_typer(keys.app, name="keys")
app.add_typer(orgs.app, name="orgs")
app.add_typer(teams.app, name="teams")
app.add_typer(projects.app, name="projects")
app.add_typer(users.app, name="users")
app.add_typer(members.app, name="members")
app.add_typer(machines.app, name="machines")
app.add_typer(roles.app, name="roles")
app.add_typer(tokens.app, name="tokens")
app.add_typer(invitations.app, name="invitations")
app.add_typer(budgets.app, name="budgets")
app.add_typer(limits.app, name="limits")
app.add_typer(credits.app, name="credits")
app.add_typer(credentials.app, name="credentials")
app.command("apply")(apply.apply)
app.command("export")(apply.export)
app.add_typer(models.app, name="models")
app.command("usage")(usage.usage)
app.add_typer(ledger.app, name="ledger")
app.add_typer(audit.app, name="audit")
app.add_typer(db.app, name="db")
app.command("chat")(chat.chat)
app.add_typer(requests.app, name="requests")
app.add_typer(route.app, name="route")
app.add_typer(routes.app, name="routes")
app.command("drill")(drill.drill)
app.command("simulate")(simulate.simulate)
app.command("record")(record.record)
app.command("doctor")(doctor.doctor)


@app.command()
def version(as_json: Json = False) -> None:
    """Print the version.

    Example: [bold]waypost version[/]
    """
    from importlib.metadata import version as installed

    if as_json:
        print_json({"version": installed("waypost")})
    else:
        people().print(installed("waypost"))
