"""Every case of tests/golden/config, rendered and compared: the snapshot, or the exact problems."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.golden_view import FOLDER, render_case

CASES = sorted(FOLDER.glob("*.yaml"))


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 20


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case(case: Path) -> None:
    ending, text = render_case(case.read_bytes())
    expected = case.with_suffix(ending)
    assert expected.is_file(), f"{case.stem} now ends as {ending}:\n{text}"
    assert text == expected.read_text()
    assert not case.with_suffix(".error" if ending == ".json" else ".json").exists()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_no_secret_is_ever_shown(case: Path) -> None:
    assert "THISISASECRET" not in render_case(case.read_bytes())[1]
