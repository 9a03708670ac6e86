"""Client keys as the control API makes and changes them."""

from __future__ import annotations

from collections.abc import Sequence

from waypost.core.deed import Deed
from waypost.core.key import Key, KeyChanges
from waypost.core.keytext import IssuedKey, Randomness
from waypost.errors import NotFound
from waypost.stores.sql.key_page import KeyFilter
from waypost.stores.sql.keys import KeyRows, NewKey


class KeyStore:
    """`KeyRows` for those who think in whole keys. Blocking. Raises StoreUnavailable, Conflict, InvalidRequest and
    NotFound."""

    def __init__(self, rows: KeyRows, randomness: Randomness) -> None:
        self._rows = rows
        self._randomness = randomness

    def by(self, deed: Deed) -> KeyStore:
        """The same, for somebody whom the audit log tells of."""
        return KeyStore(self._rows.by(deed), self._randomness)

    def create(self, wanted: Key, own_most: int | None = None) -> tuple[IssuedKey, Key]:
        """Make a key that may what `wanted` may, at the time it says; its id, secret and revision are new. The text in
        the first value is the only copy. With `own_most`, Conflict is raised when its user has that many in the
        organization."""
        new = NewKey(**{name: getattr(wanted, name) for name in NewKey.__struct_fields__})
        return self._rows.create(new, wanted.created_at, self._randomness, own_most=own_most)

    def get(self, key_id: str) -> Key | None:
        """One key with its newest secret."""
        try:
            return self._rows.get(key_id)
        except NotFound:
            return None

    def page(self, organization_id: str | None, user_id: str | None, after: str, limit: int) -> Sequence[Key]:
        """Keys of an organization, or of a person, or both, newest first, from behind the key with the id `after`;
        revoked and expired ones included."""
        return self._rows.page(KeyFilter(organization_id=organization_id, user_id=user_id), after, limit)

    def change(self, key_id: str, changes: KeyChanges, revision: int | None = None) -> Key:
        """Change what is set. Raises Conflict when it is at another revision."""
        return self._rows.update(key_id, changes, revision=revision)

    def rotate(self, key_id: str, at: float, overlap_s: float) -> tuple[IssuedKey, Key]:
        """Give a key a new secret; its older ones work for `overlap_s` more."""
        return self._rows.rotate(key_id, at, self._randomness, overlap_s=overlap_s)

    def revoke(self, key_id: str, at: float) -> Key:
        """End a key and all its secrets; one that is revoked already keeps its time."""
        return self._rows.revoke(key_id, at)
