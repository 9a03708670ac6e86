from __future__ import annotations

import pytest
import typer

from waypost.cli.exits import Exit
from waypost.cli.output import fail, people, print_json, show_ms, show_time, show_usd, table, visible


def test_values_as_people_read_them() -> None:
    assert show_usd(None) == "unknown"
    assert show_usd(123_000) == "$0.000123"
    assert show_time(None) == "never"
    assert show_time(1_800_000_000) == "2027-01-15 08:00"
    assert show_ms(None) == "–"
    assert show_ms(1_234_567) == "1,235 ms"


def test_json_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": "x\ny"})
    assert capsys.readouterr().out == '{"a":"x\\ny"}\n'


def test_failing_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught:
        fail("It is [red]broken[/].", Exit.UNREACHABLE, "Mend it.")
    assert caught.value.exit_code == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "✗ It is [red]broken[/].\n  → Mend it.\n"


def test_nothing_is_cut_where_there_is_no_screen(capsys: pytest.CaptureFixture[str]) -> None:
    shown = table("id", "name")
    shown.add_row("a" * 90, "b" * 90)
    people().print(shown)
    out = capsys.readouterr().out
    assert "a" * 90 in out
    assert "b" * 90 in out
    assert "\x1b" not in out


def test_foreign_text_is_shown_as_it_is_without_control_characters() -> None:
    assert visible("[b]\x1b[2J\r a\tb\n").plain == "[b]\ufffd[2J\ufffd a\tb\n"
