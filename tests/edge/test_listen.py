"""Binding."""

from __future__ import annotations

import socket

import pytest

from waypost.edge.listen import address_of, beside, bind, bind_groups
from waypost.errors import ConfigError


def test_port_zero_takes_a_free_port() -> None:
    (sock,) = bind("127.0.0.1", 0)
    host, port = address_of(sock)
    assert host == "127.0.0.1"
    assert port > 0
    sock.listen()
    with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port} is in use"):
        bind("127.0.0.1", port)
    sock.close()


@pytest.mark.parametrize("host", ["no such host", "256.256.256.256"])
def test_a_host_without_an_address(host: str) -> None:
    with pytest.raises(ConfigError, match="has no address"):
        bind(host, 0)


def test_an_address_of_another_machine() -> None:
    with pytest.raises(ConfigError, match="is not an address of this machine"):
        bind("203.0.113.7", 0)


def test_more_handles_on_a_socket_accept_from_the_same_queue() -> None:
    (sock,) = bind("127.0.0.1", 0)
    handles = beside([sock])
    try:
        assert {address_of(handle) for handle in handles} == {address_of(sock)}
        assert len({handle.fileno() for handle in (sock, *handles)}) == len(handles) + 1 == 32
        sock.listen()
        with socket.create_connection(address_of(sock)):
            accepted, _ = handles[-1].accept()
            accepted.close()
    finally:
        for handle in (sock, *handles):
            handle.close()


def test_several_groups_on_one_address_that_nobody_else_gets() -> None:
    groups = bind_groups("127.0.0.1", 0, 3)
    sockets = [sock for group in groups for sock in group]
    try:
        assert len(groups) == 3
        assert len({address_of(sock) for sock in sockets}) == 1
        for sock in sockets:
            sock.listen()
        port = address_of(sockets[0])[1]
        for refused in (lambda: bind("127.0.0.1", port), lambda: bind_groups("127.0.0.1", port, 2)):
            with pytest.raises(ConfigError, match="is in use"):
                refused()
        with socket.create_connection(("127.0.0.1", port), 5):
            pass
    finally:
        for sock in sockets:
            sock.close()
