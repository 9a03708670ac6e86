"""How people prove who they are, and that they did. Apart from `core.people`, so that nothing that shows people can
show it. Times are Unix seconds, UTC."""

from __future__ import annotations

import msgspec


class Password(msgspec.Struct, frozen=True):
    """What a person's sign-in is checked against."""

    user_id: str
    hash: str | None = None
    """Of argon2id, with its parameters. None: there is none, so nothing matches it."""
    totp: bytes | None = None
    """The secret of the second factor, once it was confirmed."""
    totp_step: int = 0
    """The last time step whose code was used: older ones, and itself, are not taken again."""
    recovery: tuple[str, ...] = ()
    """SHA-256 in hexadecimal of each recovery code that is left."""
    changed_at: float = 0.0

    def __repr__(self) -> str:
        return f"Password({self.user_id})"


class Session(msgspec.Struct, frozen=True):
    """A person who is signed in at one browser."""

    digest: bytes
    """SHA-256 of the cookie's text."""
    user_id: str
    created_at: float
    seen_at: float
    expires_at: float
    strong: bool = False
    """It was begun with a second factor."""

    @property
    def session_id(self) -> str:
        """What lists show: the beginning of the digest, which opens nothing."""
        return self.digest[:8].hex()

    def __repr__(self) -> str:
        return f"Session({self.session_id})"
