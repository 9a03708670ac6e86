"""The books are audited on both databases, in slices so small that each pass has many."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from ledger.books import attempt, exchange
from waypost.core.scope import EXCHANGE
from waypost.errors import StoreUnavailable
from waypost.stores.sql.audit import Audit, Audited, Difference
from waypost.stores.sql.credits import CreditRows
from waypost.stores.sql.engine import Database
from waypost.stores.sql.journals import AnyJournal
from waypost.stores.sql.retention import delete_expired

A, B = "key:k1:total", "team:t1:total"
DAY_US = 86_400 * 1_000_000


@pytest.fixture
def books(journal: AnyJournal) -> AnyJournal:
    """Nine lines on two accounts, one of them without a price, and a voided attempt."""
    for number in range(9):
        cost = None if number == 4 else number
        journal.post("1.intents", number + 1, [exchange(number, cost, (A, B) if number % 2 else (A,))])
    tries = (attempt(90, 0, "voided"), attempt(91, 7))
    journal.post("1.intents", 10, [exchange(9, 7, (A,), tries)])
    return journal


def change(database: Database, sql: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(sql)


def audited(database: Database) -> Audited:
    return Audit(database, slice_rows=3).run()


def test_books_that_are_right(books: AnyJournal, database: Database) -> None:
    assert audited(database) == Audited(
        accounts=2, lines=10, cost_nusd=39, unpriced=1, leased_nusd=0, differences=(), wrong=0, whole=True
    )


def test_no_books_at_all(database: Database) -> None:
    assert audited(database).wrong == 0


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        (
            f"UPDATE accounts SET posted_nusd = 40 WHERE account_id = '{A}'",
            [Difference("posted", A, 40, 39)],
        ),
        (f"UPDATE accounts SET lines = 5 WHERE account_id = '{B}'", [Difference("lines", B, 5, 4)]),
        (
            f"UPDATE accounts SET posted_nusd = -1 WHERE account_id = '{B}'",
            [Difference("negative", B, -1), Difference("posted", B, -1, 16)],
        ),
        (
            f"DELETE FROM accounts WHERE account_id = '{B}'",
            [Difference("posted", B, 0, 16), Difference("lines", B, 0, 4)],
        ),
        (
            "DELETE FROM lines WHERE attempt_id = 'att-3'",
            [
                Difference("no_line", "att-3"),
                Difference("posted", A, 39, 36),
                Difference("lines", A, 10, 9),
                Difference("posted", B, 16, 13),
                Difference("lines", B, 4, 3),
            ],
        ),
        (
            "UPDATE lines SET cost_nusd = -3 WHERE attempt_id = 'att-3'",
            [
                Difference("negative_cost", "att-3", -3),
                Difference("posted", A, 39, 33),
                Difference("posted", B, 16, 10),
            ],
        ),
        ("DELETE FROM exchanges WHERE exchange_id = 'exc-3'", [Difference("no_exchange", "att-3")]),
        (f"UPDATE accounts SET leased_nusd = 5 WHERE account_id = '{A}'", [Difference("leased", A, 5, 0)]),
        (
            f"INSERT INTO leases (account_id, node, amount_nusd) VALUES ('{A}', 'n', 4), ('{A}', 'm', 3)",
            [Difference("leased", A, 0, 7)],
        ),
        (
            "INSERT INTO leases (account_id, node, amount_nusd) VALUES ('gone', 'n', 4)",
            [Difference("lost_lease", "gone", None, 4)],
        ),
    ],
)  # fmt: skip
def test_everything_that_can_be_wrong_is_named(
    books: AnyJournal, database: Database, sql: str, found: list[Difference]
) -> None:
    change(database, sql)
    told = audited(database)
    assert list(told.differences) == found
    assert told.wrong == len(found)


def test_what_is_spent_during_a_pass_changes_nothing_about_it(books: AnyJournal, database: Database) -> None:
    audit, number, found = Audit(database, slice_rows=2), 100, None
    while found is None:
        found = audit.step()
        # Behind where the pass is, and before it.
        for name in (f"0-{number}", f"z-{number}"):
            tried = msgspec.structs.replace(attempt(number, 5), attempt_id=name)
            made = msgspec.structs.replace(exchange(number, 5, (A,), (tried,)), exchange_id=name)
            books.post("1.intents", number, [made])
        number += 1
    assert (found.wrong, found.lines, found.cost_nusd) == (0, 10, 39)
    again = audit.run()
    assert (again.wrong, again.whole) == (0, False)
    assert again.cost_nusd == 39 + 2 * (number - 100) * 5


def test_later_passes_read_what_came_later(books: AnyJournal, database: Database) -> None:
    audit = Audit(database, slice_rows=3)
    read: list[int] = []
    audit.run(read.append)
    assert max(read) > 10  # lines and attempts
    books.post("1.intents", 11, [exchange(20, 5, (B,))])
    read.clear()
    found = audit.run(read.append)
    assert (found.whole, found.lines, found.cost_nusd, found.wrong) == (False, 11, 44, 0)
    assert max(read) <= 1
    # Who changes an account without a line is found then, too, and told for as long as it is so.
    change(database, f"UPDATE accounts SET posted_nusd = posted_nusd + 1 WHERE account_id = '{B}'")
    for _ in range(2):
        assert audit.run().differences == (Difference("posted", B, 22, 21),)
    change(database, f"UPDATE accounts SET posted_nusd = posted_nusd - 1 WHERE account_id = '{B}'")
    assert audit.run().wrong == 0
    assert not audit.run().whole


def test_a_new_attempt_without_a_line_is_found_at_once(books: AnyJournal, database: Database) -> None:
    audit = Audit(database)
    audit.run()
    books.post("1.intents", 11, [exchange(20, 0, ())])
    change(database, "DELETE FROM lines WHERE attempt_id = 'att-20'")
    assert audit.run().differences == (Difference("no_line", "att-20"),)


def test_what_the_retention_deleted_is_not_missed(books: AnyJournal, database: Database) -> None:
    now = (10 * DAY_US) / 1e6
    late = msgspec.structs.replace(exchange(30, 5, (A,)), started_us=9 * DAY_US)
    books.post("1.intents", 11, [late])
    assert delete_expired(database, now, 5, slice_rows=4) == 4
    assert audited(database).wrong == 0
    while delete_expired(database, now, 5, slice_rows=4):
        pass
    assert audited(database).wrong == 0
    change(database, "DELETE FROM exchanges")
    assert audited(database).wrong == 0


def test_a_database_that_was_away_is_read_on_where_it_was(
    books: AnyJournal, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit, read = Audit(database, slice_rows=3), database.read
    calls = iter(range(1000))

    def flaky() -> object:
        if next(calls) % 2:
            raise StoreUnavailable("away")
        return read()

    monkeypatch.setattr(database, "read", flaky)
    found, failed = None, 0
    while found is None:
        try:
            found = audit.step()
        except StoreUnavailable:
            failed += 1
    assert failed > 5
    assert (found.lines, found.cost_nusd, found.wrong) == (10, 39, 0)


def test_only_so_many_are_named(journal: AnyJournal, database: Database) -> None:
    number_of: Callable[[int], str] = "key:k{}:total".format
    for number in range(150):
        journal.post("1.intents", number + 1, [exchange(number, 1, (number_of(number),))])
    change(database, "UPDATE accounts SET posted_nusd = 2")
    found = audited(database)
    assert (found.wrong, len(found.differences), found.wrong_accounts) == (150, 100, 100)


FREE = "free_requests:organization/org_a:day:2026-09-21"


def test_an_account_of_requests_has_one_for_each_exchange(books: AnyJournal, database: Database) -> None:
    tries = (attempt(20, 0, "voided"), attempt(21, 3), attempt(22, 4))
    books.post("1.intents", 11, [exchange(20, 7, (FREE, A), tries), exchange(23, 5, (FREE,))])
    assert books.posted([FREE]) == {FREE: 2 * EXCHANGE}
    voided = (attempt(30, 0, "voided"),)
    books.post("1.intents", 12, [exchange(30, 0, (FREE,), voided)])
    assert books.posted([FREE]) == {FREE: 2 * EXCHANGE}
    assert books.repost([exchange(40, 9, (FREE,), (attempt(40, 4), attempt(41, 5)))]) == 2
    assert books.posted([FREE]) == {FREE: 3 * EXCHANGE}
    assert books.drift() == {}
    assert audited(database).differences == ()
    assert CreditRows(database).used_free("free_requests", "org_a", "day:2026-09-21") == {
        "organization/org_a": 3 * EXCHANGE
    }
    change(database, f"UPDATE accounts SET posted_nusd = 1 WHERE account_id = '{FREE}'")
    assert audited(database).differences == (Difference("posted", FREE, 1, 3 * EXCHANGE),)
    assert books.drift() == {FREE: 1 - 3 * EXCHANGE}
