"""Options that the commands for people and rules share."""

from __future__ import annotations

from typing import Annotated

import typer

from waypost.core.people import DEFAULT

Named = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Name of 1 to 63 of a–z, 0–9, `.`, `_` and `-`: it stands in addresses."
    ),
]
Which = Annotated[str, typer.Argument(metavar="NAME", help="Its name or its id, as the list shows them.")]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's e-mail address, or their id.")]
Org = Annotated[
    str,
    typer.Option(
        "--org",
        envvar="WAYPOST_ORG",
        metavar="ORG",
        help="Organization, by its name or id. Without one: the built-in one, `default`.",
    ),
]
Title = Annotated[
    str | None,
    typer.Option(
        "--title",
        envvar="WAYPOST_TITLE",
        metavar="TEXT",
        help="What people call it. Anything up to 200 characters.",
    ),
]
NewName = Annotated[
    str | None,
    typer.Option(
        "--name",
        envvar="WAYPOST_NEW_NAME",
        metavar="NAME",
        help="Another name. Its id, and what refers to it, stay.",
    ),
]
Allowed = Annotated[
    list[str] | None,
    typer.Option(
        "--models",
        envvar="WAYPOST_ALLOWED_MODELS",
        metavar="MODEL",
        help="A route or model that may be used, or a pattern such as openai/*. Again for more, or with commas; "
        "an empty text allows all.",
    ),
]
DefaultRoute = Annotated[
    str | None,
    typer.Option(
        "--route",
        envvar="WAYPOST_DEFAULT_ROUTE",
        metavar="ROUTE",
        help="Route that requests take when nothing nearer to them names one; an empty text for none.",
    ),
]
Role = Annotated[
    str | None,
    typer.Option(
        "--role",
        envvar="WAYPOST_ROLE",
        metavar="ROLE",
        help="owner, admin, billing, developer, viewer, auditor, or one of the organization's own. "
        "At first: developer.",
    ),
]
Teams = Annotated[
    list[str] | None,
    typer.Option(
        "--in-team",
        envvar="WAYPOST_IN_TEAM",
        metavar="TEAM[:ROLE]",
        help="A team to be in, with what to be there beyond the organization. Again for more; an empty text for none.",
    ),
]
Everywhere = Annotated[
    bool,
    typer.Option(
        "--gateway",
        envvar="WAYPOST_GATEWAY_RULE",
        help="A rule of the gateway's own, for all organizations, in place of one of --org.",
    ),
]

DEFAULT_ORG = DEFAULT
