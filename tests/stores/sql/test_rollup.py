"""The sums of usage are those of the lines and of the request log, whatever is posted, again, or lost in between."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.books import attempt, exchange
from waypost.core.record import Attempt, Exchange
from waypost.core.usage import Units, Usage
from waypost.errors import Bug
from waypost.stores.sql.engine import Database, open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.journals import AnyJournal
from waypost.stores.sql.retention import delete_expired
from waypost.stores.sql.rollup import COLUMNS, HOUR_US, OF, SUMS, UNITS, parts_of
from waypost.stores.sql.schema import prepare
from waypost.stores.sql.tables import METADATA

TAG = "tag:org/prod:total"
ACCOUNTS = ("key:k1:total", TAG, "tag:org/prod:month:2026-11", "end_user:org/ann:total", "model:org/m:total")


def sums(database: Database, scope: str = "") -> dict[tuple[object, ...], tuple[int, ...]]:
    with database.read() as connection:
        rows = connection.exec_driver_sql(f"SELECT {', '.join(COLUMNS)} FROM usage").all()
    kept = {tuple(row[: len(OF)]): tuple(map(int, row[len(OF) :])) for row in rows}
    return {of: found for of, found in kept.items() if of[1] == scope}


def counted(database: Database) -> dict[tuple[object, ...], tuple[int, ...]]:
    """What the lines and the request log say."""
    made: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0] * len(SUMS))
    with database.read() as connection:
        for row in connection.exec_driver_sql("SELECT * FROM lines").mappings():
            found = made[row["at_us"] // HOUR_US, "", "", row["key_id"] or "", row["provider"], row["model"]]
            units = msgspec.json.decode(row["units"] or "{}")
            told = [
                1,
                row["cost_nusd"] is None,
                row["cost_nusd"] or 0,
                *(row[name] or 0 for name in SUMS[5:10]),
                *(units.get(name, 0) for name in UNITS),
            ]
            for place, value in enumerate(told, 2):
                found[place] += int(value)
        last: dict[str, tuple[str, str]] = {}
        for row in connection.exec_driver_sql("SELECT * FROM attempts ORDER BY place").mappings():
            last[row["exchange_id"]] = (row["provider"], row["model"])
        for row in connection.exec_driver_sql("SELECT * FROM exchanges").mappings():
            where = last.get(row["exchange_id"], ("", ""))
            found = made[row["started_us"] // HOUR_US, "", "", row["key_id"] or "", *where]
            found[0] += 1
            found[1] += row["outcome"] != "ok"
    return {of: tuple(found) for of, found in made.items()}


def test_the_columns_are_those_of_the_table() -> None:
    assert [column.name for column in METADATA.tables["usage"].columns] == list(COLUMNS)
    assert [column.name for column in METADATA.tables["usage"].primary_key] == list(OF)


def test_an_account_is_a_part_once_however_many_budgets_count_it() -> None:
    assert parts_of(ACCOUNTS) == (("", ""), ("tag", "org/prod"), ("end_user", "org/ann"))
    assert parts_of(()) == (("", ""),)


def test_what_is_posted_is_added_up(database: Database, journal: AnyJournal) -> None:
    first = attempt(1, 0, "voided")
    second = msgspec.structs.replace(
        attempt(2, 7, usage=Usage(10, 4, 3, 2, 2, 1, units=Units(5, 6, 7, 8))), provider="azure"
    )
    third = attempt(3, None, "unknown")
    journal.post("s1", 1, [exchange(1, 7, ACCOUNTS, (first, second))])
    journal.post("s1", 2, [msgspec.structs.replace(exchange(2, None, (), (third,)), outcome="failed")])
    journal.post(
        "s1", 3, [msgspec.structs.replace(exchange(3, None, (), ()), outcome="refused", key_id=None)]
    )
    own = (0, "", "", "k1")
    assert sums(database) == counted(database) == {
        (*own, "azure", "gpt-5-mini"): (1, 0, 1, 0, 7, 10, 4, 3, 2, 1, 5, 6, 7, 8),
        (*own, "openai", "gpt-5-mini"): (1, 1, 1, 1, 0, 100, 20, 5, 0, 0, 0, 0, 0, 0),
        (0, "", "", "", "", ""): (1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    }  # fmt: skip
    of = (0, "tag", "org/prod", "k1", "azure", "gpt-5-mini")
    assert sums(database, "tag") == {of: (1, 0, 1, 0, 7, 10, 4, 3, 2, 1, 5, 6, 7, 8)}
    assert len(sums(database, "end_user")) == 1


def test_what_is_refused_whole_adds_nothing(database: Database, journal: AnyJournal) -> None:
    journal.post("s1", 1, [exchange(1, 7)])
    with pytest.raises(Bug):
        journal.post("s1", 3, [exchange(2, 7), exchange(1, 7)])
    assert sums(database) == counted(database)
    assert sum(found[0] for found in sums(database).values()) == 1


def test_what_is_posted_again_adds_what_was_missing_alone(database: Database, journal: AnyJournal) -> None:
    journal.post("s1", 1, [exchange(1, 7, (TAG,))])
    both = exchange(1, 12, (TAG,), (attempt(1, 7), attempt(9, 5)))
    assert journal.repost([both, exchange(2, 3)]) == 2
    assert journal.repost([both, exchange(2, 3)]) == 0
    ((_, found),) = sums(database).items()
    assert found[:5] == (2, 0, 3, 0, 15)
    ((_, part),) = sums(database, "tag").items()
    assert part[:5] == (1, 0, 2, 0, 12)


def test_what_comes_twice_at_once_is_one_request(database: Database, journal: AnyJournal) -> None:
    refused = msgspec.structs.replace(exchange(1, None, (), ()), outcome="refused")
    journal.repost([refused, refused])
    assert sums(database) == counted(database)
    assert sum(found[0] for found in sums(database).values()) == 1


def test_a_request_that_only_lines_remember_is_no_further_one(
    database: Database, journal: AnyJournal
) -> None:
    journal.post("s1", 1, [exchange(1, 7)])
    while delete_expired(database, 1e9, 1):
        pass
    before = sums(database)
    assert journal.repost([exchange(1, 7)]) == 0
    assert sums(database) == before, "and sums outlive the request log"


def test_a_name_that_no_text_of_postgresql_holds(database: Database, journal: AnyJournal) -> None:
    odd = msgspec.structs.replace(attempt(1, 7), model='m\x00\\u0000"\t\n🦊')
    journal.post("s1", 1, [exchange(1, 7, (), (odd,))])
    (of,) = sums(database)
    assert of[5] == 'm\ufffd\\u0000"\t\n🦊'


UNIT_COUNTS = st.none() | st.builds(Units, *[st.integers(0, 99)] * 4)
ATTEMPTS = st.builds(
    lambda number, hour, provider, model, state, cost, usage: Attempt(
        f"a{number}", provider, model, hour * HOUR_US + number, state, 200, None, 1, 2,
        None if state == "voided" else usage, 0 if state == "voided" else cost, "v",
    ),
    st.integers(0, 3), st.integers(0, 2), st.sampled_from(["p", "q"]), st.sampled_from(["m", "n"]),
    st.sampled_from(["settled", "voided", "unknown"]), st.none() | st.integers(0, 10**12),
    st.none() | st.builds(Usage, *[st.integers(0, 10**6)] * 6, units=UNIT_COUNTS),
)  # fmt: skip


def _exchange(
    number: int, hour: int, key: str | None, outcome: str, accounts: list[str], tries: list[Attempt]
) -> Exchange:
    """Attempts are of one exchange, and of no other."""
    own = {
        each.attempt_id: msgspec.structs.replace(each, attempt_id=f"{number}.{each.attempt_id}")
        for each in tries
    }
    made = exchange(number, None, tuple(accounts), tuple(own.values()))
    return msgspec.structs.replace(made, started_us=hour * HOUR_US, key_id=key, outcome=outcome)


EXCHANGES = st.builds(
    _exchange, st.integers(0, 12), st.integers(0, 2), st.sampled_from(["k1", "k2", None]),
    st.sampled_from(["ok", "failed", "cut"]), st.lists(st.sampled_from(ACCOUNTS), unique=True),
    st.lists(ATTEMPTS, max_size=3),
)  # fmt: skip
STEPS = st.lists(
    st.tuples(st.sampled_from(["post", "repost", "crash"]), st.lists(EXCHANGES, max_size=4)), max_size=8
)


class Killed(Exception):
    """The process ended here."""


def run(journal: AnyJournal, steps: Sequence[tuple[str, list[Exchange]]]) -> None:
    for number, (what, exchanges) in enumerate(steps):
        try:
            if what == "repost":
                journal.repost(exchanges)
            else:
                journal.post("s1", number, exchanges)
                if what == "crash":  # it was committed, and nobody was told: all of it comes again
                    journal.repost(exchanges)
        except Bug:  # the same attempt twice: nothing of the batch is there, which is what is looked at
            continue


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_the_sums_are_those_of_the_lines(
    steps: list[tuple[str, list[Exchange]]], database: Database, journal: AnyJournal
) -> None:
    """One database for all examples: what is there already is refused, or posted again."""
    run(journal, steps)
    assert_sums(database)


def assert_sums(database: Database) -> None:
    kept, told = sums(database), counted(database)

    def lines(found: dict[tuple[object, ...], tuple[int, ...]]) -> dict[tuple[object, ...], tuple[int, ...]]:
        return {of: each[2:] for of, each in found.items() if any(each[2:])}

    assert lines(kept) == lines(told), "every sum of lines, by hour, key, provider and model"
    assert sum(each[0] for each in kept.values()) == sum(each[0] for each in told.values())
    assert sum(each[1] for each in kept.values()) == sum(each[1] for each in told.values())


@pytest.mark.parametrize("place", range(12))
def test_a_kill_in_the_middle_leaves_both_or_none(tmp_path: Path, place: int) -> None:
    database = open_sqlite(tmp_path)
    prepare(database)
    left = [place]

    def pause() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    journal = SqliteJournal(tmp_path, pause=pause)
    batch = [exchange(number, number) for number in range(40)]
    for each in (batch[:20], batch):
        with suppress(Killed):
            journal.repost(each)
        assert sums(database) == counted(database)
    left[0] = 10_000
    journal.repost(batch)
    assert sums(database) == counted(database)
    ((_, found),) = sums(database).items()
    assert found[:5] == (40, 0, 40, 0, sum(range(40)))
    journal.close()
    database.close()
