"""The deny list, address by address."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upstream.conftest import MakeClient, MakeServer
from upstream.wire import BODY, HEAD, OK
from waypost.core.origin import Deadlines, Origin, Proxy
from waypost.errors import EgressDenied, Unavailable
from waypost.upstream import egress

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "104.18.6.192",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::6810:6c0",
    "2a00:1450:4001:80f::200a",
]
PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.9.9.9",
    "169.254.1.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "224.0.1.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::8.8.8.8",
    "::ffff:8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::8.8.8.8",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "4000::1",
]
METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fd00:ec2::254%eth0",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_permitted(text: str) -> None:
    assert egress.permitted(ip_address(text), private=False)
    assert egress.permitted(ip_address(text), private=True)


@pytest.mark.parametrize("text", PRIVATE)
def test_private_addresses_need_the_operator(text: str) -> None:
    assert not egress.permitted(ip_address(text), private=False)
    assert egress.permitted(ip_address(text), private=True)


@pytest.mark.parametrize("text", METADATA)
def test_metadata_addresses_are_never_permitted(text: str) -> None:
    assert not egress.permitted(ip_address(text), private=False)
    assert not egress.permitted(ip_address(text), private=True)


@given(st.ip_addresses())
def test_nothing_that_python_calls_private_is_permitted(address: egress.Address) -> None:
    if egress.permitted(address, private=False):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_ipv6_is_not_permitted(address: IPv4Address) -> None:
    for form in (f"::ffff:{address}", f"64:ff9b::{address}", f"::{address}"):
        assert not egress.permitted(ip_address(form), private=False)


def test_one_bad_address_denies_the_name() -> None:
    assert len(egress.check(PUBLIC, private=False)) == len(PUBLIC)
    for bad in (*PRIVATE, *METADATA, "not an address"):
        with pytest.raises(EgressDenied) as caught:
            egress.check([*PUBLIC, bad], private=False)
        assert bad not in caught.value.message


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "metadata.google.internal."]
)
def test_names_behind_a_proxy(host: str) -> None:
    with pytest.raises(EgressDenied):
        egress.check_name(host, private=False)
    egress.check_name("api.example.com", private=False)
    egress.check_name("localhost", private=True)
    with pytest.raises(EgressDenied):
        egress.check_name("metadata.google.internal", private=True)


class Answers:
    """A resolver with a fixed answer."""

    def __init__(self, *addresses: str, fault: OSError | None = None) -> None:
        self.addresses = addresses
        self.fault = fault
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if self.fault is not None:
            raise self.fault
        return self.addresses


async def test_the_checked_address_is_the_one_that_is_used(client: MakeClient, serve: MakeServer) -> None:
    server = await serve(["request", OK, "hold"])
    resolver = Answers("127.0.0.1")
    upstream = client(resolver=resolver)
    answer = await upstream.send(server.origin(host="lab.example"), HEAD, BODY, Deadlines())
    assert answer.body == b"hi"
    assert resolver.asked == ["lab.example"]


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("169.254.169.254",)])
async def test_a_name_with_a_bad_address_gets_no_connection(
    client: MakeClient, serve: MakeServer, addresses: tuple[str, ...]
) -> None:
    server = await serve(["request", OK])
    upstream = client(resolver=Answers(*addresses))
    with pytest.raises(EgressDenied):
        await upstream.send(server.origin(host="evil.example", private=False), HEAD, BODY, Deadlines())
    assert server.connections == 0
    assert upstream.stats()[0].open == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "127.1", "0x7f.1", "::ffff:127.0.0.1"])
async def test_spellings_of_loopback_are_denied(client: MakeClient, host: str) -> None:
    with pytest.raises(EgressDenied):
        await client().send(Origin("http", host, 9), HEAD, BODY, Deadlines())


async def test_a_literal_behind_a_proxy_is_checked_and_the_proxy_is_not(
    client: MakeClient, serve: MakeServer
) -> None:
    server = await serve(["request", b"HTTP/1.1 200 OK\r\n\r\n", "request", OK])
    proxy = Proxy("127.0.0.1", server.port)
    with pytest.raises(EgressDenied):
        await client().send(Origin("http", "10.0.0.1", 80, proxy=proxy), HEAD, BODY, Deadlines())
    assert server.connections == 0
    answer = await client().send(Origin("http", "api.example", 80, proxy=proxy), HEAD, BODY, Deadlines())
    assert answer.body == b"hi"


@pytest.mark.parametrize(
    ("resolver", "says"),
    [
        (Answers(fault=socket.gaierror(socket.EAI_NONAME, "x")), "does not exist"),
        (Answers(fault=socket.gaierror(socket.EAI_AGAIN, "x")), "could not be looked up"),
        (Answers(), "does not exist"),
    ],
)
async def test_a_failed_look_up_is_unavailable(client: MakeClient, resolver: Answers, says: str) -> None:
    with pytest.raises(Unavailable, match=says) as caught:
        await client(resolver=resolver).send(Origin("http", "api.example", 80), HEAD, BODY, Deadlines())
    assert not caught.value.may_have_billed
    assert "api.example" not in caught.value.message


@pytest.mark.parametrize("host", ["169.254.169.254", "169.254.170.23", "fd00:ec2::254"])
def test_metadata_addresses_are_only_for_the_gateways_own_credentials(host: str) -> None:
    address = ip_address(host)
    assert not egress.permitted(address, private=True)
    assert egress.permitted(address, private=False, metadata=True)
