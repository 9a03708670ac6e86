import pytest

from ledger.books import attempt, exchange
from waypost.core.usage import Usage
from waypost.errors import Bug
from waypost.stores.sql.rows import Batch, Insert
from waypost.stores.sql.tables import META


def test_a_batch_has_one_line_per_attempt_that_may_have_billed():
    batch = Batch()
    tries = (attempt(1, 5, "unknown"), attempt(2, 0, "voided"), attempt(3, None), attempt(4, 7))
    batch.add(exchange(1, 12, ("a", "b"), tries))
    batch.add(exchange(2, 3, ("a",), (attempt(5, 3),)), having={"att-5"})

    assert [row[0] for row in batch.exchanges] == ["exc-1", "exc-2"]
    assert [row[1:3] for row in batch.attempts] == [("att-1", 0), ("att-2", 1), ("att-3", 2), ("att-4", 3)]
    assert [(row[0], row[7]) for row in batch.lines] == [("att-1", 5), ("att-3", None), ("att-4", 7)]
    assert batch.posted == {"a": [12, 3], "b": [12, 3]}
    assert batch.contents == []


def test_usage_is_on_the_line():
    batch = Batch()
    usage = Usage(1, 2, 3, 4, 5, 6, 7, 8, "partial", 9)
    batch.add(exchange(1, 5, (), (attempt(1, 5, usage=usage),)))

    assert batch.lines[0][-10:] == (1, 2, 3, 4, 5, 6, 7, 8, "partial", 9)


def test_a_column_that_does_not_exist_is_noticed_at_start():
    with pytest.raises(KeyError):
        Insert(META, ["name", "worth"])


@pytest.mark.parametrize("count", [0, 1, 17, 200])
def test_all_rows_arrive(database, count):
    insert = Insert(META, ["name", "value"])
    with database.write() as connection:
        insert.run(connection, [(f"n{number}", "v") for number in range(count)])
        assert connection.exec_driver_sql("SELECT count(*) FROM meta").scalar() == count


def test_rows_that_are_there_are_refused_or_ignored(database):
    with database.write() as connection:
        Insert(META, ["name", "value"]).run(connection, [("a", "1")])
        Insert(META, ["name", "value"], ignore=True).run(connection, [("a", "2"), ("b", "2")])
        assert connection.exec_driver_sql("SELECT * FROM meta ORDER BY name").all() == [
            ("a", "1"),
            ("b", "2"),
        ]
    with pytest.raises(Bug), database.write() as connection:
        Insert(META, ["name", "value"]).run(connection, [("a", "3")])
