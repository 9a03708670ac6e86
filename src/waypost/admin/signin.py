"""Signing in, and what a session lasts for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

import msgspec

from waypost.admin.parts import Parts
from waypost.admin.second_factor import recovery_digest, step_of
from waypost.admin.throttle import Throttle
from waypost.core.people import User
from waypost.core.signin import Password, Session
from waypost.core.tokentext import IssuedText, digest_of, is_text, issue_text
from waypost.errors import NotSignedIn, Overloaded

IDLE_S: Final = 12 * 3600.0
LASTS_S: Final = 7 * 86_400.0
#: How often it is written down that a session is used.
_SEEN_S: Final = 60.0
#: Hashing takes 19 MiB and tens of milliseconds each.
_HASHING_MOST: Final = 2
#: A second or two of it.
_WAITING_MOST: Final = 64

_REFUSED: Final = "The e-mail address, the password or the code is wrong."
CODE: Final = "code"


class SignIn:
    """Tries to sign in, and sessions. Answers the same, and as late, whoever is asked for."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._throttle = Throttle()
        self._hashing = asyncio.Semaphore(_HASHING_MOST)
        self._waiting = 0

    async def verify(self, email: str, password: str, code: str | None, address: str) -> tuple[User, bool]:
        """Who proves to be whom they say, and whether with a second factor. Raises NotSignedIn, with `param` being
        `code` when all that is missing is a code, and RateLimited."""
        parts, now = self._parts, self._parts.clock.wall()
        self._throttle.begin(email, address, now)
        user = cast(User | None, await parts.blocking(parts.objects.named, "user", "", email))
        kept = await parts.blocking(parts.passwords.get, "" if user is None else user.id)
        right = await self.matches(kept if user is not None else None, password)
        if user is None or kept is None or not right or user.disabled:
            raise NotSignedIn(_REFUSED)
        strong = await self._check_code(kept, code, now, email, address)
        self._throttle.succeed(email, address)
        if parts.hashes.outdated(kept.hash or ""):
            made = await self.hashed(password)
            await parts.blocking(parts.passwords.put, msgspec.structs.replace(kept, hash=made))
        return user, strong

    async def recheck(self, user: User, password: str, address: str) -> Password:
        """Whoever is signed in shows their password again. Raises NotSignedIn and RateLimited."""
        parts = self._parts
        self._throttle.begin(user.name, address, parts.clock.wall())
        kept = await parts.blocking(parts.passwords.get, user.id)
        if not await self.matches(kept, password) or kept is None:
            raise NotSignedIn("The password is wrong.")
        self._throttle.succeed(user.name, address)
        return cast(Password, kept)

    def begin_try(self, account: str, address: str) -> None:
        """Count a try of something else that is guessed at. Raises RateLimited."""
        self._throttle.begin(account, address, self._parts.clock.wall())

    def end_try(self, account: str, address: str) -> None:
        """It was no failure."""
        self._throttle.succeed(account, address)

    async def matches(self, kept: Password | None, password: str) -> bool:
        """Whether it is the password; as late when there is none."""
        given = None if kept is None else kept.hash
        return bool(await self._slowly(self._parts.hashes.matches, given, password))

    async def hashed(self, password: str) -> str:
        """What is kept of a password."""
        return str(await self._slowly(self._parts.hashes.make, password))

    async def _slowly(self, call: Callable[..., object], *args: object) -> object:
        """What takes memory and time on purpose: a few at once, and a bounded number behind them."""
        if self._waiting >= _WAITING_MOST:
            raise Overloaded("Too many people sign in at this moment. Try again soon.", retry_after_s=1.0)
        self._waiting += 1
        try:
            async with self._hashing:
                return await self._parts.blocking(call, *args)
        finally:
            self._waiting -= 1

    async def _check_code(
        self, kept: Password, code: str | None, now: float, email: str, address: str
    ) -> bool:
        """Whether a second factor was shown. Raises NotSignedIn when one is needed."""
        parts = self._parts
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

    async def begin(self, user: User, strong: bool) -> tuple[IssuedText, Session]:
        """A session of somebody who has proved who they are."""
        parts, now = self._parts, self._parts.clock.wall()
        issued = issue_text("ses", parts.randomness)
        session = Session(issued.digest, user.id, now, now, now + LASTS_S, strong)
        await parts.blocking(parts.sessions.add, session)
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
