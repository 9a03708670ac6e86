"""Reading `waypost.yaml`: bytes → tree → checked against the schema → frozen values, with places kept for later."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import TypeVar

import msgspec

from waypost.config.conform import find_faults
from waypost.config.problems import ConfigProblem, Path, render_path
from waypost.config.schema import Config
from waypost.config.tree import Node, Unreadable, parse_yaml
from waypost.errors import ConfigInvalid

S = TypeVar("S", bound=msgspec.Struct)


class Loaded:
    """A configuration that has the right shape, and where each value of it stands."""

    __slots__ = ("_root", "config", "file")

    def __init__(self, config: Config, file: str, root: Node | None = None) -> None:
        self.config = config
        self.file = file
        self._root = root

    def problem(
        self, path: Path, message: str, *, expected: str | None = None, hint: str | None = None
    ) -> ConfigProblem:
        """A problem with the value at `path`, with its line and column."""
        line, column = self._root.locate(path) if self._root else (None, None)
        return ConfigProblem(self.file, line, column, render_path(path), message, expected, hint)


def load_file(path: FilePath) -> Loaded:
    """Read a configuration file. Raises ConfigInvalid with every problem found."""
    return load_bytes(read_bytes(path), str(path))


def read_bytes(
    path: FilePath, missing: str = "Create it, or start without --config: no file is needed."
) -> bytes:
    """What is in a file. Raises ConfigInvalid, which says why it can not be read, and `missing` where there is none."""
    file = str(path)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise _invalid(file, "there is no such file", missing) from None
    except IsADirectoryError:
        raise _invalid(file, "this is a folder", "Name the file in it, such as waypost.yaml.") from None
    except PermissionError:
        raise _invalid(
            file, "the file may not be read", "Give the user that runs Waypost read permission."
        ) from None
    except (OSError, ValueError):
        raise _invalid(file, "the file can not be read", "Check its path and the disk it is on.") from None


def load_bytes(data: bytes, file: str = "waypost.yaml") -> Loaded:
    """Read a configuration from bytes; an empty one is all defaults. Raises ConfigInvalid with every problem found."""
    try:
        root, problems = parse_yaml(data, file)
    except Unreadable as stop:
        raise refuse(file, [stop.problem]) from None
    if root.value is None:
        return Loaded(Config(), file, root)
    return Loaded(conformed(root, problems, Config, file), file, root)


def conformed(root: Node, problems: list[ConfigProblem], schema: type[S], file: str) -> S:
    """A tree as the values that it has to have the shape of. Raises ConfigInvalid with the problems found before, and
    every one of its own."""
    problems = problems + find_faults(root, schema, file)
    if problems:
        raise refuse(file, problems)
    try:
        return msgspec.convert(root.plain(), schema)
    except msgspec.ValidationError:
        raise _invalid(file, "the file does not have the shape it should have", None) from None


def load_defaults() -> Loaded:
    """The configuration of a gateway without a file."""
    return Loaded(Config(), "(no file)")


def refuse(file: str, problems: list[ConfigProblem]) -> ConfigInvalid:
    """The error that carries these problems, in the order of the file."""
    ordered: list[ConfigProblem] = sorted(problems, key=_place)
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return ConfigInvalid(f"{file} has {count}; nothing of it was applied.", ordered)


def _invalid(file: str, message: str, hint: str | None) -> ConfigInvalid:
    return refuse(file, [ConfigProblem(file, None, None, "", message, hint=hint)])


def _place(problem: ConfigProblem) -> tuple[int, int]:
    return problem.line or 0, problem.column or 0
