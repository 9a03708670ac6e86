"""Problems of a configuration as they are found, each with its place in the file."""

from __future__ import annotations

from waypost.config.load import Loaded
from waypost.config.problems import ConfigProblem, Path


class Faults:
    """Collects problems with their places."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self.found: list[ConfigProblem] = []

    def add(self, path: Path, message: str, *, expected: str | None = None, hint: str | None = None) -> None:
        self.found.append(self._loaded.problem(path, message, expected=expected, hint=hint))
