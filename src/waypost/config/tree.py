"""YAML text as a tree of plain values that know their line and column.

Only the plain part of YAML is read: mappings, lists and scalars, with anchors for repetition. No tags, no merge keys,
no second document. Numbers with a fraction become `Decimal` from their own text, so a price is what was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

import yaml

from waypost.config.problems import ConfigProblem, Path, render_path

#: A route of 16 nodes in each other is at most 50 deep, in the file of an organization too.
MAX_DEPTH = 64


class Bounds(NamedTuple):
    """How large a file may be."""

    bytes: int
    nodes: int


#: Of a configuration, which people write.
WRITTEN = Bounds(1024 * 1024, 100_000)
#: Of a file that a program may have written.
GENERATED = Bounds(16 * 1024 * 1024, 2_000_000)

Scalar = str | int | bool | Decimal | None

_INT = re.compile(r"[-+]?[0-9]{1,30}")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,30}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,2})?")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: What libyaml means, by how its message begins.
_SYNTAX = (
    (
        "mapping values are not allowed",
        "there is a `:` where none can be",
        "Check the indentation of this line and the one above, and quote a text that contains `: `.",
    ),
    (
        "found character that cannot start any token",
        "a value can not begin with this character",
        "Indent by spaces, never tabs, and quote a text that begins with @, %, ` or a tab.",
    ),
    ("found unexpected end of stream", "a quoted text is not closed", None),
    ("while scanning a quoted scalar", "a quoted text is not closed", None),
    (
        "did not find expected ',' or",
        "a list or mapping in brackets is not closed, or a comma is missing",
        None,
    ),
    ("did not find expected '-' indicator", "this line does not belong to the list above it", None),
    ("did not find expected key", "this line does not belong to the mapping above it", None),
    ("could not find expected ':'", "a `:` is missing after the name", None),
    ("found unknown escape character", "this escape is unknown in a double-quoted text", None),
)


class Node:
    """One value with its place. `value` is a scalar, a list of nodes, or a dict of nodes."""

    __slots__ = ("column", "keys", "line", "value")

    def __init__(self, value: Scalar | list[Node] | dict[str, Node], line: int, column: int) -> None:
        self.value = value
        self.line = line
        self.column = column
        self.keys: dict[str, tuple[int, int]] = {}
        """For a mapping: line and column of each key."""

    def plain(self) -> object:
        """The value without places. Names that were given no value are left out."""
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items() if item.value is not None}
        return self.value

    def locate(self, path: Path) -> tuple[int, int]:
        """Line and column of the value at a path, or of the nearest thing around it that exists."""
        node: Node = self
        for step in path:
            found: Node | None = None
            if isinstance(step, str) and isinstance(node.value, dict):
                found = node.value.get(step)
            elif isinstance(step, int) and isinstance(node.value, list) and step < len(node.value):
                found = node.value[step]
            if found is None:
                break
            node = found
        return node.line, node.column


class Unreadable(Exception):
    """Reading can not go on; `problem` says why."""

    def __init__(self, problem: ConfigProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def parse_yaml(data: bytes, file: str, bounds: Bounds = WRITTEN) -> tuple[Node, list[ConfigProblem]]:
    """The tree of a document, and the faults that did not keep it from being read (keys given twice).

    Raises Unreadable when there is no tree to speak of.
    """
    text = _decode(data, file, bounds.bytes)
    reader = _Reader(file, bounds.nodes)
    try:
        events = yaml.parse(text, Loader=yaml.CSafeLoader)
        root = reader.read_document(events)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message, hint = _explain(f"{fault.context or ''}\n{fault.problem or ''}")
        raise Unreadable(ConfigProblem(file, line, column, "", message, hint=hint)) from None
    except yaml.YAMLError:
        raise Unreadable(ConfigProblem(file, 1, 1, "", "this is not YAML")) from None
    return root, reader.problems


def _decode(data: bytes, file: str, most: int) -> str:
    if len(data) > most:
        raise Unreadable(ConfigProblem(file, None, None, "", f"the file is larger than {most // 1024} KiB"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        column = fault.start - (data.rfind(b"\n", 0, fault.start) + 1) + 1
        raise Unreadable(
            ConfigProblem(
                file, line, column, "", "the file is not in UTF-8", hint="Save it in the encoding UTF-8."
            )
        ) from None
    bad = _UNREADABLE.search(text)
    if bad:
        before = text[: bad.start()]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        message = f"there is a character that YAML does not allow: U+{ord(bad.group()):04X}"
        raise Unreadable(ConfigProblem(file, line, column, "", message))
    return text


def _explain(said: str) -> tuple[str, str | None]:
    for beginning, message, hint in _SYNTAX:
        if beginning in said:
            return message, hint
    return "this is not valid YAML", "Check the indentation, quotes and brackets of this line."


class _Reader:
    """Builds nodes from parser events; refuses what the plain part of YAML does not have."""

    def __init__(self, file: str, most: int) -> None:
        self._file = file
        self._most = most
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._count = 0
        self.problems: list[ConfigProblem] = []

    def read_document(self, events: Iterator[yaml.Event]) -> Node:
        root: Node | None = None
        for event in events:
            if isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentEndEvent):
                continue
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise self._stop(event, (), "a second document begins here", "Keep only one in the file.")
                continue
            root = self._read(event, events, ())
        return root if root is not None else Node(None, 1, 1)

    def _read(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> Node:
        if len(path) > MAX_DEPTH:
            raise self._stop(event, path[:4], f"values are nested deeper than {MAX_DEPTH} levels", None)
        if isinstance(event, yaml.AliasEvent):
            return self._recall(event, path)
        before = self._count
        self._grow(1, event, path)
        if getattr(event, "tag", None) is not None:
            raise self._stop(event, path, "YAML tags (`!…`) are not used here", "Write the plain value.")
        line, column = _place(event)
        node = Node(None, line, column)
        if isinstance(event, yaml.ScalarEvent):
            node.value = _resolve(event.value) if event.implicit[0] else event.value
        elif isinstance(event, yaml.SequenceStartEvent):
            node.value = self._read_list(events, path)
        else:
            node.value, node.keys = self._read_mapping(events, path)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = (node, self._count - before)
        return node

    def _recall(self, event: yaml.AliasEvent, path: Path) -> Node:
        if event.anchor not in self._anchors:
            raise self._stop(event, path, "this `*alias` has no `&anchor` before it", None)
        node, size = self._anchors[event.anchor]
        self._grow(size, event, path)
        return node

    def _grow(self, by: int, event: yaml.Event, path: Path) -> None:
        self._count += by
        if self._count > self._most:
            raise self._stop(
                event, path[:4], f"the file has more than {self._most} values, aliases counted out", None
            )

    def _read_list(self, events: Iterator[yaml.Event], path: Path) -> list[Node]:
        items: list[Node] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._read(event, events, (*path, len(items))))
        return items

    def _read_mapping(
        self, events: Iterator[yaml.Event], path: Path
    ) -> tuple[dict[str, Node], dict[str, tuple[int, int]]]:
        values: dict[str, Node] = {}
        keys: dict[str, tuple[int, int]] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                raise self._stop(event, path, "a name has to be a plain text", None)
            key, here = event.value, _place(event)
            node = self._read(next(events), events, (*path, key))
            if key in values:
                message = f"this name is given twice, first on line {keys[key][0]}"
                self.problems.append(
                    ConfigProblem(
                        self._file, *here, render_path((*path, key)), message, hint="Keep one of the two."
                    )
                )
                continue
            values[key], keys[key] = node, here
        return values, keys

    def _stop(self, event: yaml.Event, path: Path, message: str, hint: str | None) -> Unreadable:
        line, column = _place(event)
        return Unreadable(ConfigProblem(self._file, line, column, render_path(path), message, hint=hint))


def _place(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _resolve(text: str) -> Scalar:
    """A plain scalar as YAML 1.2 reads it: `on` and `yes` stay texts, `0.25` is exact."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return Decimal(text)
    return text
