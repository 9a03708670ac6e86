from __future__ import annotations

import msgspec

from contract.stores.test_replays_contract import ONE, ROOM
from waypost.stores.sql.engine import Database
from waypost.stores.sql.replays import ReplayRows


def test_what_has_expired_goes_in_slices(database: Database) -> None:
    rows = ReplayRows(database)
    for number in range(5):
        row = msgspec.structs.replace(ONE, digest=bytes([number]) * 32, expires_at=100.0 + number)
        rows.put(row, ROOM)

    assert [rows.delete_expired(103.0, slice_rows=3) for _ in range(3)] == [3, 1, 0]
    assert rows.get("k1", b"\x04" * 32, 103.0) is not None


def test_the_total_is_measured_anew_after_a_start(database: Database) -> None:
    for number in range(4):
        row = msgspec.structs.replace(
            ONE, digest=bytes([number]) * 32, body=b"x" * 100, expires_at=300.0 + number
        )
        ReplayRows(database).put(row, 250)

    left = [ReplayRows(database).get("k1", bytes([number]) * 32, 0.0) is not None for number in range(4)]
    assert left == [False, False, True, True]
