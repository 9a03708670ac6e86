"""Secrets by reference, and the header lines that are made of them once, at load."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from waypost.config.targets import Credential, Keying
from waypost.providers.spec import ProviderSpec

SECRET_MAX_BYTES = 16 * 1024

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

#: The header that holds bearer tokens.
BEARER = "authorization"

#: Header names that the gateway writes itself, with what to use in place of them.
RESERVED = {
    "authorization": "api_key",
    "x-api-key": "api_key",
    "api-key": "api_key",
    "x-goog-api-key": "api_key",
    "xi-api-key": "api_key",
    "proxy-authorization": "proxy",
    "host": None,
    "content-length": None,
    "content-type": None,
    "transfer-encoding": None,
    "connection": None,
    "accept-encoding": None,
    "upgrade": None,
    "te": None,
    "trailer": None,
    "expect": None,
    "x-amz-date": "auth",
    "x-amz-security-token": "auth",
}


class SecretMissing(Exception):
    """A reference leads nowhere. The text names the variable or file, never a value."""


class SecretStore:
    """Resolves `env:NAME` and `file:/path`. What it returns is never kept or printed by it."""

    def __init__(self, environ: Mapping[str, str], read_file: Callable[[str], bytes]) -> None:
        self._environ = environ
        self._read_file = read_file

    def resolve(self, reference: str) -> str:
        """The secret behind a reference, without the white space around it. Raises SecretMissing."""
        scheme, _, place = reference.partition(":")
        if scheme == "env":
            value = self._environ.get(place)
            if value is None:
                raise SecretMissing(f"the environment variable {place} is not set")
            named = f"the environment variable {place}"
        else:
            value, named = self._read(place), f"the file {place}"
        value = value.strip()
        if not value:
            raise SecretMissing(f"{named} is empty")
        return value

    @property
    def environ(self) -> Mapping[str, str]:
        """Variables in which settings, not only secrets, are looked up."""
        return self._environ

    def read_text(self, path: str) -> str | None:
        """A file's text, for files that may well not be there; None when it can not be read."""
        try:
            return self._read(path)
        except SecretMissing:
            return None

    def _read(self, path: str) -> str:
        try:
            data = self._read_file(path)
        except FileNotFoundError:
            raise SecretMissing(f"there is no file {path}") from None
        except (OSError, ValueError):
            raise SecretMissing(f"the file {path} can not be read") from None
        if len(data) > SECRET_MAX_BYTES:
            raise SecretMissing(f"the file {path} is larger than {SECRET_MAX_BYTES // 1024} KiB")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise SecretMissing(f"the file {path} is not text") from None


def read_whole_file(path: str) -> bytes:
    """At most one byte more than a secret may have, so that a device or a log is not read to its end."""
    with open(path, "rb") as file:
        return file.read(SECRET_MAX_BYTES + 1)


def render_header(name: str, value: str) -> bytes | None:
    """`name: value` as an HTTP/1.1 header line with CRLF; None when either can not stand in a header."""
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        return None
    return f"{name.lower()}: {value}\r\n".encode("latin-1")


def render_credential(secret: str, spec: ProviderSpec | None) -> Credential | None:
    """The header line with a provider's key; None when the key can not stand in a header.

    A server whose preset needs no key gets one as a bearer token when the operator gave it one.
    """
    header = spec.auth_header if spec is not None and spec.auth == "header" else BEARER
    line = render_keyed(secret, header, "Bearer" if spec is None else spec.auth_word)
    return None if line is None else Credential(line)


def render_keyed(secret: str, header: str, word: str = "Bearer") -> bytes | None:
    """A key in its header: bare, or in `authorization` behind `word`. None when it can not stand there."""
    return render_header(header, f"{word} {secret}" if header == BEARER else secret)


def render_brought(secret: str, keying: Keying) -> tuple[Credential, dict[str, Credential]] | None:
    """A key that somebody brings: as it goes to a provider, and by dialect where it goes otherwise. None when it can
    not stand in a header."""
    line = render_keyed(secret, keying.header, keying.word)
    if line is None:
        return None
    others: dict[str, Credential] = {}
    for dialect, header in keying.dialects.items():
        other = render_keyed(secret, header)
        if other is not None:
            others[dialect] = Credential(other + keying.hidden)
    return Credential(line + keying.hidden), others
