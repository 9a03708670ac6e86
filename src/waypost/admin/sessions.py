"""Signing in and out."""

from __future__ import annotations

from typing import Final

import msgspec

from waypost.admin.ask import Ask
from waypost.admin.caller import check_same_site, set_cookie
from waypost.admin.fields import Email, Secret, Time
from waypost.admin.refusals import about
from waypost.admin.resource import listed, page_type
from waypost.admin.rights import Caller
from waypost.admin.route import PREFIX, Reply, Route
from waypost.admin.signin import IDLE_S, LASTS_S, SignIn
from waypost.core.people import User
from waypost.core.signin import Session
from waypost.errors import Forbidden, NotFound, NotSignedIn

_ONE: Final = f"{PREFIX}/session"
_MINE: Final = f"{PREFIX}/me/sessions"


class SignInBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a person shows to sign in."""

    email: Email
    password: Secret
    code: Secret | None = None
    """Of the authenticator, or a recovery code; needed where a second factor is set."""

    def __repr__(self) -> str:
        return "SignInBody()"


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A person who is signed in at one browser."""

    id: str
    user: str
    """The person's id."""
    email: str
    strong: bool
    """It was begun with a second factor."""
    current: bool
    """It is the one that asks."""
    created_at: Time
    seen_at: Time
    expires_at: Time
    """When it ends; earlier when it is not used for 12 hours."""


class Signing:
    """Sessions, as routes."""

    def __init__(self, signin: SignIn) -> None:
        self._signin = signin

    async def begin(self, ask: Ask) -> Reply:
        """Sign in."""
        body: SignInBody = ask.body
        check_same_site(ask.visit, strict=False)
        name = body.email.lower()
        ask.act_as(Caller(way="sign-in"))
        try:
            user, strong = await self._signin.verify(
                name, body.password, body.code, ask.visit.address, by=ask.deed
            )
        except NotSignedIn:
            ask.record("refused_sign_in", "", name)
            await about(ask, name)
            raise
        ask.act_as(Caller(made_by=f"user:{user.id}", user=user, way="sign-in"))
        issued, session = await self._signin.begin(user, strong, by=ask.deed)
        ask.record("session", session.session_id, user.name)
        cookie = set_cookie(ask.visit, issued.text, LASTS_S)
        return Reply(_shown(session, user, session), 201, (cookie,))

    async def read(self, ask: Ask) -> Reply:
        """The session that asks."""
        user, session = own_session(ask)
        return Reply(_shown(session, user, session))

    async def end(self, ask: Ask) -> Reply:
        """Sign out."""
        user, session = own_session(ask)
        await ask.blocking(ask.parts.sessions.end, session.digest)
        ask.record("session", session.session_id, user.name)
        return Reply(None, 204, (set_cookie(ask.visit, "", 0),))

    async def mine(self, ask: Ask) -> Reply:
        """Everywhere that one is signed in."""
        user, current = own_session(ask)
        page, now = ask.page, ask.now
        found = [
            each
            for each in await ask.blocking(ask.parts.sessions.of_user, user.id)
            if each.expires_at > now and each.seen_at + IDLE_S > now
        ]
        ids = [each.session_id for each in found]
        begin = ids.index(page.after) + 1 if page.after in ids else 0
        shown = found[begin : begin + page.limit]
        more = begin + page.limit < len(found)
        views = [_shown(each, user, current) for each in shown]
        return listed(ask, views, views[-1].id if more else None)

    async def end_one(self, ask: Ask) -> Reply:
        """Sign out elsewhere."""
        user, _ = own_session(ask)
        for each in await ask.blocking(ask.parts.sessions.of_user, user.id):
            if each.session_id == ask.said["session"]:
                await ask.blocking(ask.parts.sessions.end, each.digest)
                ask.record("session", each.session_id, user.name)
                return Reply(None, 204)
        raise NotFound("You have no such session.")

    async def end_all(self, ask: Ask) -> Reply:
        """Sign out everywhere, here too."""
        user, _ = own_session(ask)
        await ask.blocking(ask.parts.sessions.end_all, user.id)
        ask.record("sessions", user.id, user.name)
        return Reply(None, 204, (set_cookie(ask.visit, "", 0),))

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        page = page_type(SessionView)
        example = {"email": "ann@example.com", "password": "four words in a row"}
        return (
            Route("POST", _ONE, "create_session", "Sign in. The answer sets a cookie.", "public", self.begin,
                  takes=SignInBody, gives=SessionView, status=201, errors=(401, 429), example=example),
            Route("GET", _ONE, "get_session", "Who is signed in.", "self", self.read, gives=SessionView),
            Route("DELETE", _ONE, "delete_session", "Sign out.", "self", self.end, status=204),
            Route("GET", _MINE, "list_session", "List: where one is signed in.", "self", self.mine, gives=page,
                  lists=True),
            Route("DELETE", _MINE, "delete_sessions", "Sign out everywhere.", "self", self.end_all, status=204),
            Route("DELETE", f"{_MINE}/{{session}}", "delete_one_session", "Sign out elsewhere.", "self",
                  self.end_one, status=204, errors=(404,)),
        )  # fmt: skip


def own_session(ask: Ask) -> tuple[User, Session]:
    """Who is signed in, and where. Raises Forbidden for everybody else."""
    user, session = ask.caller.user, ask.caller.session
    if user is None or session is None:
        raise Forbidden("This is for people who are signed in: POST /api/v1/session. A token has no session.")
    return user, session


def _shown(session: Session, user: User, current: Session | None) -> SessionView:
    return SessionView(
        id=session.session_id,
        user=user.id,
        email=user.name,
        strong=session.strong,
        current=current is not None and current.digest == session.digest,
        created_at=session.created_at,
        seen_at=session.seen_at,
        expires_at=session.expires_at,
    )
