"""The people of the installation, for its operators."""

from __future__ import annotations

from typing import Final

import msgspec

from waypost.admin.ask import Ask
from waypost.admin.fields import Email, Secret, Time, Title, email
from waypost.admin.passwords import check_password
from waypost.admin.places import user_named
from waypost.admin.resource import Resource
from waypost.admin.rights import check_grant
from waypost.admin.route import PREFIX, Reply, Route
from waypost.admin.signin import SignIn
from waypost.core.objects import Object
from waypost.core.people import OPERATOR, Permission, User
from waypost.core.signin import Password

_ONE: Final = f"{PREFIX}/users/{{user}}"


class UserBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person, as they are to be."""

    title: Title = ""
    """What people call them."""
    disabled: bool = False
    """They can not sign in, and none of their keys and tokens works."""
    operator: bool = False
    """They may do everything in every organization. Only who may that too can say so."""


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """A person. What they may do in an organization is in their membership of it."""

    id: str
    email: Email
    title: str
    disabled: bool
    operator: bool
    created_at: Time
    revision: int


class PasswordBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new password."""

    password: Secret
    """At least 12 characters, not the e-mail address, and none of the commonest."""

    def __repr__(self) -> str:
        return "PasswordBody()"


class Users(Resource):
    """Everybody. The path has an e-mail address, or an id of somebody who is there."""

    kind = "user"
    word = "user"
    plural = "users"
    prefix = PREFIX
    read: tuple[Permission, ...] = ("gateway:read",)
    write: tuple[Permission, ...] = ("gateway:write",)
    body = UserBody
    view = UserView
    segment = "user"
    example = {"title": "Ann"}  # noqa: RUF012 - read only

    def __init__(self, signin: SignIn) -> None:
        self._signin = signin

    async def name_of(self, ask: Ask) -> str | None:
        """See `Resource`."""
        text = ask.said["user"]
        if "@" in text:
            return text.lower()
        found = await user_named(ask, text)
        return None if found is None else found.name

    def home_of(self, ask: Ask) -> str:
        """See `Resource`."""
        return ""

    async def build(self, ask: Ask, body: UserBody, old: User | None, name: str) -> Object:
        """See `Resource`."""
        was = old is not None and old.operator
        if body.operator or was:
            check_grant(ask.rights.of(""), OPERATOR, "An operator")
        return User(
            **ask.made("user", old),
            name=name if old is not None else email(name, "user"),
            title=body.title,
            disabled=body.disabled,
            operator=body.operator,
        )

    async def check_leave(self, ask: Ask, found: User) -> None:
        """See `Resource`. The store forgets their password and their sessions with them."""
        check_grant(ask.rights.of(""), OPERATOR, "A person")

    async def show(self, ask: Ask, found: User) -> UserView:
        """See `Resource`."""
        return UserView(
            id=found.id,
            email=found.name,
            title=found.title,
            disabled=found.disabled,
            operator=found.operator,
            created_at=found.created_at,
            revision=found.revision,
        )

    # --- how they sign in -------------------------------------------------------------------------------------------

    async def set_password(self, ask: Ask) -> Reply:
        """A password that somebody is given. Whoever can do that can be them, so it takes every right there is."""
        body: PasswordBody = ask.body
        user = await self._person(ask)
        check_password(body.password, user.name)
        made = await self._signin.hashed(body.password, ask.visit.address)
        kept = await ask.blocking(ask.parts.passwords.get, user.id)
        changed = msgspec.structs.replace(kept or Password(user.id), hash=made, changed_at=ask.now)
        await ask.blocking(ask.parts.passwords.put, changed, before=kept)
        await ask.blocking(ask.parts.sessions.end_all, user.id)
        ask.record("password", user.id, user.name)
        return Reply(None, 204)

    async def drop_second_factor(self, ask: Ask) -> Reply:
        """For somebody who has lost theirs."""
        user = await self._person(ask)
        kept = await ask.blocking(ask.parts.passwords.get, user.id)
        if kept is not None:
            changed = msgspec.structs.replace(kept, totp=None, recovery=())
            await ask.blocking(ask.parts.passwords.put, changed, before=kept)
            await ask.blocking(ask.parts.sessions.end_all, user.id)
        ask.record("second_factor", user.id, user.name)
        return Reply(None, 204)

    async def sign_out(self, ask: Ask) -> Reply:
        """Everywhere."""
        user = await self._person(ask)
        await ask.blocking(ask.parts.sessions.end_all, user.id)
        ask.record("sessions", user.id, user.name)
        return Reply(None, 204)

    async def _person(self, ask: Ask) -> User:
        check_grant(ask.rights.of(""), OPERATOR, "Another person's sign-in")
        user = await user_named(ask, ask.said["user"])
        if user is None:
            raise self.hidden(ask)
        return user

    def more_routes(self) -> tuple[Route, ...]:
        """The rows beside those of every resource."""
        example = {"password": "four words in a row"}
        return (
            Route("PUT", f"{_ONE}/password", "put_user_password", "Give a person a password; their sessions end.",
                  self.write, self.set_password, takes=PasswordBody, status=204, errors=(422,), example=example),
            Route("DELETE", f"{_ONE}/second-factor", "delete_user_second_factor",
                  "Take a person's second factor away; their sessions end.", self.write, self.drop_second_factor,
                  status=204),
            Route("DELETE", f"{_ONE}/sessions", "delete_user_sessions", "Sign a person out everywhere.", self.write,
                  self.sign_out, status=204),
        )  # fmt: skip
