"""How a command ends that met an error of Waypost: a message and an exit code, no stack for what a person can mend."""

from __future__ import annotations

from typing import Final, NoReturn

from waypost.cli.exits import Exit
from waypost.cli.output import fail, print_problems
from waypost.errors import (
    ConfigError,
    ConfigInvalid,
    Conflict,
    GatewayError,
    InvalidRequest,
    StoreUnavailable,
    UpstreamError,
)

#: What the fields of what is stored are called on the command line, where that is not their own name.
_OPTIONS: Final = {
    "amount_nusd": "--amount",
    "budget_nusd": "--budget",
    "limit_nusd": "--limit",
    "raise_nusd": "--raise-by",
    "raise_until": "--raise-until",
    "team_id": "--team",
    "project_id": "--project",
    "user_id": "--user",
    "owner_id": "--user",
}


def end_by(error: GatewayError) -> NoReturn:
    """Tell of it, and end the command."""
    if isinstance(error, ConfigInvalid):
        from waypost.config.problems import problems_of

        print_problems(problems_of(error))
    unreachable = isinstance(error, StoreUnavailable | UpstreamError) and not isinstance(error, ConfigError)
    fail(said(error), Exit.UNREACHABLE if unreachable else Exit.REFUSED)


def said(error: GatewayError) -> str:
    """Its message, in the words of the command line."""
    if isinstance(error, InvalidRequest | Conflict) and error.param in _OPTIONS:
        return error.message.replace(error.param, _OPTIONS[error.param])
    return error.message
