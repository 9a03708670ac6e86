"""Secrets for commands: from a variable, a file, the standard input, or typed unseen. Never out of an argument, which
the machine's other users, and the shell's history, can see."""

from __future__ import annotations

from waypost.cli.exits import Exit
from waypost.cli.output import fail

_HOW = "Say where it is: --secret env:NAME, --secret file:PATH, or --secret - for the standard input."


def read_secret(where: str | None, what: str, *, needed: bool) -> str | None:
    """The secret that an option says where to find, without the white space around it; typed at a terminal where
    nothing was said and one is needed. None: none was given. Ends the command where there is none."""
    import os
    import sys

    from waypost.config.credentials import SecretMissing, SecretStore, read_whole_file

    if where is None:
        return _typed(what) if needed else None
    if where == "-":
        text = sys.stdin.read().strip()
        if not text:
            fail(f"{what} is not on the standard input.", Exit.USAGE, _HOW)
        return text
    if where.partition(":")[0] not in ("env", "file") or not where.partition(":")[2]:
        fail("--secret has to say where the secret is, and must not be the secret itself.", Exit.USAGE, _HOW)
    try:
        return SecretStore(os.environ, read_whole_file).resolve(where)
    except SecretMissing as missing:
        fail(f"--secret: {missing}.", Exit.USAGE, _HOW)


def _typed(what: str) -> str:
    import sys

    if not sys.stdin.isatty():
        fail(f"{what} was not given.", Exit.USAGE, _HOW)
    from getpass import getpass

    text = getpass(f"{what} (it is not shown): ").strip()
    if not text:
        fail(f"{what} was not given.", Exit.USAGE, _HOW)
    return text
