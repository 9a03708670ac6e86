from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
import typer

from waypost.cli.secret_input import read_secret

WHAT = "The provider's key"


def refused(capsys: pytest.CaptureFixture[str], where: str | None, needed: bool = True) -> str:
    with pytest.raises(typer.Exit) as ended:
        read_secret(where, WHAT, needed=needed)
    assert ended.value.exit_code == 2
    return " ".join(capsys.readouterr().err.split())


def test_from_a_variable_and_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ACME_KEY", " sk-1\n")
    (tmp_path / "key").write_text("sk-2\n")
    assert read_secret("env:ACME_KEY", WHAT, needed=True) == "sk-1"
    assert read_secret(f"file:{tmp_path / 'key'}", WHAT, needed=False) == "sk-2"


def test_from_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("sk-3\n"))
    assert read_secret("-", WHAT, needed=True) == "sk-3"


def test_nothing_is_asked_where_none_is_needed() -> None:
    assert read_secret(None, WHAT, needed=False) is None


@pytest.mark.parametrize("where", ["sk-proj-plain-in-an-argument", "env:", "http://x", ""])
def test_a_secret_is_no_argument_and_is_not_repeated(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = refused(capsys, where)
    assert "must not be the secret itself" in told
    assert "sk-proj" not in told


def test_what_is_not_there_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "WAYPOST_NO_SUCH is not set" in refused(capsys, "env:WAYPOST_NO_SUCH")
    assert "no file" in refused(capsys, f"file:{tmp_path / 'none'}")


@pytest.mark.parametrize("where", [None, "-"])
def test_without_a_terminal_nobody_is_asked(
    where: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert "--secret env:NAME" in refused(capsys, where)


def test_it_is_typed_unseen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    typed = iter(["sk-4 ", ""])
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    assert read_secret(None, WHAT, needed=True) == "sk-4"
    assert "was not given" in refused(capsys, None)
