"""Stage 2: a presented key becomes a `Key`, or a 401 that says what is wrong with it; a 403 when nothing is wrong with
the key, and who it belongs to may nothing any more."""

from __future__ import annotations

from hashlib import sha256

from waypost.core.key import Key
from waypost.core.keytext import looks_valid
from waypost.errors import Forbidden, Unauthenticated
from waypost.policy.directory import Directory
from waypost.ports import Clock, Keys

_WHERE = "Send it as `Authorization: Bearer <key>`; `waypost keys create` makes one."


class Authenticate:
    """Looks a key up by its SHA-256: in memory first, in the database when it is new to this process."""

    __slots__ = ("_clock", "_directory", "_keys")

    def __init__(self, keys: Keys, clock: Clock, directory: Directory) -> None:
        self._keys = keys
        self._clock = clock
        self._directory = directory

    def known(self, presented: bytes) -> Key | None:
        """The key if it is in memory, checked. None says that `lookup` has to be asked. Raises as `check`."""
        key = self._keys.cached(sha256(presented).digest())
        return None if key is None else self.check(key)

    def remembered(self, presented: bytes) -> Key | None:
        """The key if it is in memory, unchecked: for what decides nothing but who waits."""
        return self._keys.cached(sha256(presented).digest())

    async def key_of(self, presented: bytes | None) -> Key:
        """The key, from memory or from the database. Raises as `lookup`."""
        return (self.known(presented) if presented else None) or await self.lookup(presented)

    async def lookup(self, presented: bytes | None) -> Key:
        """The key from the database. Raises Unauthenticated, Forbidden and StoreUnavailable.

        A text whose checksum is wrong is refused without asking, so guesses never reach the database.
        """
        if not presented:
            raise Unauthenticated(f"This request carries no API key. {_WHERE}")
        if presented.startswith(b"sk-wp-") and not looks_valid(presented.decode("ascii", "replace")):
            raise Unauthenticated(
                "This API key is incomplete or mistyped: its checksum is wrong. Copy it again."
            )
        key = await self._keys.lookup(sha256(presented).digest())
        if key is None:
            raise Unauthenticated(f"This gateway does not know this API key. {_WHERE}")
        return self.check(key)

    def check(self, key: Key) -> Key:
        """The key itself, while it is neither revoked nor expired, and its owner may use the gateway. Raises
        Unauthenticated and Forbidden."""
        if key.revoked_at is not None and key.revoked_at <= self._clock.wall():
            raise Unauthenticated(f"The API key {key.name!r} was revoked. Ask its owner for a new one.")
        if key.expires_at is not None and key.expires_at <= self._clock.wall():
            raise Unauthenticated(f"The API key {key.name!r} has expired. Ask its owner to rotate it.")
        refusal = self._directory.standing(key).refusal
        if refusal is not None:
            raise Forbidden(refusal)
        return key
