"""The second factor: codes of an authenticator (RFC 6238), and recovery codes for when it is lost."""

from __future__ import annotations

import hmac
from base64 import b32decode, b32encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from waypost.core.keytext import Randomness

STEP_S: Final = 30
SECRET_BYTES: Final = 20
RECOVERY_CODES: Final = 10
_ISSUER: Final = "Waypost"
#: Clocks of telephones are a step off, at most.
_AROUND: Final = (0, -1, 1)
_RECOVERY_BYTES: Final = 10


def new_secret(randomness: Randomness) -> str:
    """A new secret, in base 32, as authenticators take it."""
    return b32encode(randomness(SECRET_BYTES)).decode()


def decoded(secret: str) -> bytes | None:
    """The bytes of a secret; None for what is none, or is too short to be one."""
    try:
        found = b32decode(secret.replace(" ", "").upper().encode("ascii"))
    except ValueError:
        return None
    return found if SECRET_BYTES <= len(found) <= 64 else None


def uri(secret: str, email: str) -> str:
    """What a QR code for authenticators holds."""
    from pyotp import TOTP  # here, for most gateways never see a second factor

    return TOTP(secret).provisioning_uri(name=email, issuer_name=_ISSUER)


def step_of(secret: bytes, code: str, at: float) -> int | None:
    """The time step that a code belongs to, around now; None when it is not one of this secret's."""
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        return None
    from pyotp import TOTP

    totp = TOTP(b32encode(secret).decode())
    now = int(at) // STEP_S
    found = None
    for offset in _AROUND:
        if hmac.compare_digest(totp.generate_otp(now + offset), code):
            found = now + offset
    return found


def recovery_codes(randomness: Randomness) -> Sequence[str]:
    """New ones: 80 bits each, in base 32."""
    codes = (b32encode(randomness(_RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES))
    return [f"{code[:4]}-{code[4:8]}-{code[8:12]}-{code[12:]}" for code in codes]


def recovery_digest(code: str) -> str:
    """What is kept of a recovery code. It has enough of chance in it for a plain hash."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return sha256(plain.encode()).hexdigest()
