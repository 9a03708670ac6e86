"""Reading `waypost.yaml`: bytes → tree → checked against the schema → frozen values, with places kept for later."""

from __future__ import annotations

from pathlib import Path as FilePath

import msgspec

from waypost.config.conform import find_faults
from waypost.config.problems import ConfigProblem, Path, render_path
from waypost.config.schema import Config
from waypost.config.tree import Node, Unreadable, parse_yaml
from waypost.errors import ConfigInvalid


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
    file = str(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise _invalid(
            file, "there is no such file", "Create it, or start without --config: no file is needed."
        ) from None
    except IsADirectoryError:
        raise _invalid(file, "this is a folder", "Name the file in it, such as waypost.yaml.") from None
    except PermissionError:
        raise _invalid(
            file, "the file may not be read", "Give the user that runs Waypost read permission."
        ) from None
    except (OSError, ValueError):
        raise _invalid(file, "the file can not be read", "Check its path and the disk it is on.") from None
    return load_bytes(data, file)


def load_bytes(data: bytes, file: str = "waypost.yaml") -> Loaded:
    """Read a configuration from bytes; an empty one is all defaults. Raises ConfigInvalid with every problem found."""
    try:
        root, problems = parse_yaml(data, file)
    except Unreadable as stop:
        raise refuse(file, [stop.problem]) from None
    if root.value is None:
        return Loaded(Config(), file, root)
    problems += find_faults(root, Config, file)
    if problems:
        raise refuse(file, problems)
    try:
        config = msgspec.convert(root.plain(), Config)
    except msgspec.ValidationError:
        raise _invalid(file, "the file does not have the shape of a configuration", None) from None
    return Loaded(config, file, root)


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
