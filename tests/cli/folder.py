"""A data folder that commands work on: `folder.one("orgs", "create", "acme")` is the document it printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typer.testing import Result

from cli.command_line import documents, run


class Folder:
    """Commands on one data folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *words: str) -> Result:
        """One command, for people."""
        return run(*words, "--data", str(self.path))

    def all(self, *words: str) -> list[dict[str, Any]]:
        """The documents of a command that has to go well."""
        done = run(*words, "--data", str(self.path), "--json")
        assert done.exit_code == 0, done.stderr
        return documents(done)

    def one(self, *words: str) -> dict[str, Any]:
        """Its only document."""
        (found,) = self.all(*words)
        return found

    def refused(self, *words: str, code: int = 1) -> str:
        """What a command that may not go well says."""
        done = self.run(*words)
        assert done.exit_code == code, (done.stdout, done.stderr)
        assert done.stdout == ""
        return " ".join(done.stderr.split())
