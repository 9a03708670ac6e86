"""Who does something, and what was done: what one row of the audit log tells.

Rows are a chain: each holds the SHA-256 of the row before it together with its own content, so that none can be
changed, taken out or moved without the rows behind it telling.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final, Literal

import msgspec

#: What the gateway does by itself.
GATEWAY: Final = "gateway"
#: The hash before the first row.
GENESIS: Final = bytes(32)
#: What is told of a field whose values are nobody's business.
CHANGED: Final = "changed"

Outcome = Literal["done", "refused", "failed"]


class Deed(msgspec.Struct, frozen=True):
    """Who does something, how they came in, and what for."""

    actor: str = GATEWAY
    """`user:<id>`, `service:<id>`, `invitation:<id>`, `operator` (the machine's own command line), or `gateway`. Empty:
    nobody knows."""
    via: str = ""
    """`token:<id>`, `session`, `machine`, `sign-in`, `invitation`, or `cli:<name in the operating system>`."""
    action: str = ""
    """The route's name, or the command."""
    organization_id: str = ""
    request_id: str = ""
    address: str = ""


class Done(msgspec.Struct, frozen=True):
    """What was done to what."""

    kind: str
    object_id: str = ""
    name: str = ""
    changes: Mapping[str, object] = msgspec.field(default_factory=dict)
    """By field: what it was and what it is, or `CHANGED`."""
    organization_id: str | None = None
    """Whose it is. None: that of the deed."""
    outcome: Outcome = "done"


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One row. Its canonical bytes are this as a JSON array, so the order of the fields never changes."""

    seq: int
    at_us: int
    actor: str
    via: str
    organization_id: str
    action: str
    kind: str
    object_id: str
    name: str
    outcome: str
    changes: str
    """As JSON."""
    request_id: str
    address: str


class Kept(msgspec.Struct, frozen=True):
    """A row as it stands in the log."""

    entry: Entry
    hash: bytes


class Wanted(msgspec.Struct, frozen=True):
    """Which rows somebody asks for."""

    organization_id: str | None = None
    since_us: int | None = None
    until_us: int | None = None
    """Before this moment."""
    actor: str | None = None
    action: str | None = None
    of: str | None = None
    """The id or the name of an object."""
    outcome: str | None = None


def hash_of(previous: bytes, entry: Entry) -> bytes:
    """What stands beside a row, behind one with the hash `previous`."""
    return sha256(previous + msgspec.json.encode(entry)).digest()
