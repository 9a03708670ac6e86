"""Options of `waypost ledger reconcile`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Providers = Annotated[
    list[str],
    typer.Option(
        envvar="WAYPOST_LEDGER_PROVIDER",
        metavar="NAME",
        help="The provider as the ledger calls it; several times for several on one bill.",
    ),
]
BillFile = Annotated[
    Path,
    typer.Option(
        envvar="WAYPOST_LEDGER_CSV", metavar="FILE", help="The provider's export of costs, with a heading."
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        envvar="WAYPOST_LEDGER_COLUMNS",
        metavar="date=…,model=…,cost=…",
        help="Which columns say what. Not needed for OpenAI's and Anthropic's exports of costs.",
    ),
]
First = Annotated[
    str | None,
    typer.Option(
        "--from", envvar="WAYPOST_LEDGER_FROM", metavar="DATE", help="First day in UTC. Default: the bill's."
    ),
]
Last = Annotated[
    str | None,
    typer.Option(
        "--to", envvar="WAYPOST_LEDGER_TO", metavar="DATE", help="Last day in UTC. Default: the bill's."
    ),
]
Rows = Annotated[
    str,
    typer.Option(
        envvar="WAYPOST_LEDGER_BY", metavar="day|model|both", help="What the rows of the comparison are."
    ),
]
Tolerance = Annotated[
    str,
    typer.Option(
        envvar="WAYPOST_LEDGER_TOLERANCE",
        metavar="PERCENT",
        help="How far a row may be off, of what was billed for it. A cent is always tolerated.",
    ),
]
