from __future__ import annotations

import socket
import threading

import pytest
from pg8000.exceptions import DatabaseError, InterfaceError

from waypost.errors import Bug, StoreUnavailable
from waypost.stores.sql.address import Address
from waypost.stores.sql.postgres_link import Connector, rebuilt


def said(code: str) -> DatabaseError:
    return DatabaseError({"S": "ERROR", "C": code, "M": "secret 42 is wrong"})


@pytest.mark.parametrize(
    "code", ["08006", "53300", "57P01", "57P03", "57014", "55P03", "40001", "40P01", "25006", "58030"]
)
def test_a_server_that_is_away_or_busy(code: str) -> None:
    told = rebuilt(said(code))
    assert isinstance(told, StoreUnavailable)
    assert told.retry_after_s == 1.0
    assert code in told.message
    assert "secret" not in told.message


@pytest.mark.parametrize("code", ["28P01", "28000", "3D000", "42501"])
def test_a_server_that_refuses_the_gateway(code: str) -> None:
    told = rebuilt(said(code))
    assert isinstance(told, StoreUnavailable)
    assert "refuses the gateway" in told.message


@pytest.mark.parametrize(
    ("code", "words"), [("23505", "there already"), ("42P01", "42P01"), ("22003", "22003")]
)
def test_everything_else_is_a_fault_of_ours(code: str, words: str) -> None:
    told = rebuilt(said(code))
    assert isinstance(told, Bug)
    assert words in told.message
    assert "secret" not in told.message


def test_wires_that_break_and_errors_of_others() -> None:
    for error in (InterfaceError("network error"), OSError(104, "reset"), TimeoutError()):
        assert isinstance(rebuilt(error), StoreUnavailable)
    assert rebuilt(ValueError()) is None
    assert isinstance(rebuilt(DatabaseError("odd")), Bug)


def test_nobody_listens() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        connector = Connector(Address("127.0.0.1", held.getsockname()[1], "d", "u", sslmode="disable"))
        with pytest.raises(InterfaceError):
            connector.connect()


def test_a_server_without_tls_is_not_told_the_password() -> None:
    heard = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            peer, _ = server.accept()
            with peer:
                heard.extend(peer.recv(100))
                peer.sendall(b"N")
                heard.extend(peer.recv(100))

        thread = threading.Thread(target=refuse)
        thread.start()
        address = Address("127.0.0.1", server.getsockname()[1], "d", "u", "hunter2", sslmode="require")
        with pytest.raises(InterfaceError):
            Connector(address).connect()
        thread.join()
    assert len(heard) == 8  # the question for TLS, and nothing more
