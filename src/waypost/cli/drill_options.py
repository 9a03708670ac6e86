"""The options of `waypost drill`."""

from __future__ import annotations

from typing import Annotated

import typer

_FAULTS = (
    "What the provider does: an HTTP status such as 503, 429 or 401; refuse (no connection), timeout (no answer), "
    "stall (goes silent), cut (breaks off), garbage (a proxy's page), slow (late)."
)

Provider = Annotated[
    list[str] | None,
    typer.Option(
        "--provider",
        envvar="WAYPOST_DRILL_PROVIDER",
        metavar="NAME",
        help="Provider whose outage is rehearsed. Again for more.",
    ),
]
FaultName = Annotated[str, typer.Option(envvar="WAYPOST_DRILL_FAULT", metavar="FAULT", help=_FAULTS)]
Duration = Annotated[
    str, typer.Option("--for", envvar="WAYPOST_DRILL_FOR", metavar="TIME", help="How long: 30s, 10m.")
]
OnlyKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="WAYPOST_DRILL_KEY",
        metavar="KEY",
        help="Id or name of the key whose requests are part of it. Default: every key's.",
    ),
]
OnlyRoute = Annotated[
    str | None,
    typer.Option(
        envvar="WAYPOST_DRILL_ROUTE",
        metavar="ROUTE",
        help="Model or route whose requests are part of it. Default: all.",
    ),
]
OnlyOrg = Annotated[
    str | None,
    typer.Option(
        "--org",
        envvar="WAYPOST_DRILL_ORG",
        metavar="ORG",
        help="Organization whose own route --route is, by its name or id. Default: the route is the gateway's.",
    ),
]
Share = Annotated[
    str, typer.Option(envvar="WAYPOST_DRILL_SHARE", metavar="PERCENT", help="Share of these requests.")
]
OnlyModels = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        envvar="WAYPOST_DRILL_MODEL",
        metavar="MODEL",
        help="Only this model of the provider, by the provider's own id. Again for more.",
    ),
]
OnlyRegion = Annotated[
    str | None,
    typer.Option(envvar="WAYPOST_DRILL_REGION", metavar="REGION", help="Only its targets in this region."),
]
After = Annotated[
    int,
    typer.Option(
        envvar="WAYPOST_DRILL_AFTER",
        min=0,
        help="stall, cut: events of a real stream that come through first. 0: none, and nothing is sent.",
    ),
]
Delay = Annotated[
    str, typer.Option(envvar="WAYPOST_DRILL_DELAY", metavar="TIME", help="slow: how late the answer is.")
]
Stop = Annotated[
    str | None,
    typer.Option(
        envvar="WAYPOST_DRILL_STOP", metavar="ID", help="End a running rehearsal, and nothing else."
    ),
]
