from __future__ import annotations

from sqlalchemy import insert

from contract.stores.test_batches_contract import another as batch
from contract.stores.test_files_contract import another
from waypost.core.file import Page
from waypost.stores.sql.batches import BatchRows
from waypost.stores.sql.engine import Database
from waypost.stores.sql.files import FileRows
from waypost.stores.sql.kept_tables import BATCHES


def test_what_has_expired_goes_in_slices_and_is_named(database: Database) -> None:
    rows = FileRows(database)
    for number in range(5):
        rows.put(another(number, expires_at=100.0 + number))
    rows.put(another(9, expires_at=None))

    BatchRows(database).put(batch(1))
    BatchRows(database).put(batch(2, input_file_id="file-2", status="failed"))
    assert list(rows.delete_expired(103.0, slice_rows=2)) == ["file-0", "file-2"]
    assert list(rows.delete_expired(103.0, slice_rows=2)) == ["file-3"]
    assert list(rows.delete_expired(103.0)) == []
    assert rows.known(["file-1", "file-2", "file-4", "file-9", "file-x"]) == {"file-1", "file-4", "file-9"}


def test_more_batches_than_a_statement_takes_values_may_read_files(database: Database) -> None:
    rows = FileRows(database)
    for number in range(2):
        rows.put(another(number, expires_at=1.0))
    fixed = {"key_id": "k", "status": "in_progress", "record": b""}
    with database.write() as connection:
        several = [fixed | {"batch_id": f"b{n}", "input_file_id": f"file-{n}"} for n in range(1, 40_000)]
        connection.execute(insert(BATCHES), several)
    assert list(rows.delete_expired(2.0)) == ["file-0"]


def test_a_nodes_files_are_its_own(database: Database) -> None:
    here = FileRows(database)
    there = Database(database.engine)
    there.home = "other"
    file = another(1, expires_at=100.0)
    assert here.put(file)
    assert FileRows(there).get(file.file_id, None, 0.0) is None
    assert FileRows(there).page(Page(10), 0.0) == []
    assert FileRows(there).used(file.key_id) == (0, 0)
    assert FileRows(there).delete_expired(1e12) == []
    assert here.get(file.file_id, None, 0.0) == file
