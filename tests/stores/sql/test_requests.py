import msgspec
import pytest

from ledger.books import attempt, exchange
from waypost.core.decision import Considered, Decision, Excluded
from waypost.core.usage import Units, Usage
from waypost.stores.sql.requests import RequestLog


@pytest.fixture
def log(database):
    return RequestLog(database)


def test_what_was_posted_is_read_back_whole(log, journal):
    usage = Usage(1, 2, 3, 4, 5, 6, 7, 8, "partial", 9, Units(audio_ms=2500, images=1, image="hd/1024x1024"))
    void = msgspec.structs.replace(
        attempt(2, 0, "voided"),
        price_version=None,
        status=None,
        error="upstream_timeout",
        key_name="second",
        role="failover",
    )
    full = msgspec.structs.replace(
        exchange(1, 12, ("key:k1:total",), (attempt(1, 12, "unknown", usage), void, attempt(3, None))),
        request_body=b"\x00{}",
        response_body=None,
        decision=Decision((Considered("a/m", "price", 0.5),), (Excluded("b/m", "parked", "why"),), ("n",)),
        drill="d-1",
    )
    journal.post("s1", 1, [full, exchange(2, None, attempts=())])

    assert log.get("exc-1") == full
    assert log.get("exc-2") == exchange(2, None, attempts=())
    assert log.get("none") is None


def test_recent_is_newest_first_and_without_bodies(log, journal):
    other = msgspec.structs.replace(exchange(3), key_id="k2", request_body=b"{}")
    journal.post("s1", 1, [exchange(1), exchange(2), other])

    assert [entry.exchange.exchange_id for entry in log.recent(2)] == ["exc-3", "exc-2"]
    assert log.recent()[0].exchange.request_body is None
    assert [entry.exchange for entry in log.recent(key_id="k2")] == [
        msgspec.structs.replace(other, request_body=None)
    ]


def test_following_the_log_misses_nothing_that_settles_late(log, journal):
    assert log.last() == 0
    journal.post("s1", 1, [exchange(5)])
    seen = log.last()
    journal.post("s1", 2, [exchange(1), exchange(9)])  # exc-1 began first and ended last

    after = log.since(seen)
    assert [entry.exchange.exchange_id for entry in after] == ["exc-1", "exc-9"]
    assert log.since(after[-1].seq) == []
