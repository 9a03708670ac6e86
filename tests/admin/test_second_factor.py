from __future__ import annotations

import random
from base64 import b32decode

import pytest
from pyotp import TOTP

from waypost.admin.second_factor import (
    decoded,
    new_secret,
    recovery_codes,
    recovery_digest,
    step_of,
    uri,
)

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(("at", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_the_codes_of_the_standard(at: int, code: str) -> None:
    """RFC 6238, appendix B, in six digits."""
    assert step_of(SECRET, code, at) == at // 30


def test_a_clock_may_be_a_step_off() -> None:
    at = 1_000_000_000.0
    totp = TOTP(new_secret(random.Random(1).randbytes))
    secret = b32decode(totp.secret)
    now = int(at) // 30
    for offset, good in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        found = step_of(secret, totp.generate_otp(now + offset), at)
        assert found == (now + offset if good else None)
    for code in ("", "12345", "1234567", "abcdef", "١٢٣٤٥٦"):
        assert step_of(secret, code, at) is None


def test_secrets() -> None:
    secret = new_secret(random.Random(1).randbytes)
    assert len(decoded(secret) or b"") == 20
    assert decoded(secret.lower()) == decoded(secret)
    for text in ("", "AAAA", "!!", "é" * 32, secret * 9):
        assert decoded(text) is None
    assert uri(secret, "ann@example.com").startswith("otpauth://totp/Waypost:ann%40example.com?secret=")


def test_recovery_codes() -> None:
    codes = recovery_codes(random.Random(1).randbytes)
    assert len(set(codes)) == 10
    assert all(len(code) == 19 for code in codes)
    assert recovery_digest(codes[0].upper().replace("-", " ")) == recovery_digest(codes[0])
    assert recovery_digest(codes[0]) != recovery_digest(codes[1])
