"""Secrets that may be others tomorrow: read or asked for when they are needed, and not kept. Blocking."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from waypost.errors import StoreUnavailable

_COMMAND_S: Final = 10.0


def read_secret(file: str, told: str) -> str:
    """What a file holds, without the line feed at its end. Raises StoreUnavailable, which says `told`."""
    try:
        return Path(file).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise StoreUnavailable(told, retry_after_s=5.0) from None


def ask_secret(command: Sequence[str], told: str) -> str:
    """What a command prints, for tokens that run out. Raises StoreUnavailable, which says `told`."""
    try:
        # The operator's own command, out of the environment or the configuration, and without a shell.
        said = subprocess.run(command, capture_output=True, timeout=_COMMAND_S, check=True)  # noqa: S603
        secret = said.stdout.decode("utf-8").rstrip("\r\n")
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        secret = ""
    if not secret:
        raise StoreUnavailable(told, retry_after_s=5.0)
    return secret
