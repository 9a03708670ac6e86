"""Both stores over TLS, with real servers behind a wire that speaks it: who is trusted, and who is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from pg8000.exceptions import InterfaceError

from forwarded import Forwarder
from postgres_server import PostgresServer
from secured import Authority
from valkey_server import valkey
from waypost.config.shared_store import SharedStore
from waypost.errors import StoreUnavailable
from waypost.stores.sql.address import parse_address, secret_from
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.postgres_link import Connector
from waypost.stores.sql.variables import URL
from waypost.stores.valkey.link import Patience, check_store
from waypost.stores.valkey.pipe import open_pipe

HERE = "127.0.0.1"


class Trust(msgspec.Struct, frozen=True):
    """Whose certificates there are."""

    ours: Authority
    strangers: Authority
    client: tuple[Path, Path]
    stranger: tuple[Path, Path]


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    folder = tmp_path_factory.mktemp("trust")
    ours, strangers = Authority(folder / "ours", "ours"), Authority(folder / "theirs", "theirs")
    return Trust(ours, strangers, ours.issue("gateway"), strangers.issue("gateway"))


# --- PostgreSQL ---------------------------------------------------------------------------------------------------


class Secured(msgspec.Struct, frozen=True):
    where: dict[str, str]
    wire: Forwarder

    def open(self, folder: Path, options: str, host: str = HERE) -> int:
        """How many keys there are, asked over TLS."""
        name = self.where[URL].rpartition("/")[2]
        url = f"postgresql://waypost@{host}:{self.wire.port}/{name}?{options}"
        database = open_database(folder, {**self.where, URL: url})
        assert database is not None
        try:
            with database.read() as connection:
                return int(connection.exec_driver_sql("SELECT count(*) FROM keys").scalar_one())
        finally:
            database.close()


@pytest.fixture(scope="module")
def database(postgres: PostgresServer, trust: Trust) -> Iterator[Secured]:
    context = trust.ours.server(HERE)
    with Forwarder(postgres.port, tls=context, postgres=True) as wire:
        yield Secured(postgres.new_database(prepared=True), wire)


@pytest.fixture(scope="module")
def strict(postgres: PostgresServer, trust: Trust) -> Iterator[Secured]:
    context = trust.ours.server(HERE, clients=trust.ours.pem)
    with Forwarder(postgres.port, tls=context, postgres=True) as wire:
        yield Secured(postgres.new_database(prepared=True), wire)


def test_the_database_is_asked_over_tls(database: Secured, trust: Trust, tmp_path: Path) -> None:
    assert database.open(tmp_path, f"sslmode=verify-full&sslrootcert={trust.ours.pem}") == 0


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca"])
def test_a_database_of_another_authority_is_refused(
    database: Secured, trust: Trust, tmp_path: Path, mode: str
) -> None:
    before = database.wire.passed
    for root in (f"&sslrootcert={trust.strangers.pem}", ""):
        with pytest.raises(StoreUnavailable, match="not from an authority that is trusted"):
            database.open(tmp_path, f"sslmode={mode}{root}")
    assert database.wire.passed == before, "it was told nothing"


def test_a_database_of_another_name_is_refused(database: Secured, trust: Trust, tmp_path: Path) -> None:
    root = f"sslrootcert={trust.ours.pem}"
    with pytest.raises(StoreUnavailable, match="not for this host"):
        database.open(tmp_path, f"sslmode=verify-full&{root}", host="localhost")
    assert database.open(tmp_path, f"sslmode=verify-ca&{root}", host="localhost") == 0, (
        "which looks at no name"
    )
    assert database.open(tmp_path, "sslmode=require", host="localhost") == 0, "which looks at nothing"


def test_a_database_that_wants_a_certificate(strict: Secured, trust: Trust, tmp_path: Path) -> None:
    options = f"sslmode=verify-full&sslrootcert={trust.ours.pem}"
    for shown in ("", f"&sslcert={trust.stranger[0]}&sslkey={trust.stranger[1]}"):
        with pytest.raises(StoreUnavailable, match=r"does not accept the gateway's|connection to it broke"):
            strict.open(tmp_path, options + shown)
    assert strict.open(tmp_path, f"{options}&sslcert={trust.client[0]}&sslkey={trust.client[1]}") == 0


def test_a_certificate_that_is_renewed_is_shown_by_the_next_connection(
    strict: Secured, trust: Trust, tmp_path: Path
) -> None:
    ca, cert, key = (tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem"))

    def put(authority: Authority, shown: tuple[Path, Path]) -> None:
        for file, source in zip((ca, cert, key), (authority.pem, *shown), strict=True):
            file.write_bytes(source.read_bytes())

    put(trust.ours, trust.client)
    name = strict.where[URL].rpartition("/")[2]
    options = f"sslmode=verify-full&sslrootcert={ca}&sslcert={cert}&sslkey={key}"
    address = parse_address(f"postgresql://waypost@{HERE}:{strict.wire.port}/{name}?{options}")
    connector = Connector(address, secret_from(strict.where))
    connector.connect().close()
    put(trust.ours, trust.stranger)
    with pytest.raises(InterfaceError):
        connector.connect()
    put(trust.strangers, trust.client)
    with pytest.raises(InterfaceError):
        connector.connect()
    put(trust.ours, trust.client)
    connector.connect().close()


# --- Valkey -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared(trust: Trust) -> Iterator[SharedStore]:
    context = trust.ours.server(HERE)
    with valkey() as server, Forwarder(server.port, tls=context) as wire:
        yield SharedStore(HERE, wire.port, tls=True)


async def asked(store: SharedStore) -> None:
    """By both of the ways in which the gateway asks."""
    assert await check_store(store, Patience()) == 0
    pipe = await open_pipe(store, lambda _: None)
    assert await pipe.ask(b"PING") == b"PONG"
    pipe.fail("asked")  # at once: a goodbye over TLS would outlive the test's loop


async def refused(store: SharedStore) -> None:
    with pytest.raises(StoreUnavailable, match="no trust"):
        await check_store(store, Patience())
    with pytest.raises(StoreUnavailable, match="no trust"):
        await open_pipe(store, lambda _: None)


async def test_valkey_is_asked_over_tls(shared: SharedStore, trust: Trust) -> None:
    await asked(msgspec.structs.replace(shared, ca=str(trust.ours.pem)))


async def test_another_valkey_is_refused(shared: SharedStore, trust: Trust) -> None:
    await refused(msgspec.structs.replace(shared, ca=str(trust.strangers.pem)))
    await refused(shared)
    await refused(msgspec.structs.replace(shared, ca=str(trust.ours.pem), host="localhost"))


async def test_a_valkey_that_wants_a_certificate(trust: Trust) -> None:
    context = trust.ours.server(HERE, clients=trust.ours.pem)
    with valkey() as server, Forwarder(server.port, tls=context) as wire:
        store = SharedStore(HERE, wire.port, tls=True, ca=str(trust.ours.pem))
        for cert, key in ((None, None), trust.stranger):
            shown = msgspec.structs.replace(
                store, cert=None if cert is None else str(cert), key=None if key is None else str(key)
            )
            with pytest.raises(StoreUnavailable):
                await check_store(shown, Patience())
            with pytest.raises(StoreUnavailable):
                await (await open_pipe(shown, lambda _: None)).ask(b"PING")
        await asked(msgspec.structs.replace(store, cert=str(trust.client[0]), key=str(trust.client[1])))
