"""The entry point of the `waypost` command."""

from __future__ import annotations

import os
import sys
from typing import Final

#: What a shell says of a command that Ctrl-C ended.
_INTERRUPTED: Final = 130


def run() -> None:
    """Do what the command line says, and end."""
    words = sys.argv[1:]
    if words[:1] == ["serve"]:
        _serve(words)
    from waypost.cli.main import app

    app(prog_name="waypost")


def _serve(words: list[str]) -> None:
    """Serve, and end; returns when the options have to be looked at closer."""
    from waypost.cli.serving import ended_by, read_order, serve_gateway
    from waypost.errors import GatewayError

    order = read_order(words, os.environ)
    if order is None:
        return
    try:
        status = serve_gateway(order)
    except GatewayError as error:
        status = ended_by(error)
    except KeyboardInterrupt:
        status = _INTERRUPTED
    sys.exit(status)
