"""Credentials of providers that people bring: an organization's, a team's or a person's own.

The secret is in it only sealed, and belongs to one address: where the operator points the provider elsewhere, it is not
sent there.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

CredentialUse = Literal["first", "last", "only"]
"""`first`: before the operator's own keys. `last`: after them. `only`: in place of them."""
CredentialOwner = Literal["organization", "team", "user"]
CredentialState = Literal["active", "disabled", "expired", "unbound", "unserved", "unreadable"]
"""`unbound`: its provider is at another address now than the one that it was given for. `unserved`: there is no such
provider in the configuration, or it takes no key. `unreadable`: its root key is not on this node."""

#: Shorter secrets show nothing of themselves.
_SHOWN_FROM: Final = 20
_SHOWN: Final = 4
#: Stands in no name of a configured key.
_MARK: Final = ":"


class Credential(msgspec.Struct, frozen=True):
    """A provider's key that belongs to an organization, or to a team or a member of it."""

    id: str
    organization_id: str
    name: str
    provider: str
    """Name of a provider of the configuration."""
    origin: str
    """Where it may be sent: `https://api.openai.com`."""
    owner: CredentialOwner = "organization"
    owner_id: str = ""
    """The team's or the user's id; the organization's own has that of the organization."""
    sealed: bytes = b""
    """The secret, sealed (`policy.credentials`). Empty once it is deleted."""
    ends_in: str = ""
    """The last characters of a secret that is long enough to show them."""
    version: int = 1
    """How many secrets it has had."""
    use: CredentialUse = "first"
    weight: int = 1
    """Its share of the requests among those with the same owner, use and provider."""
    disabled: bool = False
    expires_at: float | None = None
    changed_at: float = 0.0
    """When the secret was set."""
    created_at: float = 0.0
    revision: int = 0

    def __repr__(self) -> str:
        return f"Credential({self.id})"

    @property
    def row(self) -> str:
        """What the sealed secret is bound to: the tenant, the row, and the address that it may be sent to."""
        return f"{self.organization_id}/{self.id} {self.origin}"


def ends_of(secret: str) -> str:
    """What is shown of a secret."""
    return secret[-_SHOWN:] if len(secret) >= _SHOWN_FROM else ""


def key_name_of(found: Credential) -> str:
    """What tells it from other credentials of the same provider, in records and where health is kept. A new secret is
    another one: what is held against the old one does not count for it."""
    return f"{found.id}{_MARK}{found.version}"


def is_own(key_name: str) -> bool:
    """Whether such a name is that of a credential that somebody brought."""
    return _MARK in key_name
