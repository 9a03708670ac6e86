from __future__ import annotations

import io

import pytest
from rich.console import Console

from waypost.cli import long_work
from waypost.cli.long_work import progressing


def test_without_a_terminal_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with progressing("Adding up", "rows") as told:
        told.at(5, 10, "Copying")
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(
        long_work, "people", lambda stderr: Console(file=screen, force_terminal=True, width=100)
    )
    with progressing("Adding up", "rows") as told:
        told.at(5_000, 10_000, "Copying")
    assert "5,000 rows" in screen.getvalue()
    assert "Copying" in screen.getvalue()
