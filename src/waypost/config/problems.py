"""What is wrong with a configuration, one value per fault."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import msgspec

from waypost.errors import ConfigError, ConfigInvalid

Path = tuple[str | int, ...]
"""Where a value is: `("models", 0, "targets", 1, "provider")`."""


class ConfigProblem(msgspec.Struct, frozen=True):
    """One fault. `line` and `column` count from 1; None when the fault has no place in the file."""

    file: str
    line: int | None
    column: int | None
    path: str
    """Such as `models[0].targets[1].provider`; empty for the whole file."""
    message: str
    """What is wrong. Never a secret."""
    expected: str | None = None
    """What belongs there."""
    hint: str | None = None
    """What to do next."""

    def __str__(self) -> str:
        return render_problem(self)


def render_path(path: Path) -> str:
    """`("models", 0, "name")` as `models[0].name`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def render_problem(problem: ConfigProblem) -> str:
    """One problem as lines of text, the first of them `file:line:column: path: message`."""
    place = problem.file
    if problem.line is not None:
        place += f":{problem.line}"
        if problem.column is not None:
            place += f":{problem.column}"
    head = f"{place}: {problem.path}: " if problem.path else f"{place}: "
    lines = [head + problem.message]
    if problem.expected:
        lines.append(f"  expected: {problem.expected}")
    if problem.hint:
        lines.append(f"  hint: {problem.hint}")
    return "\n".join(lines)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint with the known word that looks most like `word`; None if none does."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else None


def problems_of(error: ConfigError) -> tuple[ConfigProblem, ...]:
    """The problems an error carries; for one without a place, a problem made of its message."""
    if isinstance(error, ConfigInvalid):
        return tuple(problem for problem in error.problems if isinstance(problem, ConfigProblem))
    return (ConfigProblem("(configuration)", None, None, error.param or "", error.message),)
