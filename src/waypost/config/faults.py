"""Problems of a configuration as they are found, each with its place in the file."""

from __future__ import annotations

from typing import Protocol

from waypost.config.problems import ConfigProblem, Path


class Written(Protocol):
    """What was written: it knows where each value of it stands."""

    def problem(
        self, path: Path, message: str, *, expected: str | None = None, hint: str | None = None
    ) -> ConfigProblem:
        """A problem with the value at `path`."""
        ...


class Faults:
    """Collects problems with their places."""

    def __init__(self, written: Written) -> None:
        self._written = written
        self.found: list[ConfigProblem] = []

    def add(self, path: Path, message: str, *, expected: str | None = None, hint: str | None = None) -> None:
        self.found.append(self._written.problem(path, message, expected=expected, hint=hint))
