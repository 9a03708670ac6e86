"""Which addresses the gateway may connect to. Every address of a name is checked, and the checked one is used."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from waypost.errors import EgressDenied

Address = IPv4Address | IPv6Address

# IANA special-purpose registries (https://www.iana.org/assignments/iana-ipv4-special-registry and …-ipv6-…, read
# 2026-11-21). Written out because `is_global` of older Python releases knows fewer of them and calls multicast global.
_DENIED_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
        ),
    )
)
_UNICAST_V6 = IPv6Network("2000::/3")
_DENIED_V6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))

# Where clouds hand credentials to whoever asks from the machine: AWS, GCP, Azure and others; AWS containers;
# Alibaba; Oracle; Azure's wire server. No setting allows them; `Origin.metadata` is for the gateway's own credentials.
_METADATA = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
        ),
    )
)
_METADATA_NAMES = frozenset(
    ("metadata", "metadata.google.internal", "metadata.goog", "instance-data.ec2.internal")
)


def literal(host: str) -> Address | None:
    """The address, if `host` is one in its usual spelling. Unusual spellings are left to the resolver, then checked."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def permitted(address: Address, *, private: bool, metadata: bool = False) -> bool:
    """May the gateway connect to it? `private` (operator's file only) opens all but the metadata addresses."""
    if any(each in _METADATA for each in _spellings(address)):
        return metadata
    if private:
        return True
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in net for net in _DENIED_V4)
    if address.scope_id is not None or address not in _UNICAST_V6:
        return False
    return address.is_global and not any(address in net for net in _DENIED_V6)


def check(addresses: Iterable[str], *, private: bool, metadata: bool = False) -> list[Address]:
    """All addresses of one name, parsed. Raises EgressDenied if one of them is not permitted: a name that mixes good
    and bad addresses is an attack or a mistake."""
    checked: list[Address] = []
    for text in addresses:
        address = literal(text)
        if address is None or not permitted(address, private=private, metadata=metadata):
            raise denied()
        checked.append(address)
    return checked


def check_name(host: str, *, private: bool) -> None:
    """What can be checked when a proxy looks the name up. Raises EgressDenied."""
    name = host.rstrip(".").lower()
    address = literal(name)
    if address is not None:
        check((name,), private=private)
    elif name in _METADATA_NAMES or (not private and (name == "localhost" or name.endswith(".localhost"))):
        raise denied()


def denied() -> EgressDenied:
    """The error, without the address: it would tell a client about the operator's network."""
    return EgressDenied(
        "The provider's address is not a public one. Only the operator's configuration file can allow private "
        "addresses (`private: true`), and cloud metadata addresses are never allowed."
    )


def _spellings(address: Address) -> tuple[Address, ...]:
    """The address and the IPv4 address that an IPv6 form may carry."""
    if isinstance(address, IPv4Address):
        return (address,)
    bare = IPv6Address(int(address))
    found: list[Address] = [bare]
    if bare.ipv4_mapped is not None:
        found.append(bare.ipv4_mapped)
    if bare.sixtofour is not None:
        found.append(bare.sixtofour)
    if bare.teredo is not None:
        found.extend(bare.teredo)
    if any(bare in net for net in _NAT64):
        found.append(IPv4Address(int(bare) & 0xFFFFFFFF))
    return tuple(found)
