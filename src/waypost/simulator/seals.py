"""Seals: proof that this simulator wrote something that comes back to it, such as a thinking block's signature.

A seal depends on the simulator's seed and on what is sealed, so one that was changed, or that another provider wrote,
does not hold.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error

_MAC = 24


class Seals:
    """Makes and checks the seals of one simulator."""

    def __init__(self, seed: int) -> None:
        self._key = b"waypost-simulator-%d" % seed

    def _mac(self, purpose: str, data: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + data, hashlib.sha256)[:_MAC]

    def seal(self, purpose: str, text: str) -> str:
        """A signature over a text that stands beside it."""
        return b64encode(self._mac(purpose, text.encode("utf-8", "surrogatepass"))).decode()

    def holds(self, purpose: str, text: str, given: str) -> bool:
        """Whether a signature belongs to this text."""
        return hmac.compare_digest(self.seal(purpose, text).encode(), given.encode("utf-8", "surrogatepass"))

    def wrap(self, purpose: str, text: str) -> str:
        """Something opaque that holds the text and its seal."""
        data = text.encode()
        return b64encode(self._mac(purpose, data) + data).decode()

    def unwrap(self, purpose: str, given: str) -> str | None:
        """The text of an opaque value, None when it is not one of ours or was changed. Both base64 alphabets do."""
        try:
            whole = b64decode(given.replace("-", "+").replace("_", "/"), validate=True)
        except (Error, ValueError):
            return None
        mac, data = whole[:_MAC], whole[_MAC:]
        if not hmac.compare_digest(mac, self._mac(purpose, data)):
            return None
        return data.decode()
