"""Secrets at rest: sealed with AES-256-GCM under a key for each purpose, which is made of a root key by HKDF-SHA256.

What is sealed is bound to its purpose and to its row: copied to another place, it does not open. Several root keys may
be there: the first one seals, all of them open, so a root key is replaced while everything runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from waypost.core.keytext import Randomness
from waypost.errors import StoreUnavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ROOT_BYTES: Final = 32
_VERSION: Final = b"\x01"
_ID: Final = 4
_NONCE: Final = 12
_HEAD: Final = len(_VERSION) + _ID + _NONCE
_INFO: Final = b"waypost sealing 1: "


class Seals:
    """Seals and opens. Thread-safe."""

    def __init__(self, roots: Sequence[bytes], randomness: Randomness) -> None:
        """`roots`: keys of 32 bytes, newest first."""
        if not roots or any(len(root) != ROOT_BYTES for root in roots):
            raise ValueError("A root key has 32 bytes, and there is at least one.")
        self._roots = {root_id(root): root for root in reversed(roots)}
        self._newest = root_id(roots[0])
        self._randomness = randomness
        self._keys: dict[tuple[bytes, str], AESGCM] = {}

    def __repr__(self) -> str:
        return f"Seals({self._newest.hex()})"

    def seal(self, purpose: str, row: str, plain: bytes) -> bytes:
        """`row`: what it belongs to, such as a user's id."""
        nonce = self._randomness(_NONCE)
        sealed = self._key(self._newest, purpose).encrypt(nonce, plain, _bound(purpose, row))
        return _VERSION + self._newest + nonce + sealed

    def open(self, purpose: str, row: str, sealed: bytes) -> bytes:
        """What was sealed for this purpose and row. Raises StoreUnavailable when its root key is not here, or when it
        is not what was sealed."""
        from cryptography.exceptions import InvalidTag

        root = sealed[1 : 1 + _ID]
        if sealed[:1] != _VERSION or len(sealed) < _HEAD or root not in self._roots:
            raise StoreUnavailable(
                f"A secret in the database is sealed with the root key {root.hex()}, which this gateway does not have. "
                "Give all nodes the same WAYPOST_ROOT_KEY, and an old one as long as anything is sealed with it."
            )
        nonce, rest = sealed[1 + _ID : _HEAD], sealed[_HEAD:]
        try:
            return self._key(root, purpose).decrypt(nonce, rest, _bound(purpose, row))
        except InvalidTag:
            raise StoreUnavailable(
                "A secret in the database was changed, or belongs to another row. Restore it from a backup."
            ) from None

    def is_stale(self, sealed: bytes) -> bool:
        """Whether it is sealed with an older root key than the newest."""
        return sealed[1 : 1 + _ID] != self._newest

    def root_of(self, sealed: bytes) -> str:
        """Which root key it is sealed with: what tells it from others, and says nothing of it."""
        return sealed[1 : 1 + _ID].hex()

    def _key(self, root: bytes, purpose: str) -> AESGCM:
        known = self._keys.get((root, purpose))
        if known is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
            from cryptography.hazmat.primitives.hashes import SHA256
            from cryptography.hazmat.primitives.kdf.hkdf import HKDF

            made = HKDF(SHA256(), ROOT_BYTES, None, _INFO + purpose.encode()).derive(self._roots[root])
            known = self._keys[root, purpose] = AESGCM(made)
        return known


def root_id(root: bytes) -> bytes:
    """What tells a root key from others, and says nothing of it."""
    return sha256(b"waypost root key: " + root).digest()[:_ID]


def _bound(purpose: str, row: str) -> bytes:
    return f"{purpose}\x00{row}".encode()
