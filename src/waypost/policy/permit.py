"""What a key itself says of the requests it opens: from where, for what, and what they have to bring."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network

from waypost.core.key import Key
from waypost.errors import Forbidden, InvalidRequest

#: Tags that one request is counted under.
TAGS_MAX = 64
#: Of metadata, the name whose value may be a list: each of it is a tag.
_LIST = "tags"


def check_network(key: Key, address: str | None) -> None:
    """Raises Forbidden when the key is for other networks. `address` is the other end of the connection, whatever
    headers say; None, where it is not known, is in no network."""
    if key.networks and not _within(address, key.networks):
        raise Forbidden(
            f"The key {key.name!r} may not be used from this address ({address or 'unknown'}). Ask its owner for which "
            "networks it is."
        )


def check_operation(key: Key, operation: str) -> None:
    """Raises Forbidden when the key is for other operations."""
    if key.endpoints and operation not in key.endpoints:
        raise Forbidden(
            f"The key {key.name!r} may not ask for {operation}. It may ask for: {', '.join(key.endpoints)}."
        )


def check_metadata(key: Key, metadata: Mapping[str, object]) -> None:
    """Raises InvalidRequest when something is missing that the key's requests have to bring."""
    missing = [name for name in key.required_tags if metadata.get(name) in (None, "")]
    if missing:
        raise InvalidRequest(
            f"Requests with the key {key.name!r} have to bring metadata, and this one lacks {', '.join(missing)}. Send "
            'it in `metadata`, in `waypost.metadata`, or in the header x-waypost-metadata, as `{"name": "value"}`.',
            param="metadata",
        )


def tags_of(metadata: Mapping[str, object]) -> tuple[str, ...]:
    """The tags that metadata comes to: `name:value` for each text, `name` where that is empty, and each text of a list
    in `tags`. Raises InvalidRequest for more than are counted."""
    found: list[str] = []
    for name, value in metadata.items():
        if isinstance(value, str):
            found.append(f"{name}:{value}" if value else name)
        elif name == _LIST and isinstance(value, list):
            found += [each for each in value if isinstance(each, str) and each]
    if len(found) > TAGS_MAX:
        raise InvalidRequest(
            f"A request may bring up to {TAGS_MAX} tags in its metadata. Send fewer.", param="metadata"
        )
    return tuple(found)


def _within(address: str | None, networks: tuple[str, ...]) -> bool:
    """What can not be read is in no network."""
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    for each in networks:
        try:
            if found in ip_network(each, strict=False):
                return True
        except ValueError:
            continue
    return False
