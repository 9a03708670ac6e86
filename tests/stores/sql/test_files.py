from __future__ import annotations

from contract.stores.test_files_contract import another
from waypost.stores.sql.engine import Database
from waypost.stores.sql.files import FileRows


def test_what_has_expired_goes_in_slices_and_is_named(database: Database) -> None:
    rows = FileRows(database)
    for number in range(5):
        rows.put(another(number, expires_at=100.0 + number))
    rows.put(another(9, expires_at=None))

    spared = ["file-1"]
    assert list(rows.delete_expired(103.0, spared=spared, slice_rows=2)) == ["file-0", "file-2"]
    assert list(rows.delete_expired(103.0, spared=spared, slice_rows=2)) == ["file-3"]
    assert list(rows.delete_expired(103.0, spared=spared)) == []
    assert rows.known(["file-1", "file-2", "file-4", "file-9", "file-x"]) == {"file-1", "file-4", "file-9"}
