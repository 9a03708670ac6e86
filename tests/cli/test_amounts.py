from __future__ import annotations

from collections.abc import Callable

import pytest
import typer

from waypost.cli.amounts import parse_end, parse_moment, parse_span, parse_usd


def test_money_and_times_as_people_write_them() -> None:
    assert parse_usd("$0.25", "--limit") == 250_000_000
    assert parse_span("1h30m", "--overlap") == 5400
    assert parse_moment("1970-01-02", "--from") == 86_400
    assert parse_moment("1970-01-02T01:00+01:00", "--from") == 86_400
    assert parse_end("12h", "--until", 100.0) == 43_300
    assert parse_end("1970-01-02", "--until", 100.0) == 86_400


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: parse_usd("five", "--limit"),
        lambda: parse_span("soon", "--overlap"),
        lambda: parse_moment("tomorrow", "--from"),
        lambda: parse_end("1970-01-01", "--until", 100.0),
    ],
)
def test_what_is_neither_ends_the_command(
    wrong: Callable[[], object], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended:
        wrong()
    assert ended.value.exit_code == 2
    assert "--" in capsys.readouterr().err
