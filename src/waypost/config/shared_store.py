"""From what was written under `shared` to the address of a store."""

from __future__ import annotations

import os
import re
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from waypost.config.credentials import SecretMissing, SecretStore
from waypost.config.faults import Faults
from waypost.config.problems import Path
from waypost.config.shared_schema import SharedConfig
from waypost.config.values import is_secret_reference, parse_duration

_EXPECTED: Final = "a URL such as redis://valkey.internal:6379/0, or rediss:// for TLS"
_SCHEMES: Final = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
_PORT: Final = 6379
_DATABASE = re.compile(r"/?|/[0-9]{1,5}")


class SharedStore(msgspec.Struct, frozen=True):
    """A Valkey or Redis server, and what of it is ours. Its password is never printed."""

    host: str
    port: int = _PORT
    database: int = 0
    username: str | None = None
    password: str | None = None
    tls: bool = False
    ca: str | None = None
    """A PEM file."""
    namespace: str = "default"
    limits: bool = True
    """Limits are counted there."""
    limits_wait_s: float = 0.05

    def __repr__(self) -> str:
        return f"SharedStore({self.label})"

    @property
    def label(self) -> str:
        """For people: the address without who asks."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rediss' if self.tls else 'redis'}://{host}:{self.port}/{self.database}"


def resolve_shared(config: SharedConfig | None, secrets: SecretStore, faults: Faults) -> SharedStore | None:
    """The store, or None where none is configured, and after a fault."""
    if config is None:
        return None
    at: Path = ("shared",)
    referred = is_secret_reference(config.url)
    url = _secret(config.url, (*at, "url"), secrets, faults) if referred else config.url
    store = None if url is None else _parse(url, (*at, "url"), faults, referred=referred)
    password = None
    if config.password is not None:
        password = _secret(config.password, (*at, "password"), secrets, faults)
        if store is not None and store.password is not None:
            faults.add((*at, "password"), "the URL has a password already", hint="Keep one of the two.")
    if store is None:
        return None
    if config.ca is not None:
        if not store.tls:
            faults.add((*at, "ca"), "`ca` is of no use without TLS", hint="Write the URL with rediss://.")
        elif not os.path.isfile(config.ca):
            faults.add((*at, "ca"), f"there is no file {config.ca}")
    return msgspec.structs.replace(
        store,
        password=password or store.password,
        ca=config.ca,
        namespace=config.namespace,
        limits=config.limits,
        limits_wait_s=parse_duration(config.limits_wait),
    )


def _secret(reference: str, path: Path, secrets: SecretStore, faults: Faults) -> str | None:
    try:
        return secrets.resolve(reference)
    except SecretMissing as fault:
        faults.add(path, str(fault), hint="Set it before the gateway starts, or name another one.")
        return None


def _parse(url: str, path: Path, faults: Faults, *, referred: bool) -> SharedStore | None:
    """The URL itself is never quoted: it may hold a password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        faults.add(path, "this is not a URL", expected=_EXPECTED)
        return None
    if parts.scheme not in _SCHEMES or not host or port == 0 or not _DATABASE.fullmatch(parts.path):
        faults.add(path, "this is not the URL of a Valkey or Redis server", expected=_EXPECTED)
        return None
    if parts.query or parts.fragment:
        faults.add(path, "the URL has a `?` or `#` part", expected=_EXPECTED)
        return None
    if parts.password and not referred:
        faults.add(
            path,
            "a password must not be written into this file",
            hint="Write `password: env:NAME`, or `url: env:NAME`, where the variable holds the whole URL.",
        )
        return None
    return SharedStore(
        host=host,
        port=port or _PORT,
        database=int(parts.path[1:] or 0),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=_SCHEMES[parts.scheme],
    )
