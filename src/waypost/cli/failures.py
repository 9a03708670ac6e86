"""How a command ends that met an error of Waypost: a message and an exit code, no stack for what a person can mend."""

from __future__ import annotations

from typing import NoReturn

from waypost.cli.exits import Exit
from waypost.cli.output import fail, print_problems
from waypost.errors import ConfigError, ConfigInvalid, GatewayError, StoreUnavailable, UpstreamError


def end_by(error: GatewayError) -> NoReturn:
    """Tell of it, and end the command."""
    if isinstance(error, ConfigInvalid):
        from waypost.config.problems import problems_of

        print_problems(problems_of(error))
    unreachable = isinstance(error, StoreUnavailable | UpstreamError) and not isinstance(error, ConfigError)
    fail(error.message, Exit.UNREACHABLE if unreachable else Exit.REFUSED)
