from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from waypost.cli import entry, serving
from waypost.errors import ConfigError


def ended(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    monkeypatch.setattr(sys, "argv", ["waypost", *words])
    with pytest.raises(SystemExit) as caught:
        entry.run()
    return caught.value.code


def test_serving_ends_with_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "serve_gateway", lambda order: order.port)
    assert ended(monkeypatch, "serve", "--port", "5") == 5


@pytest.mark.parametrize(("error", "status"), [(ConfigError("No."), 1), (KeyboardInterrupt(), 130)])
def test_what_ends_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
) -> None:
    def broken(_: object) -> int:
        raise error

    monkeypatch.setattr(serving, "serve_gateway", broken)
    assert ended(monkeypatch, "serve") == status
    assert ("✗ No." in capsys.readouterr().err) == (status == 1)


def test_other_commands_and_mistakes_are_the_librarys(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "version") == 0
    assert capsys.readouterr().out.strip()
    assert ended(monkeypatch, "serve", "--port", "x") == 2
    assert "--port" in capsys.readouterr().err


def test_a_gateway_is_without_the_library_that_reads_command_lines(tmp_path: Path) -> None:
    code = (
        "import sys, waypost.app as app, waypost.cli.entry as entry\n"
        "app.serve = lambda *_: print([m for m in ('typer', 'pydantic', 'click') if m in sys.modules])\n"
        "sys.argv = ['waypost', 'serve', '--data', sys.argv[1]]\n"
        "entry.run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() in ("[]", "['click']"), "uvicorn loads click"
