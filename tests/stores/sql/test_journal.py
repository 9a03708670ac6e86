"""What only the SQL journal has; the rest is in tests/contract/stores."""

from ledger.books import exchange
from waypost.stores.sql.journal import SqlJournal

A = "key:k1:day:2026-09-21"


def test_an_account_row_says_whose_it_is_and_which_window(database):
    SqlJournal(database).post("s1", 1, [exchange(1, 3, (A,))])

    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM accounts").all()
    assert rows == [(A, "key", "k1", "day:2026-09-21", 3, 1)]


def test_drift_finds_an_account_that_is_not_the_sum_of_its_lines(database):
    journal = SqlJournal(database)
    journal.post("s1", 1, [exchange(1, 3, (A, "key:k2:total")), exchange(2, None, (A,))])
    assert journal.drift() == {}

    with database.write() as connection:
        connection.exec_driver_sql("UPDATE accounts SET posted_nusd = posted_nusd + 1 WHERE scope_id = 'k2'")
    assert journal.drift() == {"key:k2:total": 1}


def test_lines_are_unique_by_attempt_even_without_the_request_log(database):
    journal = SqlJournal(database)
    journal.post("s1", 1, [exchange(1, 3, (A,))])
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM attempts")
        connection.exec_driver_sql("DELETE FROM exchanges")

    assert journal.repost([exchange(1, 3, (A,))]) == 0
    assert journal.posted([A]) == {A: 3}
