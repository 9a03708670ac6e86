from __future__ import annotations

import msgspec

from waypost.core.stored import StoredResponse
from waypost.stores.sql.engine import Database
from waypost.stores.sql.responses import ResponseRows, SqlResponses

ONE = StoredResponse("resp_1", "k1", 100.0, 200.0, "completed", None, b'{"id":"resp_1"}')


def test_an_answer_is_its_keys_alone_until_it_expires(database: Database) -> None:
    rows = ResponseRows(database)
    rows.put(ONE)
    assert rows.get("resp_1", "k1", 150.0) == ONE
    assert rows.get("resp_1", "k2", 150.0) is None
    assert rows.get("resp_1", "k1", 200.0) is None
    assert not rows.delete("resp_1", "k2")
    assert rows.delete("resp_1", "k1")
    assert not rows.delete("resp_1", "k1")


def test_a_later_state_takes_the_place_of_an_earlier_one(database: Database) -> None:
    rows = ResponseRows(database)
    rows.put(msgspec.structs.replace(ONE, status="queued"))
    assert [stored.response_id for stored in rows.unfinished()] == ["resp_1"]
    rows.put(ONE)
    assert rows.unfinished() == []
    assert rows.get("resp_1", "k1", 150.0) == ONE


def test_what_has_expired_goes_in_slices(database: Database) -> None:
    rows = ResponseRows(database)
    for number in range(5):
        rows.put(msgspec.structs.replace(ONE, response_id=f"resp_{number}", expires_at=100.0 + number))
    assert [rows.delete_expired(103.0, slice_rows=3) for _ in range(3)] == [3, 1, 0]
    assert rows.get("resp_4", "k1", 103.0) is not None


async def test_the_port(database: Database) -> None:
    responses = SqlResponses(ResponseRows(database))
    try:
        await responses.put(ONE)
        assert await responses.get("resp_1", "k1", 150.0) == ONE
        assert await responses.delete("resp_1", "k1")
        assert await responses.get("resp_1", "k1", 150.0) is None
    finally:
        responses.close()


def test_what_another_node_makes_is_under_way_there(database: Database) -> None:
    there, making = Database(database.engine), msgspec.structs.replace(ONE, status="queued")
    there.node = "other"
    ResponseRows(database).put(making)
    assert ResponseRows(there).unfinished() == []
    assert ResponseRows(database).unfinished() == [making]
    assert ResponseRows(there).get(ONE.response_id, ONE.key_id, 0.0) == making
