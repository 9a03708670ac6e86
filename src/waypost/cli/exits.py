"""What the command says to the shell."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    OK = 0
    REFUSED = 1
    """What was asked is wrong or was refused: a faulty configuration, an unknown key, a failed check."""
    USAGE = 2
    """The command line itself is wrong."""
    UNREACHABLE = 3
    """The gateway, a provider or the database does not answer."""
