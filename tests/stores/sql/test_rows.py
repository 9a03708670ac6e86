import msgspec
import pytest

from ledger.books import attempt, exchange
from waypost.core.usage import Units, Usage
from waypost.stores.sql.rows import COLUMNS, Batch
from waypost.stores.sql.tables import METADATA


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
    usage = Usage(1, 2, 3, 4, 5, 6, 7, 8, "partial", 9, Units(searches=2))
    batch.add(exchange(1, 5, (), (attempt(1, 5, usage=usage),)))

    assert batch.lines[0][-12:] == (1, 2, 3, 4, 5, 6, 7, 8, "partial", 9, '{"searches":2}', 0)


@pytest.mark.parametrize("table", COLUMNS)
def test_the_columns_are_those_of_the_table(table):
    columns = [column.name for column in METADATA.tables[table].columns if column.name != "seq"]
    assert set(COLUMNS[table]) == set(columns)
    assert len(COLUMNS[table]) == len(columns)


def test_a_row_has_a_value_for_each_column():
    batch = Batch()
    usage = Usage(1, 2, 3, 4, 5, 6, 7, 8, "partial", 9)
    batch.add(msgspec.structs.replace(exchange(1, 5, (), (attempt(1, 5, usage=usage),)), request_body=b"{}"))

    for table, columns in COLUMNS.items():
        (row,) = getattr(batch, table)
        assert len(row) == len(columns), table
