"""The options of `waypost serve`."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from waypost.stores.seat import MOST

Host: TypeAlias = Annotated[
    str | None,
    typer.Option(
        envvar="WAYPOST_HOST",
        metavar="HOST",
        help="Address to listen on. Default: `server.host` of the configuration, or 127.0.0.1.",
    ),
]
Port: TypeAlias = Annotated[
    int | None,
    typer.Option(
        envvar="WAYPOST_PORT",
        min=0,
        max=65535,
        help="Port to listen on; 0 for any free one. Default: `server.port`, or 4100.",
    ),
]
Workers: TypeAlias = Annotated[
    int,
    typer.Option(
        envvar="WAYPOST_WORKERS",
        min=1,
        max=MOST,
        metavar="NUMBER",
        help="Processes that serve as one gateway, on one port: at most one for each processor.",
    ),
]
DrainDelay: TypeAlias = Annotated[
    str,
    typer.Option(
        envvar="WAYPOST_DRAIN_DELAY",
        metavar="TIME",
        help="After a stop was asked for: how long to go on answering while /readyz already says no, so that a "
        "load balancer takes the gateway out first.",
    ),
]
