"""The text of a client key: `sk-wp-<id>_<secret>_<checksum>`.

The id (8 characters) names the key in lists and logs. The secret (32 characters, 190 bits) is what makes it
unguessable. The checksum (CRC-32 in 6 base-62 digits) lets a scanner or a typo be told from a key without asking the
database; it protects nothing by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Final
from zlib import crc32

import msgspec

PREFIX: Final = "sk-wp-"
ID_LENGTH: Final = 8
SECRET_LENGTH: Final = 32
CHECK_LENGTH: Final = 6
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH: Final = len(PREFIX) + ID_LENGTH + 1 + SECRET_LENGTH + 1 + CHECK_LENGTH

Randomness = Callable[[int], bytes]
"""`n` unpredictable bytes, such as `secrets.token_bytes`."""


class IssuedKey(msgspec.Struct, frozen=True):
    """A new key. `text` is shown once and never stored; `digest` and `hint` are what is kept."""

    key_id: str
    text: str
    digest: bytes
    hint: str

    def __repr__(self) -> str:
        return f"IssuedKey({self.hint})"


def issue(randomness: Randomness, key_id: str | None = None) -> IssuedKey:
    """A new key; `key_id` is given when an existing key gets a second secret (rotation)."""
    name = key_id or base62(randomness, ID_LENGTH)
    body = f"{PREFIX}{name}_{base62(randomness, SECRET_LENGTH)}_"
    text = body + checksum(body)
    return IssuedKey(key_id=name, text=text, digest=digest(text.encode()), hint=f"{PREFIX}{name}…{text[-4:]}")


def looks_valid(text: str) -> bool:
    """Whether the shape and the checksum are right. True says nothing about whether the key exists."""
    return (
        len(text) == _LENGTH
        and text.isascii()
        and text.startswith(PREFIX)
        and text[-CHECK_LENGTH:] == checksum(text[:-CHECK_LENGTH])
    )


def digest(text: bytes) -> bytes:
    """SHA-256 of the whole key text: what keys are stored and looked up by. The hot one."""
    return sha256(text).digest()


def base62(randomness: Randomness, length: int) -> str:
    """Digits that nobody can guess, each equally likely."""
    # Bytes of 248 and above are thrown away: 248 = 4 * 62, so each digit stays equally likely.
    digits: list[str] = []
    while len(digits) < length:
        digits += [_DIGITS[byte % 62] for byte in randomness(length) if byte < 248]
    return "".join(digits[:length])


def checksum(body: str) -> str:
    """What a text that begins with `body` ends in, so that a typo is told from a guess."""
    rest = crc32(body.encode())
    digits = ""
    for _ in range(CHECK_LENGTH):
        rest, digit = divmod(rest, 62)
        digits = _DIGITS[digit] + digits
    return digits
