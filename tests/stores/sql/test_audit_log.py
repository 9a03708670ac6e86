from __future__ import annotations

import pytest

from waypost.core.deed import Deed, Done, Wanted
from waypost.stores.sql.audit_log import AuditRows
from waypost.stores.sql.chain import Head, verify
from waypost.stores.sql.engine import Database

DAY_US = 86_400 * 1_000_000


@pytest.fixture
def rows(database: Database) -> AuditRows:
    """Rows 1 … 12, one a day from the first day on, of two organizations and three people."""
    now = [0.0]
    database.wall = lambda: now[0]
    made = AuditRows(database)
    for number in range(12):
        now[0] = number * 86_400.0
        deed = Deed(f"user:{number % 3}", action=f"do_{number % 2}", organization_id=f"org_{number % 2}")
        made.by(deed).add(
            Done("team", f"id_{number}", f"name {number}", outcome="refused" if number == 7 else "done")
        )
    return made


def seqs(rows: AuditRows, **wanted: object) -> list[int]:
    return [kept.entry.seq for kept in rows.oldest_first(Wanted(**wanted))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, list(range(1, 13))),
        ({"organization_id": "org_1"}, [2, 4, 6, 8, 10, 12]),
        ({"since_us": 10 * DAY_US}, [11, 12]),
        ({"until_us": 2 * DAY_US}, [1, 2]),
        ({"actor": "user:0", "action": "do_0"}, [1, 7]),
        ({"of": "id_3"}, [4]),
        ({"of": "name 3"}, [4]),
        ({"outcome": "refused"}, [8]),
        ({"of": "nothing"}, []),
    ],
)
def test_what_is_asked_for(rows: AuditRows, wanted: dict[str, object], found: list[int]) -> None:
    assert seqs(rows, **wanted) == found
    page = rows.page(Wanted(**wanted), None, 100)  # type: ignore[arg-type]
    assert [kept.entry.seq for kept in page] == found[::-1]


def test_pages_newest_first(rows: AuditRows) -> None:
    seen: list[int] = []
    before = None
    while page := rows.page(Wanted(), before, 5):
        seen += [kept.entry.seq for kept in page]
        before = seen[-1]
    assert seen == list(range(12, 0, -1))


def test_rows_are_dropped_and_the_rest_is_still_a_chain(rows: AuditRows, database: Database) -> None:
    head = rows.page(Wanted(of="id_2"), None, 1)[0]
    assert rows.oldest_us() == 0
    assert rows.drop(5 * DAY_US) == 5
    assert rows.drop(5 * DAY_US) == 0
    assert seqs(rows) == list(range(6, 14))
    told = rows.page(Wanted(), None, 1)[0].entry
    assert (told.actor, told.action, told.kind, told.object_id) == ("gateway", "drop_audit", "audit", "5")
    found = verify(database, Head(rows.page(Wanted(), None, 1)[0].hash))
    assert (found.rows, found.first, found.last, found.anchor, found.wrong) == (8, 6, 13, 5, 0)
    (fault,) = verify(database, Head(head.hash, head.entry.seq)).faults
    assert (fault.kind, fault.seq) == ("dropped_head", 3)
    assert rows.drop(99 * DAY_US) == 8
    assert seqs(rows) == [14], "the row that tells of it is left"
    assert not verify(database).wrong


def test_rows_are_dropped_in_slices(rows: AuditRows, database: Database) -> None:
    assert [rows.drop(10 * DAY_US, slice_rows=4) for _ in range(4)] == [4, 4, 2, 0]
    assert not verify(database).wrong


def test_an_empty_log(database: Database) -> None:
    rows = AuditRows(database)
    assert (rows.oldest_us(), rows.drop(DAY_US), seqs(rows)) == (None, 0, [])
