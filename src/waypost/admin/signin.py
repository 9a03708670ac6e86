"""Signing in, and what a session lasts for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

import msgspec

from waypost.admin.parts import Parts
from waypost.admin.second_factor import recovery_digest, step_of
from waypost.admin.throttle import Throttle, Turns
from waypost.core.deed import Deed
from waypost.core.people import User
from waypost.core.signin import Password, Session
from waypost.core.tokentext import IssuedText, digest_of, is_text, issue_text
from waypost.errors import Conflict, NotSignedIn, Overloaded

IDLE_S: Final = 12 * 3600.0
LASTS_S: Final = 7 * 86_400.0
#: How often it is written down that a session is used.
_SEEN_S: Final = 60.0

_REFUSED: Final = "The e-mail address, the password or the code is wrong."
CODE: Final = "code"
_NOBODY: Final = Deed(actor="", via="sign-in")


class SignIn:
    """Tries to sign in, and sessions. Answers the same, and as late, whoever is asked for."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._throttle = Throttle(parts.workers)
        self._turns = Turns()

    async def verify(
        self, email: str, password: str, code: str | None, address: str, *, by: Deed = _NOBODY
    ) -> tuple[User, bool]:
        """Who proves to be whom they say, and whether with a second factor. `by`: as what the audit log tells of what
        is used up by it. Raises NotSignedIn, with `param` being
        `code` when all that is missing is a code, and RateLimited."""
        parts, now = self._parts, self._parts.clock.wall()
        self._throttle.begin(email, address, now)
        user = cast(User | None, await parts.blocking(parts.objects.named, "user", "", email))
        kept = await parts.blocking(parts.passwords.get, "" if user is None else user.id)
        right = await self.matches(kept if user is not None else None, password, address)
        if user is None or kept is None or not right or user.disabled:
            raise NotSignedIn(_REFUSED)
        theirs = parts.by(msgspec.structs.replace(by, actor=f"user:{user.id}"))
        strong = await self._check_code(theirs, kept, code, now, email, address)
        self._throttle.succeed(email, address)
        if parts.hashes.outdated(kept.hash or ""):
            with suppress(
                Conflict, Overloaded
            ):  # who signs in has nothing to do with it: the next time will do
                await self._rehash(theirs, kept, password, address)
        return user, strong

    async def recheck(self, user: User, password: str, address: str) -> Password:
        """Whoever is signed in shows their password again. Raises NotSignedIn and RateLimited."""
        parts = self._parts
        self._throttle.begin(user.name, address, parts.clock.wall())
        kept = await parts.blocking(parts.passwords.get, user.id)
        if not await self.matches(kept, password, address) or kept is None:
            raise NotSignedIn("The password is wrong.")
        self._throttle.succeed(user.name, address)
        return cast(Password, kept)

    def begin_try(self, account: str, address: str) -> None:
        """Count a try of something else that is guessed at. Raises RateLimited."""
        self._throttle.begin(account, address, self._parts.clock.wall())

    def end_try(self, account: str, address: str) -> None:
        """It was no failure."""
        self._throttle.succeed(account, address)

    async def matches(self, kept: Password | None, password: str, address: str) -> bool:
        """Whether it is the password; as late when there is none."""
        given = None if kept is None else kept.hash
        return bool(await self._slowly(address, self._parts.hashes.matches, given, password))

    async def hashed(self, password: str, address: str) -> str:
        """What is kept of a password."""
        return str(await self._slowly(address, self._parts.hashes.make, password))

    async def _slowly(self, address: str, call: Callable[..., object], *args: object) -> object:
        async with self._turns.turn(address):
            return await self._parts.blocking(call, *args)

    async def _rehash(self, parts: Parts, shown: Password, password: str, address: str) -> None:
        """Keep a password as today's are kept, if it is still theirs. What is kept of them is read again: the code
        that they showed was used up since. Raises Conflict when it is changed meanwhile."""
        passwords = parts.passwords
        now = cast(Password | None, await parts.blocking(passwords.get, shown.user_id))
        if now is None or now.hash != shown.hash:
            return
        made = await self.hashed(password, address)
        await parts.blocking(passwords.put, msgspec.structs.replace(now, hash=made), before=now)

    async def _check_code(
        self, parts: Parts, kept: Password, code: str | None, now: float, email: str, address: str
    ) -> bool:
        """Whether a second factor was shown. Raises NotSignedIn when one is needed."""
        if kept.totp is None:
            return False
        if code is None:
            self._throttle.undo(email, address)
            raise NotSignedIn("A code of the authenticator, or a recovery code, is needed too.", param=CODE)
        step = step_of(kept.totp, code, now)
        if step is not None:
            good = await parts.blocking(parts.passwords.advance, kept.user_id, step)
        else:
            good = await parts.blocking(parts.passwords.spend, kept.user_id, recovery_digest(code))
        if not good:
            raise NotSignedIn(_REFUSED)
        return True

    # --- sessions ---------------------------------------------------------------------------------------------------

    async def begin(self, user: User, strong: bool, *, by: Deed = _NOBODY) -> tuple[IssuedText, Session]:
        """A session of somebody who has proved who they are. `by`: as what the audit log tells of it."""
        parts, now = self._parts, self._parts.clock.wall()
        issued = issue_text("ses", parts.randomness)
        session = Session(issued.digest, user.id, now, now, now + LASTS_S, strong)
        await parts.blocking(parts.sessions.by(by).add, session)
        return issued, session

    async def session_of(self, text: bytes) -> tuple[User, Session] | None:
        """Whose session a cookie is, while it lasts. Raises StoreUnavailable."""
        if not is_text("ses", text):
            return None
        parts, now = self._parts, self._parts.clock.wall()
        session = cast(Session | None, await parts.blocking(parts.sessions.get, digest_of(text)))
        if session is None or session.expires_at <= now or session.seen_at + IDLE_S <= now:
            return None
        user = parts.live.directory.find(User, session.user_id)
        if user is None or user.disabled:
            return None
        if now - session.seen_at >= _SEEN_S:
            await parts.blocking(parts.sessions.see, session.digest, now)
        return user, session
