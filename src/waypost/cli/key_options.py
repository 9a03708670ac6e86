"""Options of the commands for keys."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from waypost.cli.options import end_option
from waypost.core.budget import BudgetPeriod
from waypost.core.key import Priority

Which = Annotated[
    str, typer.Argument(metavar="KEY", help="Id or name of the key, as `waypost keys list` shows it.")
]


OfOrg = Annotated[
    str | None,
    typer.Option(
        "--org",
        envvar="WAYPOST_ORG",
        metavar="ORG",
        help="Organization, by its name or id. Without one: all of them.",
    ),
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
_PER: Final = typer.Option("--per", envvar="WAYPOST_KEY_PER", help="Period of the budget; total: for ever.")
Per = Annotated[BudgetPeriod, _PER]
NewPer = Annotated[BudgetPeriod | None, _PER]
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
Expires = Annotated[str | None, end_option("WAYPOST_KEY_EXPIRES")]
Route = Annotated[
    str | None,
    typer.Option(
        "--route",
        envvar="WAYPOST_KEY_ROUTE",
        metavar="ROUTE",
        help="Route that its requests take when they name none, whatever model they name.",
    ),
]
_PRIORITY: Final = typer.Option(
    "--priority",
    envvar="WAYPOST_KEY_PRIORITY",
    help="Whose requests are served first, and turned away last, when there are too many.",
)
Urgency = Annotated[Priority, _PRIORITY]
NewUrgency = Annotated[Priority | None, _PRIORITY]
Operator = Annotated[
    bool,
    typer.Option(
        "--operator",
        envvar="WAYPOST_KEY_OPERATOR",
        help="It may also rehearse outages, and look at other keys' requests.",
    ),
]
Team = Annotated[
    str | None,
    typer.Option(
        "--team", envvar="WAYPOST_KEY_TEAM", metavar="TEAM", help="Team whose rules hold for it too."
    ),
]
Project = Annotated[
    str | None,
    typer.Option(
        "--project",
        envvar="WAYPOST_KEY_PROJECT",
        metavar="PROJECT",
        help="Project whose rules hold for it too.",
    ),
]
User = Annotated[
    str | None,
    typer.Option(
        "--user",
        envvar="WAYPOST_KEY_USER",
        metavar="EMAIL",
        help="Member to whom it belongs: it works only while they may.",
    ),
]
Machine = Annotated[
    str | None,
    typer.Option(
        "--machine",
        envvar="WAYPOST_KEY_MACHINE",
        metavar="NAME",
        help="Service account to which it belongs, in place of a member.",
    ),
]
Tags = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        envvar="WAYPOST_KEY_TAG",
        metavar="TAG",
        help="What each of its requests is counted under. Again for more, or with commas.",
    ),
]
RequiredTags = Annotated[
    list[str] | None,
    typer.Option(
        "--require-tag",
        envvar="WAYPOST_KEY_REQUIRE_TAG",
        metavar="NAME",
        help="Name of metadata that each request has to bring. Again for more, or with commas.",
    ),
]
Endpoints = Annotated[
    list[str] | None,
    typer.Option(
        "--endpoint",
        envvar="WAYPOST_KEY_ENDPOINT",
        metavar="OPERATION",
        help="What it may ask for, such as chat or embeddings. Again for more, or with commas. Default: all.",
    ),
]
Networks = Annotated[
    list[str] | None,
    typer.Option(
        "--network",
        envvar="WAYPOST_KEY_NETWORK",
        metavar="CIDR",
        help="Where its requests may come from, such as 10.0.0.0/8. Again for more. Default: anywhere.",
    ),
]
NewRpm = Annotated[
    int | None,
    typer.Option("--rpm", envvar="WAYPOST_KEY_RPM", min=0, help="Most requests per minute; 0: no limit."),
]
