"""Passwords: which are taken, and how they are kept.

argon2id with the parameters that OWASP recommends
(https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html, 2026-11-26: 19 MiB, 2 passes, 1
lane).
Rules after NIST SP 800-63B: length, and no well-known ones; no rules on kinds of characters.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from waypost.core.keytext import Randomness
from waypost.errors import InvalidValue

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LENGTH_LEAST: Final = 12
LENGTH_MOST: Final = 256
MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
SALT_BYTES: Final = 16

#: What people take who are told to take at least twelve characters, without case and without what is not a letter or a
#: digit. Made of the commonest in public lists of leaked passwords.
_COMMON: Final = frozenset(
    """
    123456789012 1234567890123 12345678901234 123456789123 123123123123 121212121212 111111111111 000000000000
    aaaaaaaaaaaa abcdefghijkl abcdefghijklmnop abc123abc123 qwertyuiop12 qwertyuiop123 qwertyuiopas
    qwertyuiopasdf qwertyuiopasdfghjkl qwertyqwerty qwerty123456 qwerty1234567 1q2w3e4r5t6y 1q2w3e4r5t6y7u
    1qaz2wsx3edc 1qazxsw23edc zaq12wsxcde3 q1w2e3r4t5y6 asdfghjkl123 asdfasdfasdf zxcvbnmasdfg passwordpassword
    password1234 password12345 password123456 passwordpass passw0rd1234 passw0rdpassw0rd mypassword123
    newpassword123 changemenow1 changeme1234 changeme12345 changemechangeme letmein12345 letmeinletmein
    welcome12345 welcome123456 welcomewelcome iloveyou1234 iloveyouiloveyou administrator administrator1
    administrator123 adminadminadmin admin1234567 admin12345678 rootrootroot superuser123 default12345
    secretsecret secret123456 topsecret1234 temppassword temporary1234 trustno1trustno1 sunshine1234
    princess1234 football1234 baseball1234 dragon123456 monkey123456 master123456 shadow123456 superman1234
    batman123456 michael12345 computer1234 internet1234 whatever1234 starwars1234 correcthorsebatterystaple
    waypostwaypost waypost12345 testtesttest test12345678 testpassword testpassword1 examplepassword
    guestguestguest user12345678 1234qwerasdf 12qwaszx12qwaszx 147258369147
    """.split()  # noqa: SIM905 - a hundred words, not a hundred lines
)


def check_password(password: str, email: str) -> None:
    """Raises InvalidValue for one that is not taken. It says nothing of the password itself."""
    if len(password) < LENGTH_LEAST:
        raise InvalidValue(f"A password has at least {LENGTH_LEAST} characters.", param="password")
    if len(password) > LENGTH_MOST:
        raise InvalidValue(f"A password has at most {LENGTH_MOST} characters.", param="password")
    plain = "".join(letter for letter in password.lower() if letter.isalnum())
    name = "".join(letter for letter in email.lower() if letter.isalnum())
    local = "".join(letter for letter in email.lower().partition("@")[0] if letter.isalnum())
    if password.lower() == email.lower() or plain == name or (len(local) > 3 and plain == local * 2):
        raise InvalidValue("The e-mail address is no password. Take another one.", param="password")
    if plain in _COMMON or len(set(plain)) < 4:
        raise InvalidValue(
            "This password is among the commonest there are. Take another one.", param="password"
        )


class Argon2Hashes:
    """`parts.Hashes`. Loaded and measured out at the first sign-in: most gateways never see one.

    The dummy is what a password is compared with where there is none to compare with.
    """

    def __init__(self, randomness: Randomness, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._randomness = randomness
        self._parameters = (memory_kib, passes)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        memory_kib, passes = self._parameters
        return PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)

    @cached_property
    def _dummy(self) -> str:
        return self.make("no password is this one")

    def make(self, password: str) -> str:
        """See `Hashes`."""
        return self._hasher.hash(password, salt=self._randomness(SALT_BYTES))

    def matches(self, kept: str | None, password: str) -> bool:
        """See `Hashes`."""
        from argon2.exceptions import InvalidHashError, VerificationError

        dummy = (
            self._dummy
        )  # whoever comes first waits for it, whether or not there is something to compare with
        try:
            self._hasher.verify(dummy if kept is None else kept, password)
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None

    def outdated(self, kept: str) -> bool:
        """See `Hashes`."""
        return self._hasher.check_needs_rehash(kept)
