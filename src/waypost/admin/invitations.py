"""Links by which people join an organization. A link opens once, and only as long as whoever made it could still give
the role it gives."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable
from contextlib import suppress
from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import Meta

from waypost.admin.ask import Ask, missing
from waypost.admin.caller import check_same_site, maker
from waypost.admin.fields import Email, Name, Secret, TeamPlace, Time, Title, email
from waypost.admin.passwords import check_password
from waypost.admin.places import check_roles, places, shown_places
from waypost.admin.refusals import about
from waypost.admin.resource import listed, page_type
from waypost.admin.rights import Caller, Rights
from waypost.admin.route import PREFIX, Reply, Route
from waypost.admin.signin import SignIn
from waypost.core.objects import PREFIXES
from waypost.core.people import Invitation, Member, Organization, Permission, User
from waypost.core.signin import Password
from waypost.core.tokentext import digest_of, is_text, issue_text
from waypost.errors import Conflict, GatewayError, NotFound, NotSignedIn

_BASE: Final = f"{PREFIX}/organizations/{{organization}}/invitations"
_READ: Final[tuple[Permission, ...]] = ("members:read",)
_WRITE: Final[tuple[Permission, ...]] = ("members:write",)
_DAY_S: Final = 86_400.0
_GONE: Final = "This invitation does not exist, was used, or has ended. Ask for another one."
Days = Annotated[int, Meta(ge=1, le=30)]


class InvitationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An invitation, as it is to be made."""

    email: Email
    """Whom it is for: what they will sign in with."""
    role: Name = "developer"
    """What they will be. It may have no permission that its maker does not have."""
    teams: tuple[TeamPlace, ...] = ()
    """What they will be in teams, beyond that."""
    days: Days = 7
    """How long it lasts."""


class InvitationView(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation. Its link is never shown again."""

    id: str
    email: str
    role: Name
    teams: tuple[TeamPlace, ...]
    made_by: str
    expires_at: Time
    accepted_at: Time | None
    created_at: Time
    revision: int


class InvitationMade(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation with its text, which is shown this once."""

    token: str
    """What whoever is invited shows to `accept`."""
    invitation: InvitationView

    def __repr__(self) -> str:
        return f"InvitationMade({self.invitation.id})"


class AcceptBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How an invitation is accepted."""

    token: Secret
    """The text of the link."""
    password: Secret
    """A new one; of somebody who has an account already, theirs."""
    name: Title = ""
    """What people call you; of somebody who has an account already, it stays."""
    code: Secret | None = None
    """Of somebody who has an account with a second factor."""

    def __repr__(self) -> str:
        return "AcceptBody()"


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A new member. Sign in next: POST /api/v1/session."""

    organization: Name
    email: str
    role: Name


class Invitations:
    """Invitations, as routes."""

    def __init__(self, signin: SignIn) -> None:
        self._signin = signin

    async def list(self, ask: Ask) -> Reply:
        """One page, in the order of their e-mail addresses."""
        page = ask.page
        found = await ask.blocking(ask.parts.objects.page, "invitation", ask.home, page.after, page.limit + 1)
        shown = [_shown(ask, each) for each in found[: page.limit]]
        return listed(ask, shown, shown[-1].email if len(found) > page.limit else None)

    async def get(self, ask: Ask) -> Reply:
        """One."""
        return Reply(_shown(ask, await _find(ask)))

    async def delete(self, ask: Ask) -> Reply:
        """Its link opens nothing any more."""
        async with ask.changes:
            await ask.remove("invitation", await _find(ask))
        return Reply(None, 204)

    async def create(self, ask: Ask) -> Reply:
        """A new one, in place of an earlier one for the same address."""
        body: InvitationBody = ask.body
        name = email(body.email)
        async with ask.changes:
            teams = await places(ask, body.teams)
            await check_roles(ask, body.role, teams)
            user = await ask.named("user", name, "")
            if user is not None and await ask.named("member", user.id) is not None:
                raise Conflict("This person is a member already.", param="email")
            earlier = await ask.named("invitation", name)
            if earlier is not None:
                await ask.remove("invitation", earlier)
            issued = issue_text("inv", ask.parts.randomness)
            made = Invitation(
                id=f"{PREFIXES['invitation']}_{issued.text_id}",
                organization_id=ask.home,
                name=name,
                digest=issued.digest,
                role=body.role,
                teams=teams,
                made_by=ask.caller.made_by,
                expires_at=ask.now + body.days * _DAY_S,
                created_at=ask.now,
            )
            stored = await ask.store(made, None)
        return Reply(InvitationMade(token=issued.text, invitation=_shown(ask, stored)), 201)

    async def accept(self, ask: Ask) -> Reply:
        """A new member, and a new person unless they are known already."""
        body: AcceptBody = ask.body
        check_same_site(ask.visit, strict=False)
        address = ask.visit.address
        self._signin.begin_try(f"invitation:{body.token[:16]}", address)
        invitation, organization = await self._open(ask, body.token)
        self._signin.end_try(f"invitation:{body.token[:16]}", address)
        ask.organization = organization
        ask.act_as(Caller(made_by=f"invitation:{invitation.id}", way="invitation"))
        known = cast(User | None, await ask.named("user", invitation.name, ""))
        hashed = None
        if known is None:
            check_password(body.password, invitation.name)
            hashed = await self._signin.hashed(body.password, address)
        else:
            known = await self._prove(ask, invitation, body)
        async with ask.changes:
            invitation, ask.organization = await self._open(ask, body.token)
            user = known if known is not None else await self._enrol(ask, invitation.name, body.name, hashed)
            await self._join(ask, invitation, user, is_new=known is None)
        return Reply(Accepted(organization=organization.name, email=user.name, role=invitation.role), 201)

    async def _prove(self, ask: Ask, invitation: Invitation, body: AcceptBody) -> User:
        """Whoever has the link may not be whose account it is. Raises NotSignedIn."""
        try:
            user, _ = await self._signin.verify(
                invitation.name, body.password, body.code, ask.visit.address, by=ask.deed
            )
        except NotSignedIn:
            ask.record("refused_sign_in", "", invitation.name)
            await about(ask, invitation.name)
            raise
        return user

    async def _enrol(self, ask: Ask, name: str, title: str, hashed: str | None) -> User:
        user = User(id=ask.new_id("user"), name=name, title=title, created_at=ask.now)
        try:
            stored = cast(User, await ask.store(user, None))
        except Conflict:
            raise Conflict(
                "Somebody made an account with this address at this moment. Accept again, with its password."
            ) from None
        try:
            await ask.blocking(ask.parts.passwords.put, Password(stored.id, hash=hashed, changed_at=ask.now))
        except GatewayError:
            await _undo(ask.remove("user", stored))
            raise
        return stored

    async def _join(self, ask: Ask, invitation: Invitation, user: User, *, is_new: bool) -> None:
        """Use the invitation up, then make its member: two who have the link do not both come in. Where the member can
        not be made, the invitation is as it was, and so is who was enrolled for it."""
        used = None
        try:
            used = await ask.store(msgspec.structs.replace(invitation, accepted_at=ask.now), invitation)
            if await ask.named("member", user.id) is None:
                await ask.store(_member(ask, invitation, user), None)
        except GatewayError:
            if used is not None:
                await _undo(
                    ask.store(msgspec.structs.replace(cast(Invitation, used), accepted_at=None), used)
                )
            if is_new:
                await _undo(ask.remove("user", user))
            raise

    async def _open(self, ask: Ask, token: str) -> tuple[Invitation, Organization]:
        """The invitation of a link, as long as it opens something. Raises NotFound, which never says why not."""
        text = token.encode()
        if not is_text("inv", text):
            raise NotFound(_GONE)
        object_id = f"{PREFIXES['invitation']}_{token[7:15]}"
        found = await ask.blocking(ask.parts.objects.get, "invitation", object_id)
        if not isinstance(found, Invitation) or not hmac.compare_digest(found.digest, digest_of(text)):
            raise NotFound(_GONE)
        organization = ask.directory.find(Organization, found.organization_id)
        if organization is None or organization.suspended or found.accepted_at is not None:
            raise NotFound(_GONE)
        if found.expires_at <= ask.now or not _still_given(ask, found):
            raise NotFound(_GONE)
        return found, organization

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        page = page_type(InvitationView)
        one = f"{_BASE}/{{invitation}}"
        return (
            Route("GET", _BASE, "list_invitation", "List: invitations.", _READ, self.list, gives=page, lists=True),
            Route("POST", _BASE, "create_invitation", "Invite somebody. The link's text is in this answer only.",
                  _WRITE, self.create, takes=InvitationBody, gives=InvitationMade, status=201, errors=(409, 422),
                  example={"email": "ann@example.com", "role": "developer", "days": 7}),
            Route("GET", one, "get_invitation", "Read an invitation.", _READ, self.get, gives=InvitationView),
            Route("DELETE", one, "delete_invitation", "Take an invitation back.", _WRITE, self.delete, status=204,
                  errors=(409,)),
            Route("POST", f"{PREFIX}/invitations/accept", "accept_invitation", "Join an organization.", "public",
                  self.accept, takes=AcceptBody, gives=Accepted, status=201, errors=(401, 404, 409, 422, 429)),
        )  # fmt: skip


def _still_given(ask: Ask, invitation: Invitation) -> bool:
    """Whether whoever made it could make it now."""
    directory, home = ask.directory, invitation.organization_id
    caller = maker(directory, invitation.made_by)
    if caller is None:
        return False
    rights = Rights(directory, caller)
    if "members:write" not in rights.of(home) or directory.role(home, invitation.role) - rights.of(home):
        return False
    return not any(
        directory.role(home, each.role) - rights.of(home, each.team_id) for each in invitation.teams
    )


async def _undo(step: Awaitable[object]) -> None:
    """Take a step back, as far as the store lets one: what is told is why it was taken."""
    with suppress(GatewayError):
        await step


def _member(ask: Ask, invitation: Invitation, user: User) -> Member:
    return Member(
        id=ask.new_id("member"),
        organization_id=invitation.organization_id,
        name=user.id,
        role=invitation.role,
        teams=invitation.teams,
        created_at=ask.now,
    )


async def _find(ask: Ask) -> Invitation:
    found = await ask.blocking(ask.parts.objects.get, "invitation", ask.said["invitation"])
    if not isinstance(found, Invitation) or found.organization_id != ask.home:
        raise missing("invitation", ask.said["invitation"])
    return found


def _shown(ask: Ask, found: Any) -> InvitationView:
    return InvitationView(
        id=found.id,
        email=found.name,
        role=found.role,
        teams=shown_places(ask, found.teams),
        made_by=found.made_by,
        expires_at=found.expires_at,
        accepted_at=found.accepted_at,
        created_at=found.created_at,
        revision=found.revision,
    )
