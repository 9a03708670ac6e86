from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from ledger.books import exchange
from transcript import FakeClock
from waypost.app.workers.vacated import take_over
from waypost.core.lease import Move, Want
from waypost.dialects.openai_responses.state import Stored
from waypost.ledger.intents import Intents
from waypost.ledger.recovery import open_folder
from waypost.pipeline.conversation import row
from waypost.stores.node import node_of
from waypost.stores.seat import Seat
from waypost.stores.sql.engine import Database
from waypost.stores.sql.leases import LeaseRows
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.responses import ResponseRows
from waypost.telemetry.logs import Log

ACCOUNT = "key:a:total"


class Left:
    """What a gateway of three workers left that was killed."""

    def __init__(self, data: Path) -> None:
        self.data, self.told = data, io.StringIO()
        for worker in (1, 2, 3):
            with closing(self.opened(worker)) as database:
                rows = LeaseRows(database)
                rows.begin()
                rows.grant([Want(ACCOUNT, 1000, 100)], 3, Move(1, {}))
                rows.seen(f"host/{worker}", "1", 1.0)
        seat = Seat(data, 3)
        seat.prepare()
        intents = Intents(open_folder(seat.folder / "intents"), 1, clock=FakeClock(), fsync=False)
        intents.settled(exchange(1, 30, (ACCOUNT,)))
        Seat(data, 2).prepare()
        open_folder(data / "workers/2/intents")

    def opened(self, worker: int) -> Database:
        found = open_database(self.data, {}, worker=worker)
        assert found is not None
        return found

    def take_over(self, worker: int, workers: int) -> dict[str, list[tuple[object, ...]]]:
        with closing(self.opened(worker)) as database:
            log = Log(self.told, lambda: 0.0)
            take_over(Seat(self.data, worker), workers, {}, "process", database, log)
            with database.read() as connection:
                asked = {
                    "accounts": "SELECT posted_nusd, leased_nusd FROM accounts",
                    "leases": "SELECT node, amount_nusd FROM leases ORDER BY node",
                    "nodes": "SELECT name FROM nodes ORDER BY name",
                    "segments": "SELECT * FROM intents_applied",
                }
                return {
                    name: [tuple(row) for row in connection.exec_driver_sql(sql)]
                    for name, sql in asked.items()
                }


@pytest.fixture
def left(tmp_path: Path) -> Left:
    return Left(tmp_path)


def test_of_those_that_are_not_any_more_it_is_posted_and_goes_back(left: Left) -> None:
    name = node_of(left.data)
    found = left.take_over(1, 2)
    assert found["accounts"] == [(30, 200)]
    assert found["leases"] == [(name, 100), (f"{name}-2", 100)]
    assert found["nodes"] == [("host/1",), ("host/2",)]
    assert found["segments"] == []
    assert not (left.data / "workers/3").exists()
    assert (left.data / "workers/2").exists()
    assert '"former":3' in left.told.getvalue()


def test_one_alone_takes_all_of_it(left: Left) -> None:
    found = left.take_over(0, 1)
    assert found == {"accounts": [(30, 0)], "leases": [], "nodes": [], "segments": []}
    assert not (left.data / "workers").exists()
    assert left.take_over(0, 1) == found, "a second time there is nothing to do"


def test_what_was_set_aside_stays_for_the_operator(left: Left) -> None:
    aside = left.data / "workers/2/intents/0000000001.intents.damaged"
    aside.write_bytes(b"?")
    left.take_over(0, 1)
    assert aside.exists()
    assert not (left.data / "workers/3").exists()


def test_answers_that_were_being_made_have_failed(tmp_path: Path) -> None:
    left = Left(tmp_path)
    under_way = Stored("resp_0", 5, "in_progress", "m", body=msgspec.Raw(b'{"id":"resp_0","output":[]}'))
    for worker in (0, 1, 3):
        with closing(left.opened(worker)) as database:
            one = msgspec.structs.replace(under_way, response_id=f"resp_{worker}")
            ResponseRows(database).put(row(one, "k1", None, 1.0, 30))

    def unfinished(worker: int) -> list[str]:
        with closing(left.opened(worker)) as database:
            return [each.response_id for each in ResponseRows(database).unfinished()]

    left.take_over(1, 2)
    assert [unfinished(worker) for worker in (0, 1, 3)] == [[], ["resp_1"], []], (
        "its own are ended at the start"
    )
    left.take_over(0, 1)
    assert unfinished(1) == []
