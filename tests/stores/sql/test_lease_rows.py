"""The statements themselves are tested with the leases, in test_leases.py, on both databases."""

from __future__ import annotations

from waypost.stores.sql.lease_rows import LOCK, PostgresStatements, SqliteStatements, statements_of


def test_each_database_has_its_own() -> None:
    assert isinstance(statements_of("sqlite"), SqliteStatements)
    assert isinstance(statements_of("postgresql"), PostgresStatements)


def test_accounts_are_locked_in_the_journals_order_whatever_the_collation() -> None:
    assert 'ORDER BY id COLLATE "C"' in str(LOCK)
