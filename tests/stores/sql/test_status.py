from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from ledger.books import AT, exchange
from postgres_server import PostgresServer
from waypost.core.deed import Wanted
from waypost.core.lease import Move, Want
from waypost.errors import ConfigError
from waypost.stores.sql.audit import Audit
from waypost.stores.sql.audit_log import AuditRows
from waypost.stores.sql.engine import Database, open_sqlite
from waypost.stores.sql.journals import AnyJournal, open_journal
from waypost.stores.sql.leases import LeaseRows
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.schema import HEAD
from waypost.stores.sql.status import NodeState, forget_node, status_of
from waypost.stores.sql.tables import METADATA

A = "key:k1:total"


def test_of_a_database_of_either_kind(database: Database, journal: AnyJournal) -> None:
    journal.post("1.intents", 2, [exchange(number, 5, (A,)) for number in (1, 2)])
    found = status_of(database)
    assert found.kind == database.engine.dialect.name
    assert found.revision == found.newest == HEAD
    assert found.size > 50_000
    assert found.rows.keys() == METADATA.tables.keys()
    assert (found.rows["lines"], found.rows["accounts"], found.rows["keys"]) == (2, 1, 0)
    assert found.nodes == ()


def test_of_one_without_tables(tmp_path: Path) -> None:
    with closing(open_sqlite(tmp_path)) as database:
        found = status_of(database)
    assert (found.revision, found.rows, found.nodes) == (None, {}, ())


@pytest.mark.process
def test_a_node_that_is_gone_is_forgotten_with_what_it_had_leased(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    where = postgres.new_database(prepared=True)
    database = open_database(tmp_path, where)
    assert database is not None
    mine, gone = database.node, "aaaaaaaaaaaa"
    with closing(database), closing(open_journal(tmp_path, where)) as journal:
        journal.post("1.intents", 1, [exchange(1, 5, (A,))])
        with database.write() as connection:
            connection.exec_driver_sql(f"INSERT INTO intents_applied VALUES ('{gone}/7.intents', 3)")
        for node, name in ((mine, "here"), (gone, "there")):
            LeaseRows(database, node).grant([Want(A, 1000, 100)], 2, Move(1, {}))
            LeaseRows(database, node).seen(name, "1.0", AT)
        assert status_of(database).nodes[0].leased_nusd == 100
        with pytest.raises(ConfigError, match="was alive 5 seconds ago"):
            forget_node(database, gone, AT + 5)
        with pytest.raises(ConfigError, match="There is no node 'b'"):
            forget_node(database, "b", AT + 500)
        assert forget_node(database, gone, AT + 500) == {A: 100}
        assert status_of(database).nodes == (NodeState(mine, "here", "1.0", AT, AT, 100),)
        assert journal.applied() == {"1.intents": 1}
        (kept,) = AuditRows(database).page(Wanted(), None, 9)
        assert (kept.entry.kind, kept.entry.object_id) == ("node", gone)
        assert kept.entry.changes == '{"leased_nusd":[100,0]}'
        assert Audit(database).run().wrong == 0
        with pytest.raises(ConfigError, match="There is no node"):
            forget_node(database, gone, AT + 500)
