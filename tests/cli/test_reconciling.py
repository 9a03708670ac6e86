from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from cli.command_line import documents, run
from ledger.books import attempt, exchange
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.schema import prepare

START_US = 1_795_392_000_000_000  # 2026-11-23
DOLLAR = 1_000_000_000
HEADING = "usage_date_utc,model,token_type,cost_usd\n"


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """Two dollars on one day and one on the next, and a line without a price."""
    database = open_sqlite(tmp_path)
    prepare(database)
    database.close()
    with closing(SqliteJournal(tmp_path)) as journal:
        for number, (at_us, cost) in enumerate(
            ((0, 2 * DOLLAR), (86_400_000_000, DOLLAR), (86_400_000_000, None))
        ):
            tried = msgspec.structs.replace(attempt(number, cost), started_us=START_US + at_us)
            journal.post("1.intents", number + 1, [exchange(number, cost, (), (tried,))])
    file = tmp_path / "bill.csv"
    file.write_text(HEADING + "2026-11-23,GPT-5 mini,output,2.00\n2026-11-24,GPT-5 mini,output,1.00\n")
    return ["ledger", "reconcile", "--provider", "openai", "--csv", str(file), "--data", str(tmp_path)]


def test_a_bill_that_is_right(words: list[str]) -> None:
    done = run(*words)
    assert done.exit_code == 0, done.stderr
    assert "2026-11-23  gpt-5-mini  $2.0000  $2.0000" in done.stdout
    assert "1 of 3 lines have no known price" in done.stdout
    (told,) = documents(run(*words, "--json"))
    total = told["total"]
    assert isinstance(total, dict)
    assert (told["ok"], told["layout"], told["from"], told["to"]) == (
        True,
        "anthropic",
        "2026-11-23",
        "2026-11-24",
    )
    assert (total["billed_usd"], total["ledger_usd"], total["unpriced_lines"]) == ("3", "3", 1)


def test_a_bill_that_differs(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "bill.csv").write_text(
        HEADING + "2026-11-23,gpt-5-mini,output,2.00\n2026-11-24,gpt-5-mini,x,1.05\n"
    )
    done = run(*words)
    assert done.exit_code == 1
    assert "+4.76%" in done.stdout
    (told,) = documents(run(*words, "--json"))
    rows = told["rows"]
    assert isinstance(rows, list)
    assert [(row["ok"], row["difference_usd"]) for row in rows] == [(True, "0"), (False, "0.05")]
    assert run(*words, "--tolerance", "5").exit_code == 0
    assert run(*words, "--by", "model", "--tolerance", "2%").exit_code == 0
    assert run(*words, "--to", "2026-11-23").exit_code == 0


def test_columns_named_by_hand(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "bill.csv").write_text(
        "\ufeffDay,USD\n2026-11-23,2\n2026-11-24,\n2026-11-24,1\n", encoding="utf-8"
    )
    assert "--columns date=" in run(*words).stderr
    done = run(*words, "--columns", "date=Day,cost=USD")
    assert done.exit_code == 0
    assert "names no models" in done.stdout
    assert "1 rows of the bill say no amount" in done.stdout


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (("--by", "week"), 2, "--by 'week'"),
        (("--tolerance", "much"), 2, "--tolerance"),
        (("--tolerance", "-1"), 2, "--tolerance"),
        (("--from", "yesterday"), 2, "is not a date"),
        (("--from", "2026-12-01"), 2, "is after"),
        (("--csv", "gone.csv"), 1, "can not be read"),
        (("--columns", "x=y"), 1, "--columns"),
    ],
)
def test_what_is_wrong_is_told(words: list[str], more: tuple[str, ...], code: int, told: str) -> None:
    done = run(*words, *more)
    assert done.exit_code == code
    assert told in done.stderr


def test_a_bill_of_nothing_and_a_folder_without_books(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "bill.csv").write_text(HEADING)
    assert "Nothing is charged" in run(*words).stderr
    (tmp_path / "bill.csv").write_text(HEADING + "2026-11-23,m,output,2.00\n")
    assert "There are no books" in run(*words[:-1], str(tmp_path / "none")).stderr
