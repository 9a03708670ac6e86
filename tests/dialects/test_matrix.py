"""Every golden case in every dialect: `tools/golden_matrix.py` says how they are written and made anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.golden_matrix import KINDS, Kind, difference, paths, read, render, spoken
from waypost.dialects.dialect import Dialect

CASES = [
    pytest.param(kind, path, dialect, id=f"{kind}-{path.stem}-{dialect.name}")
    for kind in KINDS
    for path in paths(kind)
    for dialect in spoken(kind)
]


@pytest.mark.parametrize(("kind", "path", "dialect"), CASES)
def test_a_case_is_rendered_as_it_was_reviewed(kind: Kind, path: Path, dialect: Dialect) -> None:
    case = read(path)
    expected, found = case.rendered.get(dialect.name), render(kind, case, dialect)
    assert found == expected, f"{path.name}, {dialect.name}:\n{difference(expected, found)}"


def test_there_are_cases_enough_and_each_says_what_it_shows() -> None:
    assert len(paths("requests")) >= 40
    assert len(paths("responses")) >= 30
    assert len(paths("streams")) >= 30
    notes = [read(path).note for kind in KINDS for path in paths(kind)]
    assert all(note.endswith(".") for note in notes)


@pytest.mark.parametrize("kind", KINDS)
def test_no_rendering_is_of_a_dialect_that_is_gone(kind: Kind) -> None:
    names = {dialect.name for dialect in spoken(kind)}
    for path in paths(kind):
        assert read(path).rendered.keys() <= names, path.name
