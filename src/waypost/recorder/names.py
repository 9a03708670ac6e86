"""Stable pseudonyms for ids, accounts, people and addresses: the same one for the same value within a file."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from waypost.recorder.rules import EMAIL, IPV4, IPV6, NOBODY, PREFIXED, PREFIXES, UUID

_RUN = re.compile(r"[A-Za-z0-9]+")
_DIGIT = re.compile(r"[0-9]")
_LETTER = re.compile(r"[A-Za-z]")
_OWN_UUID = re.compile(r"00000000-0000-4000-8000-\d{12}")
_SEALED = re.compile(r"c2VhbGVkI[A-Za-z0-9+/]*={0,2}")
_OWN = re.compile(rf"(account|person|id|{PREFIXES})[-_]\d{{1,7}}")
#: A shorter name of an account is a word that may well stand elsewhere.
_ECHO_MIN = 6
#: Addresses that tell nothing of anybody.
_PLAIN: tuple[IPv4Network | IPv6Network, ...] = tuple(
    map(
        ip_network,
        (
            "127.0.0.0/8",
            "0.0.0.0/32",
            "192.0.2.0/24",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "::1/128",
            "2001:db8::/32",
        ),
    )
)


def random_run(text: str, least: int) -> bool:
    """Whether an unbroken run of at least `least` characters holds both letters and digits."""
    return any(len(run) >= least and _DIGIT.search(run) and _LETTER.search(run) for run in _RUN.findall(text))


class Names:
    """Gives pseudonyms and remembers them. `taken` says whether a pseudonym stands in the exchange already."""

    def __init__(self, taken: Callable[[str], bool]) -> None:
        self._taken = taken
        self._given: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._echoes: re.Pattern[str] | None = None

    def id(self, value: str) -> str:
        """For a value that is an id."""
        prefixed = PREFIXED.fullmatch(value)
        if _OWN.fullmatch(value):
            return value
        if UUID.fullmatch(value):
            return self._uuid(value)
        if prefixed is not None:
            return self._name(value, prefixed[1] + prefixed[2])
        return self._name(value, "id_")

    def account(self, value: str) -> str:
        """For the name of an account or of a person."""
        if PREFIXED.fullmatch(value):
            return self.id(value)
        return value if _OWN.fullmatch(value) else self._name(value, "account_")

    def sealed(self, value: str) -> str:
        """For a text that only its provider can read; base64 itself."""
        if not value or _SEALED.fullmatch(value):
            return value
        given = self._given.get(value)
        if given is None:
            text = f"sealed #{self._count('sealed'):03}"
            given = self._given[value] = b64encode(text.encode()).decode()
            self._echoes = None
        return given

    def ids(self, text: str) -> str:
        """Every id in a text that its own shape gives away."""
        text = UUID.sub(lambda found: self._uuid(found[0]), text)
        return PREFIXED.sub(self._prefixed, text)

    def echoes(self, text: str) -> str:
        """Values that were given a pseudonym elsewhere, wherever they are said again."""
        if self._echoes is None:
            long = sorted((each for each in self._given if len(each) >= _ECHO_MIN), key=len, reverse=True)
            self._echoes = re.compile("|".join(map(re.escape, long)) or r"(?!)")
        return self._echoes.sub(lambda found: self._given[found[0]], text)

    def people(self, text: str) -> str:
        """E-mail addresses."""
        return EMAIL.sub(lambda found: self._email(found[0]), text)

    def addresses(self, text: str) -> str:
        """IP addresses."""
        text = IPV4.sub(lambda found: self._address(found[0]), text)
        return IPV6.sub(lambda found: self._address(found[0]), text)

    def _prefixed(self, found: re.Match[str]) -> str:
        return self.id(found[0]) if random_run(found[3], 8) or _mixed(found[3]) else found[0]

    def _uuid(self, value: str) -> str:
        if _OWN_UUID.fullmatch(value):
            return value
        return self._keep(value.lower(), lambda: f"00000000-0000-4000-8000-{self._count('uuid'):012}", value)

    def _email(self, value: str) -> str:
        if NOBODY.search(value):
            return value
        return self._keep(value, lambda: f"person{self._count('person')}@example.com", value)

    def _address(self, value: str) -> str:
        if _DIGIT.search(value) is None:
            return value  # `a::b` is a name in many languages
        try:
            address = ip_address(value)
        except ValueError:
            return value
        if any(address in network for network in _PLAIN if network.version == address.version):
            return value
        four = address.version == 4
        return self._keep(
            value,
            lambda: f"192.0.2.{self._count('v4') % 255}" if four else f"2001:db8::{self._count('v6')}",
            value,
        )

    def _keep(self, key: str, make: Callable[[], str], value: str) -> str:
        given = self._given.get(key)
        if given is None:
            given = self._given[key] = make()
            self._given[value] = given
            self._echoes = None
        return given

    def _name(self, value: str, prefix: str) -> str:
        given = self._given.get(value)
        while given is None:
            candidate = f"{prefix}{self._count(prefix)}"
            if not self._taken(candidate):
                given = self._given[value] = candidate
                self._echoes = None
        return given

    def _count(self, kind: str) -> int:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind]


def _mixed(tail: str) -> bool:
    """A long run of both cases, without a digit."""
    return any(len(run) >= 16 and run not in (run.lower(), run.upper()) for run in _RUN.findall(tail))
