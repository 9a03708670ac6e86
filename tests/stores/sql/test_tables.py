"""Rules that every table keeps."""

from __future__ import annotations

import pytest
from sqlalchemy import BigInteger, Table

from waypost.stores.sql.tables import METADATA

TABLES = list(METADATA.tables.values())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_money_and_times_are_64_bit_integers(table: Table) -> None:
    for column in table.columns:
        if column.name.endswith(("_nusd", "_us")) and column.name not in (
            "first_token_us",
            "total_us",
            "overhead_us",
        ):
            assert isinstance(column.type, BigInteger), column


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_has_a_key(table: Table) -> None:
    assert list(table.primary_key.columns)


def test_a_ledger_line_exists_once_per_attempt() -> None:
    assert [column.name for column in METADATA.tables["lines"].primary_key.columns] == ["attempt_id"]


def test_no_table_can_hold_a_secret() -> None:
    names = {column.name for table in TABLES for column in table.columns}
    assert not names & {"secret", "key", "token", "password", "api_key", "text"}
