"""Credentials of providers that people bring: an organization's, a team's or a member's own.

A secret goes in and never comes out: answers say how it ends, where it may be sent and when it was set. Who has
`credentials:write` in a team alone has it for the team's; `own_credentials:write` is for what is the caller's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from waypost.admin.ask import Ask
from waypost.admin.fields import Line, Name, Time
from waypost.admin.places import team_id, user_named
from waypost.admin.resource import Resource
from waypost.core.credentials import (
    Credential,
    CredentialOwner,
    CredentialState,
    CredentialUse,
)
from waypost.core.objects import Kind, Object
from waypost.core.people import Permission, Team, User
from waypost.errors import InvalidRequest, InvalidValue
from waypost.policy.checks import WEIGHT_MOST
from waypost.policy.credentials import SECRET_MOST, given, state_of

Weight = Annotated[int, Meta(ge=0, le=WEIGHT_MOST)]
ProviderKey = Annotated[str, Meta(min_length=1, max_length=SECRET_MOST)]


class CredentialBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A credential, as it is to be."""

    provider: Line
    """The name of a provider of the configuration."""
    secret: ProviderKey | None = None
    """The provider's key. It is kept sealed, bound to the address that the provider has now, and never shown. Left out:
    the one there is stays."""
    team: Name | None = None
    """The team whose own it is. Without a team and a user it is the organization's."""
    user: Line | None = None
    """Whose own it is: a member's e-mail address or id, or `me`."""
    use: CredentialUse = "first"
    """`first`: before the operator's own keys. `last`: after them. `only`: in place of them."""
    weight: Weight = 1
    """Its share of the requests among those with the same owner, use and provider."""
    disabled: bool = False
    """It is not used."""
    expires_at: Time | None = None
    """When it is not used any more."""

    def __repr__(self) -> str:
        return f"CredentialBody({self.provider!r})"


class CredentialView(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's key that somebody brought."""

    id: str
    name: Name
    provider: str
    origin: str
    """The address that it was given for. It is sent nowhere else."""
    owner: CredentialOwner
    """Whose own it is."""
    team: str | None
    user: str | None
    use: CredentialUse
    weight: int
    disabled: bool
    state: CredentialState
    """`active`, or why it is not used: `unbound` means that its provider has another address now, and that the secret
    has to be set again for it to be sent there."""
    ends_in: str
    """The last characters of the secret; empty for a short one."""
    version: int
    """How many secrets it has had."""
    changed_at: Time
    """When its secret was set."""
    expires_at: Time | None
    created_at: Time
    revision: int


class Credentials(Resource):
    """Credentials, by their names in an organization."""

    kind: Kind = "credential"
    word = "credential"
    plural = "credentials"
    read: tuple[Permission, ...] = ("credentials:read", "own_credentials:write")
    write: tuple[Permission, ...] = ("credentials:write", "own_credentials:write")
    body: type[Any] = CredentialBody
    view: type[Any] = CredentialView
    teams = True
    team_writes = True
    write_only = frozenset(("secret",))
    example: object = {"provider": "openai", "secret": "sk-proj-0123456789abcdef", "use": "first"}

    def team_of(self, found: Any) -> str | None:
        """See `Resource`."""
        return found.owner_id if found.owner == "team" else None

    def may(self, ask: Ask, permissions: Sequence[Permission], found: Any) -> bool:
        """See `Resource`. What is one's own is open to who has that permission."""
        need: Permission = "credentials:write" if permissions == self.write else "credentials:read"
        if ask.may(need, self.team_of(found)):
            return True
        me = ask.caller.user
        mine = me is not None and found.owner == "user" and found.owner_id == me.id
        return mine and ask.may("own_credentials:write")

    async def build(self, ask: Ask, body: CredentialBody, old: Credential | None, name: str) -> Object:
        """See `Resource`."""
        owner, owner_id = await _owner(ask, body)
        made = Credential(
            **ask.made("credential", old),
            organization_id=ask.home,
            name=self.checked_name(name, old),
            provider=body.provider,
            origin="",
            owner=owner,
            owner_id=owner_id,
            use=body.use,
            weight=body.weight,
            disabled=body.disabled,
            expires_at=body.expires_at,
        )
        parts = ask.parts
        try:
            done = await ask.blocking(given, parts.seals, parts.providers(), made, body.secret, old, ask.now)
        except InvalidRequest as error:
            raise InvalidValue(error.message, param=error.param) from None
        return done

    async def show(self, ask: Ask, found: Credential) -> CredentialView:
        """See `Resource`."""
        parts = ask.parts
        team = ask.directory.find(Team, found.owner_id) if found.owner == "team" else None
        user = ask.directory.find(User, found.owner_id) if found.owner == "user" else None
        return CredentialView(
            id=found.id,
            name=found.name,
            provider=found.provider,
            origin=found.origin,
            owner=found.owner,
            team=(found.owner_id if team is None else team.name) if found.owner == "team" else None,
            user=(found.owner_id if user is None else user.name) if found.owner == "user" else None,
            use=found.use,
            weight=found.weight,
            disabled=found.disabled,
            state=state_of(found, parts.providers(), ask.now, parts.readable(found)),
            ends_in=found.ends_in,
            version=found.version,
            changed_at=found.changed_at,
            expires_at=found.expires_at,
            created_at=found.created_at,
            revision=found.revision,
        )


async def _owner(ask: Ask, body: CredentialBody) -> tuple[CredentialOwner, str]:
    """Whose own it is. Raises InvalidValue."""
    if body.team is not None and body.user is not None:
        raise InvalidValue("A credential is a team's or a user's, not both's.", param="user")
    if body.team is not None:
        return "team", await team_id(ask, body.team)
    if body.user is None:
        return "organization", ask.home
    me = ask.caller.user
    if body.user == "me":
        if me is None:
            raise InvalidValue("Whoever asks is no person.", param="user")
        return "user", me.id
    if me is not None and body.user in (me.id, me.name):
        return "user", me.id
    user = await user_named(ask, body.user)
    if user is None or await ask.named("member", user.id) is None:
        raise InvalidValue("There is no such member here.", param="user")
    return "user", user.id
