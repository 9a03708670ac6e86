from __future__ import annotations

import csv
import io
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from cli.command_line import run
from cli.folder import Folder
from ledger.books import AT, attempt, exchange
from waypost.core.usage import Units, Usage
from waypost.stores.sql.journal import SqliteJournal

AT_US = int(AT * 1_000_000)  # 2026-09-21T14:13:20Z
THEN = ("--since", "2026-09-21", "--until", "2026-09-22")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.one("orgs", "create", "acme")
    made.one("teams", "create", "web", "--org", "acme")
    ids = [
        made.one("keys", "create", "--name", "app", "--org", "acme", "--team", "web")["id"],
        made.one("keys", "create", "--name", "own")["id"],
    ]
    with closing(SqliteJournal(tmp_path)) as journal:
        for number, key_id in enumerate((ids[0], ids[1], ids[1])):
            tried = msgspec.structs.replace(
                attempt(number, 10**number), started_us=AT_US + number * 3_600_000_000
            )
            if number == 2:
                tried = msgspec.structs.replace(tried, cost_nusd=None)
            one = exchange(number, 1, (), (tried,))
            journal.post(
                "s", number + 1, [msgspec.structs.replace(one, key_id=key_id, started_us=tried.started_us)]
            )
    return made


def test_all_in_one_line(folder: Folder) -> None:
    found = folder.one("usage", *THEN)
    assert (found["requests"], found["cost_nusd"], found["cost_usd"], found["unpriced"]) == (
        3,
        11,
        "0.000000011",
        1,
    )


def test_what_is_not_counted_in_tokens_is_told_where_there_is_any(folder: Folder) -> None:
    shown = folder.run("usage", *THEN).stdout
    assert "characters" not in shown
    spoken = msgspec.structs.replace(
        attempt(7, 5, usage=Usage(units=Units(audio_ms=90_000, characters=1200))), started_us=AT_US
    )
    with closing(SqliteJournal(folder.path)) as journal:
        journal.post("s", 9, [msgspec.structs.replace(exchange(7, 5, (), (spoken,)), started_us=AT_US)])
    heads, cells = folder.run("usage", *THEN).stdout.splitlines()[:2]
    assert heads.split()[-4:] == ["minutes", "heard", "characters", "cost"]
    assert cells.split()[-3:-1] == ["1.50", "1,200"]
    assert folder.one("usage", *THEN)["audio_ms"] == 90_000


def test_by_what_is_asked_for(folder: Folder) -> None:
    teams = folder.all("usage", "--by", "team", *THEN)
    assert [(line["team"], line["requests"], line["cost_nusd"]) for line in teams] == [
        ("", 2, 10),
        ("web", 1, 1),
    ]
    assert teams[1]["team_id"].startswith("team_")
    hours = folder.all("usage", "--by", "hour,key", *THEN)
    assert [(line["hour"], line["key"]) for line in hours] == [
        ("2026-09-21T14:00:00Z", "app"), ("2026-09-21T15:00:00Z", "own"), ("2026-09-21T16:00:00Z", "own"),
    ]  # fmt: skip
    assert [line["requests"] for line in folder.all("usage", "--org", "acme", *THEN)] == [1]


def test_for_people(folder: Folder) -> None:
    shown = folder.run("usage", "--by", "key", *THEN).stdout
    assert [line.split()[0] for line in shown.splitlines()[1:3]] == ["own", "app"], (
        "what cost most comes first"
    )
    assert "1 attempts have no known price" in shown
    hours = folder.run("usage", "--by", "hour", *THEN).stdout.splitlines()
    assert [line.split()[-1] for line in hours[1:4]] == ["$0.000000001", "$0.00000001", "unknown"]
    assert "Nothing was used" in folder.run("usage", "--since", "2020-01-01", "--until", "2020-01-02").stdout


def test_a_table(folder: Folder) -> None:
    done = run("usage", "--by", "key", "--csv", *THEN, "--data", str(folder.path))
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["key"], row["cost_nusd"], row["input_tokens"]) for row in rows] == [
        ("own", "10", "200"),
        ("app", "1", "100"),
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--by", "colour"), "is nothing to add up by"),
        (("--by", "key", "--by", "key"), "different ones"),
        (("--by", "tag,end_user"), "only one"),
        (("--since", "soon"), "--since"),
        (("--csv", "--json"), "two ways"),
    ],
)
def test_what_makes_no_sense(folder: Folder, words: tuple[str, ...], says: str) -> None:
    assert says in folder.refused("usage", *words, code=2)


def test_no_folder(tmp_path: Path) -> None:
    assert "no gateway data" in Folder(tmp_path / "none").refused("usage")
