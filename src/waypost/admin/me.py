"""What one is and may, and how one proves it."""

from __future__ import annotations

import hmac
from typing import Final, Literal, cast

import msgspec

from waypost.admin.ask import Ask
from waypost.admin.fields import Name, Secret, Title
from waypost.admin.passwords import check_password
from waypost.admin.rights import MACHINE, Rights
from waypost.admin.route import PREFIX, Reply, Route
from waypost.admin.second_factor import decoded, new_secret, recovery_codes, recovery_digest, step_of, uri
from waypost.admin.sessions import own_session
from waypost.admin.signin import SignIn
from waypost.core.people import MachineAccount, Member, Organization, Permission, Team, User
from waypost.errors import Conflict, InvalidValue

_ME: Final = f"{PREFIX}/me"
_FACTOR: Final = f"{_ME}/second-factor"
_SHOWN_MOST: Final = 1000


class TeamRights(msgspec.Struct, frozen=True, kw_only=True):
    """What one may in a team."""

    team: Name
    role: Name
    permissions: tuple[Permission, ...]


class PlaceView(msgspec.Struct, frozen=True, kw_only=True):
    """An organization one is in, and what one may there now."""

    organization: Name
    title: str
    suspended: bool
    role: Name
    permissions: tuple[Permission, ...]
    teams: tuple[TeamRights, ...]


class MeView(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks."""

    kind: Literal["user", "service_account", "operator"]
    """`operator`: the command line of the gateway's machine, or a token made there."""
    id: str
    name: str
    """The e-mail address, or the service account's name."""
    title: str
    operator: bool
    """Every organization is open."""
    second_factor: bool | None
    """Whether signing in takes one; None where nobody signs in."""
    token: str | None
    """The id of the token that asks."""
    permissions: tuple[Permission, ...]
    """In the gateway as a whole."""
    organizations: tuple[PlaceView, ...]


class ProfileBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one may change of oneself."""

    title: Title
    """What people call you."""


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new password, in place of the one there is."""

    current: Secret
    """The one there is."""
    password: Secret
    """At least 12 characters, not the e-mail address, and none of the commonest."""

    def __repr__(self) -> str:
        return "PasswordChange()"


class FactorOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A secret for an authenticator. Nothing is set before it is confirmed."""

    secret: str
    uri: str
    """What a QR code holds."""

    def __repr__(self) -> str:
        return "FactorOffer()"


class FactorBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The confirmation of a second factor."""

    secret: Secret
    """What was offered."""
    code: Secret
    """What the authenticator shows now."""
    password: Secret
    """One's password."""

    def __repr__(self) -> str:
        return "FactorBody()"


class RecoveryCodes(msgspec.Struct, frozen=True, kw_only=True):
    """For when the authenticator is lost: each opens once. They are shown this once."""

    codes: tuple[str, ...]

    def __repr__(self) -> str:
        return "RecoveryCodes()"


class FactorEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a second factor is taken away."""

    password: Secret
    """One's password."""

    def __repr__(self) -> str:
        return "FactorEnd()"


class Me:
    """Oneself, as routes."""

    def __init__(self, signin: SignIn) -> None:
        self._signin = signin

    async def read(self, ask: Ask) -> Reply:
        """Who asks, and what they may."""
        caller = ask.caller
        user, machine = caller.user, caller.machine
        factor = None
        if user is not None:
            kept = await ask.blocking(ask.parts.passwords.get, user.id)
            factor = kept is not None and kept.totp is not None
        kind: Literal["user", "service_account", "operator"] = "operator"
        if caller.made_by != MACHINE:
            kind = "user" if user is not None else "service_account"
        owner = user or machine
        return Reply(
            MeView(
                kind=kind,
                id=MACHINE if owner is None else owner.id,
                name=MACHINE if owner is None else owner.name,
                title="" if owner is None else owner.title,
                operator=user.operator if user is not None else machine is None,
                second_factor=factor,
                token=None if caller.token is None else caller.token.id,
                permissions=tuple(sorted(ask.rights.of(""))),
                organizations=tuple(_places(ask)),
            )
        )

    async def rename(self, ask: Ask) -> Reply:
        """What people call one."""
        body: ProfileBody = ask.body
        user, _ = own_session(ask)
        async with ask.changes:
            found = await ask.blocking(ask.parts.objects.get, "user", user.id)
            if isinstance(found, User) and found.title != body.title:
                stored = await ask.store(msgspec.structs.replace(found, title=body.title), found)
                ask.caller = msgspec.structs.replace(ask.caller, user=cast(User, stored))
        return await self.read(ask)

    async def change_password(self, ask: Ask) -> Reply:
        """A new password; all other sessions end."""
        body: PasswordChange = ask.body
        user, session = own_session(ask)
        kept = await self._signin.recheck(user, body.current, ask.visit.address)
        check_password(body.password, user.name)
        if hmac.compare_digest(body.password.encode(), body.current.encode()):
            raise InvalidValue("It is the password that there is.", param="password")
        changed = msgspec.structs.replace(
            kept, hash=await self._signin.hashed(body.password, ask.visit.address), changed_at=ask.now
        )
        await ask.blocking(ask.parts.passwords.put, changed, before=kept)
        await ask.blocking(ask.parts.sessions.end_all, user.id, session.digest)
        ask.record("password", user.id, user.name)
        return Reply(None, 204)

    async def offer_factor(self, ask: Ask) -> Reply:
        """A secret for an authenticator."""
        user, _ = own_session(ask)
        secret = new_secret(ask.parts.randomness)
        return Reply(FactorOffer(secret=secret, uri=uri(secret, user.name)))

    async def set_factor(self, ask: Ask) -> Reply:
        """The second factor is set, if the authenticator shows the right code. All other sessions end."""
        body: FactorBody = ask.body
        user, session = own_session(ask)
        kept = await self._signin.recheck(user, body.password, ask.visit.address)
        if kept.totp is not None:
            raise Conflict("There is a second factor already. Take it away first.")
        secret = decoded(body.secret)
        if secret is None:
            raise InvalidValue("It is no secret that was offered.", param="secret")
        step = step_of(secret, body.code, ask.now)
        if step is None:
            raise InvalidValue("It is not the code of now. Is the authenticator's clock right?", param="code")
        codes = recovery_codes(ask.parts.randomness)
        changed = msgspec.structs.replace(
            kept, totp=secret, totp_step=step, recovery=tuple(recovery_digest(code) for code in codes)
        )
        await ask.blocking(ask.parts.passwords.put, changed, before=kept)
        await ask.blocking(ask.parts.sessions.end_all, user.id, session.digest)
        ask.record("second_factor", user.id, user.name)
        return Reply(RecoveryCodes(codes=tuple(codes)))

    async def drop_factor(self, ask: Ask) -> Reply:
        """The second factor is taken away."""
        body: FactorEnd = ask.body
        user, _ = own_session(ask)
        kept = await self._signin.recheck(user, body.password, ask.visit.address)
        changed = msgspec.structs.replace(kept, totp=None, recovery=())
        await ask.blocking(ask.parts.passwords.put, changed, before=kept)
        ask.record("second_factor", user.id, user.name)
        return Reply(None, 204)

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        change = {"current": "four words in a row", "password": "five other words in a row"}
        return (
            Route("GET", _ME, "get_me", "Who asks, and what they may.", "self", self.read, gives=MeView),
            Route("PATCH", _ME, "patch_me", "Change what people call one.", "self", self.rename, takes=ProfileBody,
                  gives=MeView, errors=(409, 422), example={"title": "Ann"}),
            Route("POST", f"{_ME}/password", "change_password", "Change one's password; other sessions end.", "self",
                  self.change_password, takes=PasswordChange, status=204, errors=(422, 429), example=change),
            Route("POST", f"{_FACTOR}/offer", "offer_second_factor", "A secret for an authenticator.", "self",
                  self.offer_factor, gives=FactorOffer, quiet=True),
            Route("PUT", _FACTOR, "put_second_factor", "Set a second factor. Recovery codes are in this answer only.",
                  "self", self.set_factor, takes=FactorBody, gives=RecoveryCodes, errors=(409, 422, 429)),
            Route("POST", f"{_FACTOR}/remove", "remove_second_factor", "Take one's second factor away.", "self",
                  self.drop_factor, takes=FactorEnd, status=204, errors=(422, 429)),
        )  # fmt: skip


def _places(ask: Ask) -> list[PlaceView]:
    directory, caller, rights = ask.directory, ask.caller, ask.rights
    owners: list[Member | MachineAccount] = []
    if caller.user is not None:
        owners += directory.memberships(caller.user.id)
    elif caller.machine is not None:
        owners.append(caller.machine)
    found = []
    for owner in owners[:_SHOWN_MOST]:
        home = owner.organization_id
        organization = directory.find(Organization, home)
        if organization is not None and rights.belongs(home):
            found.append(
                PlaceView(
                    organization=organization.name,
                    title=organization.title,
                    suspended=organization.suspended,
                    role=owner.role,
                    permissions=tuple(sorted(rights.of(home))),
                    teams=_team_rights(ask, rights, owner),
                )
            )
    return sorted(found, key=lambda each: each.organization)


def _team_rights(ask: Ask, rights: Rights, owner: Member | MachineAccount) -> tuple[TeamRights, ...]:
    teams = ((ask.directory.find(Team, each.team_id), each.role) for each in owner.teams)
    return tuple(
        TeamRights(
            team=team.name,
            role=role,
            permissions=tuple(sorted(rights.of(owner.organization_id, team.id))),
        )
        for team, role in teams
        if team is not None
    )
