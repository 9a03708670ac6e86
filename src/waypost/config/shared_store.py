"""From what was written under `shared` to the address of a store."""

from __future__ import annotations

import os
import re
import shlex
import ssl
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
    password_file: str | None = None
    """It is read for each new connection."""
    password_command: tuple[str, ...] = ()
    """It is run for each new connection, and prints the password."""
    tls: bool = False
    ca: str | None = None
    """A PEM file, as the next two."""
    cert: str | None = None
    key: str | None = None
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
    static = None if config.password is None else _secret(config.password, (*at, "password"), secrets, faults)
    command = _command(config, store, faults)
    if config.password is not None and store is not None and store.password is not None:
        faults.add((*at, "password"), "the URL has a password already", hint="Keep one of the two.")
    if store is None:
        return None
    _check_files(config, store, faults)
    file = _file_of(config.password)
    return msgspec.structs.replace(
        store,
        password=store.password if static is None or file is not None else static,
        password_file=file,
        password_command=command,
        ca=config.ca,
        cert=config.cert,
        key=config.key,
        namespace=config.namespace,
        limits=config.limits,
        limits_wait_s=parse_duration(config.limits_wait),
    )


def _file_of(reference: str | None) -> str | None:
    scheme, _, place = (reference or "").partition(":")
    return place if scheme == "file" else None


def _command(config: SharedConfig, store: SharedStore | None, faults: Faults) -> tuple[str, ...]:
    if config.password_command is None:
        return ()
    at: Path = ("shared", "password_command")
    if config.password is not None or (store is not None and store.password is not None):
        faults.add(at, "the password is said in another place already", hint="Keep one of the two.")
    try:
        words = tuple(shlex.split(config.password_command))
    except ValueError:
        words = ()
    if not words:
        faults.add(at, "this is not a command", expected="a command and its arguments, as in a shell")
    return words


def _check_files(config: SharedConfig, store: SharedStore, faults: Faults) -> None:
    """Those for TLS."""
    named = (("ca", config.ca), ("cert", config.cert), ("key", config.key))
    for name, file in named:
        if file is None:
            continue
        if not store.tls:
            faults.add(
                ("shared", name), f"`{name}` is of no use without TLS", hint="Write the URL with rediss://."
            )
        elif not os.path.isfile(file):
            faults.add(("shared", name), f"there is no file {file}")
        elif name == "cert":
            _check_pair(file, config.key, faults)
    if config.key is not None and config.cert is None:
        faults.add(("shared", "key"), "there is no `cert` that it belongs to")


def _check_pair(cert: str, key: str | None, faults: Faults) -> None:
    if key is not None and not os.path.isfile(key):
        return  # which is told of by itself
    try:
        # Nobody is there to type in what unlocks a key: one that is locked is refused.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert, key, password="")
    except (OSError, ssl.SSLError):
        faults.add(
            ("shared", "cert"),
            "this certificate can not be used",
            expected="PEM files that belong together, the key without a password",
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
