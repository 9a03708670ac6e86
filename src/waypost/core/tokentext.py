"""The texts of the control API's secrets: `wp-<kind>-<id>_<secret>_<checksum>`, made and checked as client keys are.

`api`: a token. `inv`: an invitation. `ses`: a session's cookie. The id is no secret: it is what logs and lists show.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final, Literal

import msgspec

from waypost.core.keytext import CHECK_LENGTH, ID_LENGTH, SECRET_LENGTH, Randomness, base62, checksum

TextKind = Literal["api", "inv", "ses"]

_PREFIX_LENGTH: Final = len("wp-api-")
_LENGTH: Final = _PREFIX_LENGTH + ID_LENGTH + 1 + SECRET_LENGTH + 1 + CHECK_LENGTH


class IssuedText(msgspec.Struct, frozen=True):
    """A new secret. `text` is shown once and never stored; `digest` and `hint` are what is kept."""

    text_id: str
    text: str
    digest: bytes
    hint: str

    def __repr__(self) -> str:
        return f"IssuedText({self.hint})"


def issue_text(kind: TextKind, randomness: Randomness) -> IssuedText:
    """A new secret of a kind."""
    prefix = f"wp-{kind}-"
    text_id = base62(randomness, ID_LENGTH)
    body = f"{prefix}{text_id}_{base62(randomness, SECRET_LENGTH)}_"
    text = body + checksum(body)
    return IssuedText(text_id, text, digest_of(text.encode()), f"{prefix}{text_id}…{text[-4:]}")


def is_text(kind: TextKind, presented: bytes) -> bool:
    """Whether shape and checksum are those of a kind. True says nothing about whether it exists."""
    if len(presented) != _LENGTH or not presented.isascii():
        return False
    text = presented.decode("ascii")
    return text.startswith(f"wp-{kind}-") and text[-CHECK_LENGTH:] == checksum(text[:-CHECK_LENGTH])


def digest_of(text: bytes) -> bytes:
    """SHA-256 of the whole text: what it is stored and looked up by."""
    return sha256(text).digest()
