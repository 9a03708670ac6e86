import msgspec

from ledger.books import AT, attempt, exchange
from waypost.core.deed import Done, Wanted
from waypost.stores.sql.audit_log import AuditRows
from waypost.stores.sql.chain import verify
from waypost.stores.sql.requests import RequestLog
from waypost.stores.sql.retention import delete_expired, drop_audit


def at(number: int, days_ago: float):
    started = int((AT - days_ago * 86_400) * 1_000_000)
    return msgspec.structs.replace(exchange(number, 1, (), (attempt(number, 1),)), started_us=started)


def test_old_requests_go_in_slices_and_lines_stay(database, journal):
    log = RequestLog(database)
    old = [msgspec.structs.replace(at(number, 91), request_body=b"{}") for number in range(7)]
    journal.post("s1", 1, [*old, at(8, 89), at(9, 0)])

    assert [delete_expired(database, AT, 90, slice_rows=5) for _ in range(3)] == [5, 2, 0]
    assert [entry.exchange.exchange_id for entry in log.recent()] == ["exc-9", "exc-8"]
    with database.read() as connection:
        counts = [
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            for table in ("lines", "attempts", "contents")
        ]
    assert counts == [9, 2, 0]


def test_old_rows_of_the_audit_log_go_once_a_day(database):
    day, rows = 86_400.0, AuditRows(database)
    for number in range(6):
        database.wall = lambda now=number * day: now
        rows.add(Done("path", str(number)))

    assert drop_audit(database, 12 * day, 12) == 0, "nothing is older"
    assert drop_audit(database, 13 * day, 12) == 0, "not by a day"
    assert drop_audit(database, 15 * day, 12) == 3
    assert drop_audit(database, 15 * day, 12) == 0
    assert drop_audit(database, 16 * day, 12) == 0, "not a day after"
    assert [kept.entry.object_id for kept in rows.oldest_first(Wanted())] == ["3", "4", "5", "3"]
    assert not verify(database).wrong
