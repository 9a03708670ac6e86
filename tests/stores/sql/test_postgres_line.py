"""A connection for statements that are asked all the time: one round trip each, and it heals by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from postgres_server import PostgresServer
from waypost.errors import Bug, StoreUnavailable
from waypost.stores.sql.address import parse_address, secret_from
from waypost.stores.sql.postgres_line import Line
from waypost.stores.sql.postgres_link import Connector, Wire
from waypost.stores.sql.variables import URL

pytestmark = pytest.mark.process

ADD = "SELECT $1::bigint + $2::bigint, $3::text[]"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def line(postgres: PostgresServer, clock: Clock) -> Iterator[Line]:
    where = postgres.shared_database()
    made = Line(Connector(parse_address(where[URL]), secret_from(where)), clock)
    yield made
    made.close()


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One for each time that the server is waited for."""
    told: list[None] = []
    handle = Wire.handle_messages

    def counted(wire: Wire, context: object) -> None:
        told.append(None)
        handle(wire, context)

    monkeypatch.setattr(Wire, "handle_messages", counted)
    return told


def test_what_was_asked_before_is_one_round_trip(line: Line, trips: list[None]) -> None:
    assert line.ask(ADD, 1, 2, ["a", 'b"\\,{}']) == [[3, ["a", 'b"\\,{}']]]
    trips.clear()
    assert line.ask(ADD, 2**40, 2, []) == [[2**40 + 2, []]]
    assert len(trips) == 1


def test_each_is_a_transaction_by_itself(line: Line, postgres: PostgresServer) -> None:
    name = postgres.shared_database()[URL].rpartition("/")[2]
    line.ask("CREATE TABLE IF NOT EXISTS of_line (id bigint)")
    line.ask("INSERT INTO of_line VALUES ($1::bigint)", 7)
    with postgres.connection(name) as other:
        assert other.run("SELECT id FROM of_line") == [[7]]
        other.run("DROP TABLE of_line")


def end_others(postgres: PostgresServer) -> None:
    name = postgres.shared_database()[URL].rpartition("/")[2]
    with postgres.connection() as connection:
        ended = "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = :name"
        assert all(row[0] for row in connection.run(ended, name=name))


def test_one_that_broke_unheard_of_is_opened_again(
    line: Line, postgres: PostgresServer, clock: Clock
) -> None:
    line.ask(ADD, 1, 2, [])
    end_others(postgres)
    clock.now += 5
    assert line.ask(ADD, 1, 2, []) == [[3, []]]


def test_one_that_breaks_under_way_is_told_of_and_opened_again(line: Line, postgres: PostgresServer) -> None:
    line.ask(ADD, 1, 2, [])
    end_others(postgres)
    with pytest.raises(StoreUnavailable):
        line.ask(ADD, 1, 2, [])
    assert line.ask(ADD, 1, 2, []) == [[3, []]]


def test_a_statement_that_makes_no_sense_is_a_fault_of_ours(line: Line) -> None:
    for _ in range(2):
        with pytest.raises(Bug, match="42P01"):
            line.ask("SELECT $1::bigint FROM nowhere", 1)
    assert line.ask(ADD, 1, 2, []) == [[3, []]]
