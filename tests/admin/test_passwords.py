from __future__ import annotations

import random

import pytest

from waypost.admin.passwords import MEMORY_KIB, PASSES, Argon2Hashes, check_password
from waypost.errors import InvalidValue


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 257,
        "Password1234",
        "correct horse battery staple",
        "ann@example.com",
        "ANN@example.com",
        "ann-example-com",
        "111111111112",
    ],
)
def test_passwords_that_are_refused(password: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        check_password(password, "ann@example.com")
    assert caught.value.param == "password"
    assert password not in caught.value.message


def test_passwords_that_are_taken() -> None:
    for password in ("four words in a row", "пароль длиннее двенадцати", "x" * 9 + "yzw 1"):
        check_password(password, "ann@example.com")


def test_hashes_are_argon2id() -> None:
    hashes = Argon2Hashes(random.Random(1).randbytes, memory_kib=8, passes=1)
    kept = hashes.make("four words in a row")
    assert kept.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert hashes.matches(kept, "four words in a row")
    assert not hashes.matches(kept, "four words in a rov")
    assert not hashes.matches(None, "no password is this one"), "the dummy's own is no password either"
    assert not hashes.matches("not a hash", "x")
    assert hashes.make("four words in a row") != kept


def test_old_parameters_are_noticed() -> None:
    old = Argon2Hashes(random.Random(1).randbytes, memory_kib=8, passes=1).make("x")
    today = Argon2Hashes(random.Random(2).randbytes)
    assert (MEMORY_KIB, PASSES) == (19 * 1024, 2)
    assert today.outdated(old)
    assert today.matches(old, "x")
    assert not today.outdated(today.make("x"))
