"""Options that several commands share, so that they read and behave the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer.models import OptionInfo

from waypost.cli.defaults import DEFAULT_CONFIG as DEFAULT_CONFIG
from waypost.cli.defaults import DEFAULT_DATA as DEFAULT_DATA
from waypost.cli.defaults import DEFAULT_URL as DEFAULT_URL
from waypost.cli.defaults import chosen_config as chosen_config

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        envvar="WAYPOST_DATA",
        metavar="DIR",
        help="Folder with the database, keys and records of the gateway.",
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="WAYPOST_CONFIG",
        metavar="FILE",
        help="Configuration file. Default: waypost.yaml in the current folder, if there is one.",
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json", envvar="WAYPOST_JSON", help="Print JSON for scripts: one document per line, nothing else."
    ),
]
Url = Annotated[
    str,
    typer.Option(
        "--url", envvar="WAYPOST_URL", metavar="URL", help="Base URL of the running gateway, without /v1."
    ),
]
Gateway = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="WAYPOST_URL",
        metavar="URL",
        help="Base URL of the running gateway, without /v1. Default: the one that runs on the data folder.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", envvar="WAYPOST_YES", help="Do it without asking.")]
ClientKey = Annotated[
    str | None,
    typer.Option(
        envvar="WAYPOST_KEY",
        metavar="KEY",
        help="Key to ask with. Better set by its variable. Default, on the gateway's machine: an operator's rights.",
    ),
]
OperatorKey = Annotated[
    str | None,
    typer.Option(
        envvar="WAYPOST_OPERATOR_KEY",
        metavar="KEY",
        help="An operator's key for --url. Not needed on the gateway's own machine.",
    ),
]


def end_option(variable: str) -> OptionInfo:
    """When something that is made ends."""
    made: OptionInfo = typer.Option(
        "--expires",
        envvar=variable,
        metavar="TIME",
        help="When it ends: 30d, 12h, or a date such as 2027-01-31.",
    )
    return made
