"""What the control API keeps of people and keys. Blocking, and raising StoreUnavailable; called in threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from waypost.core.deed import Deed
from waypost.core.key import Key, KeyChanges
from waypost.core.keytext import IssuedKey
from waypost.core.signin import Password, Session


class Passwords(Protocol):
    """How people prove who they are."""

    def by(self, deed: Deed) -> Passwords:
        """The same, for somebody whom the audit log tells of."""
        ...

    def get(self, user_id: str) -> Password | None:
        """What is kept of a person, if anything."""
        ...

    def put(self, password: Password, *, before: Password | None = None) -> None:
        """Keep it, in place of what was kept of the person. `before`: raises Conflict if that is not what is kept."""
        ...

    def advance(self, user_id: str, step: int) -> bool:
        """Use up the time step of a second factor; False when it, or a later one, was used before."""
        ...

    def spend(self, user_id: str, digest: str) -> bool:
        """Use up a recovery code; False when it is not, or no longer, among the person's."""
        ...


class Sessions(Protocol):
    """Who is signed in."""

    def by(self, deed: Deed) -> Sessions:
        """The same, for somebody whom the audit log tells of."""
        ...

    def add(self, session: Session) -> None:
        """Begin one."""
        ...

    def get(self, digest: bytes) -> Session | None:
        """One, whether it has expired or not."""
        ...

    def see(self, digest: bytes, at: float) -> None:
        """It was used at this time."""
        ...

    def of_user(self, user_id: str) -> Sequence[Session]:
        """A person's, newest first."""
        ...

    def end(self, digest: bytes) -> bool:
        """End one; False when there is none."""
        ...

    def end_all(self, user_id: str, but: bytes | None = None) -> int:
        """End all of a person's, but one; how many there were."""
        ...


class KeyStore(Protocol):
    """Client keys, as they are made and changed. Also raises Conflict, InvalidRequest and NotFound."""

    def by(self, deed: Deed) -> KeyStore:
        """The same, for somebody whom the audit log tells of."""
        ...

    def create(self, wanted: Key, own_most: int | None = None) -> tuple[IssuedKey, Key]:
        """Make a key that may what `wanted` may; its id, secret and revision are new. The text in the first value is
        the only copy. With `own_most`, Conflict is raised when its user has that many in the organization."""
        ...

    def get(self, key_id: str) -> Key | None:
        """One key with its newest secret."""
        ...

    def page(self, organization_id: str | None, user_id: str | None, after: str, limit: int) -> Sequence[Key]:
        """Keys of an organization, or of a person, or both, newest first, from behind the key with the id `after`;
        revoked and expired ones included."""
        ...

    def change(self, key_id: str, changes: KeyChanges, revision: int | None = None) -> Key:
        """Change what is set. Raises Conflict when it is at another revision."""
        ...

    def rotate(self, key_id: str, at: float, overlap_s: float) -> tuple[IssuedKey, Key]:
        """Give a key a new secret; its older ones work for `overlap_s` more."""
        ...

    def revoke(self, key_id: str, at: float) -> Key:
        """End a key and all its secrets; one that is revoked already keeps its time."""
        ...
