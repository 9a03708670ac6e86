"""The list of faults is whole, and what it says is shown by a test is."""

from __future__ import annotations

import ast
import re
from fnmatch import fnmatchcase

from docs.pages import DOCS, ROOT
from waypost.simulator.faults import FAULTS

_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


def rows() -> list[list[str]]:
    """The cells of each row: number, fault, what happens, simulated, shown by."""
    lines = (DOCS / "faults.md").read_text("utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")][
        2:
    ]


def test_every_number_is_there_once_and_is_shown_or_says_why_not() -> None:
    assert [int(row[0]) for row in rows() if row[0]] == list(range(1, 46))
    unshown = [row[0] for row in rows() if not _TEST.search(row[4]) and "Not in this version: " not in row[4]]
    assert unshown == []


def test_every_test_that_is_named_exists() -> None:
    named = {found.groups() for row in rows() for found in _TEST.finditer(row[4])}
    missing = []
    for path, name in named:
        tree = ast.parse((ROOT / "tests" / path).read_text("utf-8"))
        functions = {
            node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        if name not in functions:
            missing.append((path, name))
    assert len(named) > 40
    assert missing == []


def test_every_simulated_fault_has_one_place() -> None:
    patterns = [pattern for row in rows() for pattern in re.findall(r"`([^`]+)`", row[3])]
    unused = [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in FAULTS)]
    assert unused == []
    places = {name: sum(fnmatchcase(name, pattern) for pattern in patterns) for name in FAULTS}
    assert {name: count for name, count in places.items() if count != 1} == {}
