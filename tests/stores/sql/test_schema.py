import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from ledger.books import attempt, exchange
from waypost.core.usage import Units, Usage
from waypost.errors import ConfigError
from waypost.stores.sql import migrations
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.keys import KeyRows
from waypost.stores.sql.requests import RequestLog
from waypost.stores.sql.rollup import COLUMNS as USAGE_COLUMNS
from waypost.stores.sql.rollup import UNITS
from waypost.stores.sql.schema import HEAD, prepare
from waypost.stores.sql.tables import METADATA


def _migrate_to(connection: Connection, revision: str) -> None:
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    with EnvironmentContext(
        Config(), script, fn=lambda found, _context: script._upgrade_revs(revision, found)
    ) as environment:
        environment.configure(connection=connection, transactional_ddl=False)
        environment.run_migrations()


def test_a_new_database_is_migrated_once(tmp_path):
    database = open_sqlite(tmp_path)

    assert prepare(database) is True
    assert prepare(database) is False
    database.close()


def test_the_migrations_make_the_tables(tmp_path):
    database = open_sqlite(tmp_path)
    prepare(database)

    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    database.close()


def test_rows_of_an_older_version_are_read_as_they_were_meant(tmp_path):
    database = open_sqlite(tmp_path)
    with database.write() as connection:
        _migrate_to(connection, "0002")
        connection.exec_driver_sql(
            "INSERT INTO keys VALUES ('k1', 'app', 1.0, NULL, NULL, '[]', NULL, NULL, 'total', NULL, 1)"
        )
        connection.exec_driver_sql("INSERT INTO key_secrets VALUES (x'00', 'k1', 'hint', 1.0, NULL)")
        connection.exec_driver_sql(
            "INSERT INTO exchanges VALUES (1, 'x', 1, 'k1', 'chat', 'm', 'm', 0, 200, 'ok', NULL, NULL, 9, 1, 5, 1, "
            "'[]', 'stop')"
        )
        connection.exec_driver_sql(
            "INSERT INTO attempts VALUES ('x', 'x.1', 0, 'lab', 'm', 1, 'settled', 200, NULL, NULL, 9)"
        )
    assert prepare(database) is True

    (key,) = KeyRows(database).list()
    assert (key.route, key.priority, key.operator) == (None, "normal", False)
    exchange = RequestLog(database).get("x")
    assert (exchange.decision, exchange.drill) == (None, None)
    assert (exchange.attempts[0].key_name, exchange.attempts[0].role) == ("", "first")
    database.close()


def test_the_head_is_the_newest_revision():
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head() == HEAD


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    database = open_sqlite(tmp_path)
    prepare(database)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(ConfigError, match=r"revision 9999.*newer"):
        prepare(database)
    database.close()


def test_an_up_to_date_database_needs_no_alembic(tmp_path):
    """Start-up time: the import alone costs more than everything else here."""
    database = open_sqlite(tmp_path)
    prepare(database)
    database.close()
    code = (
        "import sys, pathlib\nfrom waypost.stores.sql.engine import open_sqlite\n"
        "from waypost.stores.sql.schema import prepare\n"
        "print(prepare(open_sqlite(pathlib.Path(sys.argv[1]))), 'alembic' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=True)

    assert ran.stdout.split() == [b"False", b"False"]


def test_what_was_posted_before_there_were_sums_of_usage_is_added_up(tmp_path):
    database = open_sqlite(tmp_path)
    prepare(database)
    with closing(SqliteJournal(tmp_path)) as journal:
        failed = msgspec.structs.replace(exchange(2, None, (), ()), outcome="failed", key_id=None)
        voided = exchange(3, 0, (), (attempt(8, 5), attempt(9, 0, "voided")))
        journal.post("s1", 1, [exchange(1, 7), failed, voided])
        with database.write() as connection:
            asked = "SELECT * FROM usage ORDER BY hour, key_id, provider"
            before = connection.exec_driver_sql(asked).all()
            connection.exec_driver_sql("DROP TABLE claims")
            connection.exec_driver_sql("DROP TABLE usage")
            connection.exec_driver_sql("ALTER TABLE lines DROP COLUMN markup_nusd")
            connection.exec_driver_sql("ALTER TABLE lines DROP COLUMN units")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0009'")
        assert prepare(database) is True
        with database.read() as connection:
            assert connection.exec_driver_sql(asked).all() == before
        assert [row[6:11] for row in before] == [(1, 1, 0, 0, 0), (2, 0, 2, 0, 12)]
    database.close()


def test_lines_from_before_there_were_units_are_read_and_an_older_node_goes_on_writing(tmp_path):
    database = open_sqlite(tmp_path)
    with database.write() as connection:
        _migrate_to(connection, "0011")
    assert prepare(database) is True
    heard = Usage(4, units=Units(audio_ms=1500))
    with closing(SqliteJournal(tmp_path)) as journal:
        journal.post("s1", 1, [exchange(1, 7), exchange(2, 9, (), (attempt(2, 9, usage=heard),))])
    with database.write() as connection:
        columns = "attempt_id, exchange_id, at_us, provider, model, state, accounts, markup_nusd"
        values = "'att-3', 'exc-3', 1, 'p', 'm', 'settled', '[]', 0"
        connection.exec_driver_sql(f"INSERT INTO lines ({columns}) VALUES ({values})")
        sums = ", ".join(name for name in USAGE_COLUMNS if name not in UNITS)
        connection.exec_driver_sql(
            f"INSERT INTO usage ({sums}) VALUES (9, '', '', '', 'p', 'm', {', '.join('0' * 10)})"
        )
    log = RequestLog(database)
    found = [log.get(name).attempts[0].usage for name in ("exc-1", "exc-2")]
    assert found == [attempt(1, 7).usage, heard]
    database.close()
