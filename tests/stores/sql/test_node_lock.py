from __future__ import annotations

from collections.abc import Iterator

import pytest

from postgres_server import PostgresServer
from waypost.errors import ConfigError, StoreUnavailable
from waypost.stores.sql.address import parse_address, secret_from
from waypost.stores.sql.node_lock import NodeLock
from waypost.stores.sql.postgres_link import Connector
from waypost.stores.sql.variables import URL

pytestmark = pytest.mark.process


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with PostgresServer(durable=True) as running:
        yield running


def lock_of(where: dict[str, str], node: str, slept: list[float] | None = None) -> NodeLock:
    connector = Connector(parse_address(where[URL]), secret_from(where))
    if slept is None:
        return NodeLock(connector, node)
    return NodeLock(connector, node, lambda: sum(slept), slept.append)


def test_a_name_is_had_by_one_and_given_up_by_its_end(postgres: PostgresServer) -> None:
    where, slept = postgres.shared_database(), list[float]()
    first, second, other = lock_of(where, "a"), lock_of(where, "a", slept), lock_of(where, "b")
    first.take()
    other.take()
    with pytest.raises(ConfigError, match="the node a"):
        second.take(1.0)
    assert 1.0 <= sum(slept) < 1.1
    first.check()
    first.close()
    first.close()
    second.take()
    second.check()
    second.close()
    other.close()


def test_it_is_taken_again_after_the_server_was_away(server: PostgresServer) -> None:
    where = server.new_database()
    one, two = lock_of(where, "a"), lock_of(where, "a")
    one.take()
    server.kill()
    with pytest.raises(StoreUnavailable):
        one.check()
    server.start()
    one.check()
    with pytest.raises(ConfigError):
        two.take(0.0)
    one.close()
    two.close()
