from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Float, Integer, LargeBinary, String, Table, insert, select

from ledger.books import exchange
from postgres_server import PostgresServer
from waypost.errors import Bug, ConfigError, GatewayError, StoreUnavailable
from waypost.stores.sql import moving
from waypost.stores.sql.address import parse_address, secret_from
from waypost.stores.sql.engine import Database, open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.moving import copy_rows
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.postgres_link import Connector
from waypost.stores.sql.requests import RequestLog
from waypost.stores.sql.schema import prepare
from waypost.stores.sql.tables import INTENTS_APPLIED, METADATA, VERSIONS
from waypost.stores.sql.variables import URL

pytestmark = pytest.mark.process
NODE = "3f2a9c1b7d04"


def value(column: Column[Any], number: int) -> object:
    """One of the column's type, with all that its text form has to escape."""
    if column.name == "node" and not column.primary_key:
        return ""
    kind = column.type
    if isinstance(kind, Boolean):
        return bool(number % 2)
    if isinstance(kind, Integer):
        return 9_007_199_254_740_993 * number if column.name.endswith("_nusd") else number
    if isinstance(kind, Float):
        return 1_790_000_000.123456 + number
    if isinstance(kind, LargeBinary):
        return bytes([number, 0, 9, 10, 92, 255])
    if column.nullable and number == 2:
        return None
    assert isinstance(kind, String)
    return f"{number}\t\\N\n{'é🦊'}{column.name}"[: min(kind.length or 99, 16)]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Database]:
    """Three rows in each table."""
    database = open_sqlite(tmp_path / "data")
    prepare(database)
    with database.write() as connection:
        connection.execute(VERSIONS.delete())
        for table in METADATA.sorted_tables:
            rows = [{each.name: value(each, number) for each in table.columns} for number in (1, 2, 3)]
            connection.execute(insert(table), rows)
        connection.exec_driver_sql("UPDATE sqlite_sequence SET seq = 40 WHERE name = 'exchanges'")
    yield database
    database.close()


@pytest.fixture
def where(postgres: PostgresServer) -> dict[str, str]:
    return postgres.new_database(prepared=True)


@pytest.fixture
def target(where: dict[str, str], tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "node", where)
    assert opened is not None
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()


def connector(where: dict[str, str]) -> Connector:
    return Connector(parse_address(where[URL]), secret_from(where), statement_s=60)


def rows(database: Database, table: Table) -> list[tuple[object, ...]]:
    with database.read() as connection:
        found = connection.execute(select(table).order_by(*table.primary_key)).all()
    return sorted((tuple(row) for row in found), key=repr)


def test_every_row_of_every_table(
    source: Database, target: Database, where: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "_ROWS", 2)
    told: list[tuple[str, int, int]] = []
    moved = copy_rows(source, connector(where), NODE, lambda *of: told.append(of))
    assert {each.table: each.rows for each in moved} == dict.fromkeys(METADATA.tables, 3)
    assert [each for each in told if each[0] == "keys"] == [("keys", 0, 3), ("keys", 2, 3), ("keys", 3, 3)]
    for table in METADATA.sorted_tables:
        kept, copied = rows(source, table), rows(target, table)
        names = [column.name for column in table.columns]
        if table is INTENTS_APPLIED:
            kept = sorted([(f"{NODE}/{segment}", upto) for segment, upto in kept], key=repr)
        elif "node" in names:
            place = names.index("node")
            kept = sorted([(*row[:place], row[place] or NODE, *row[place + 1 :]) for row in kept], key=repr)
        assert copied == kept, table.name


def test_numbers_go_on_where_they_were(source: Database, target: Database, where: dict[str, str]) -> None:
    copy_rows(source, connector(where), NODE)
    with target.write() as connection:
        for table, expected in (("exchanges", 41), ("replays", 4), ("files", 4), ("batches", 4)):
            column = METADATA.tables[table].autoincrement_column
            assert column is not None
            asked = f"SELECT nextval(pg_get_serial_sequence('{table}', '{column.name}'))"
            assert connection.exec_driver_sql(asked).scalar() == expected


def test_the_log_and_the_books_are_the_same(tmp_path: Path, target: Database, where: dict[str, str]) -> None:
    database = open_sqlite(tmp_path / "data")
    prepare(database)
    with closing(SqliteJournal(tmp_path / "data")) as journal:
        journal.post("1.intents", 9, [exchange(number, number, ("key:k1:total",)) for number in range(9)])
    copy_rows(database, connector(where), NODE)
    assert RequestLog(target).recent(20) == RequestLog(database).recent(20)
    assert len(RequestLog(target).recent(20)) == 9
    database.close()


def test_a_target_with_rows_is_left_alone(source: Database, target: Database, where: dict[str, str]) -> None:
    copy_rows(source, connector(where), NODE)
    with pytest.raises(ConfigError, match="has rows already"):
        copy_rows(source, connector(where), NODE)


def test_a_copy_that_differs_is_undone(
    source: Database, target: Database, where: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    slices = moving._slices

    def losing(reading: Any, table: Table, node: str) -> Iterator[list[tuple[object, ...]]]:
        for part in slices(reading, table, node):
            # A count would not tell: the last row comes with another cost.
            yield [*part[:-1], tuple(each + 1 if each == 3 else each for each in part[-1])]

    monkeypatch.setattr(moving, "_slices", losing)
    with pytest.raises(Bug, match="is not the same"):
        copy_rows(source, connector(where), NODE)
    monkeypatch.undo()
    for table in METADATA.sorted_tables:
        if table is not VERSIONS:
            assert rows(target, table) == []
    copy_rows(source, connector(where), NODE)


@pytest.mark.parametrize("change", [{"password": "other"}, {"port": 1}])
def test_a_server_that_does_not_answer(
    source: Database, where: dict[str, str], change: dict[str, Any]
) -> None:
    import msgspec

    address = msgspec.structs.replace(parse_address(where[URL]), **change)
    with pytest.raises(StoreUnavailable):
        copy_rows(source, Connector(address), NODE)


def test_a_value_that_no_column_takes(source: Database, target: Database, where: dict[str, str]) -> None:
    with source.write() as connection:
        connection.exec_driver_sql("UPDATE keys SET key_id = 'k' || hex(zeroblob(50)) WHERE key_id LIKE '1%'")
    with pytest.raises(GatewayError, match="22001"):
        copy_rows(source, connector(where), NODE)
    assert rows(target, METADATA.tables["keys"]) == []
