"""Where a PostgreSQL server is, and who asks it."""

from __future__ import annotations

import shlex
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Literal, cast, get_args
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from waypost.errors import ConfigError
from waypost.stores.fresh_secret import ask_secret, read_secret
from waypost.stores.sql.variables import COMMAND, FILE, PASSWORD, URL

SslMode = Literal["disable", "require", "verify-ca", "verify-full"]
"""As libpq means them (https://www.postgresql.org/docs/18/libpq-ssl.html, 2026-11-26), without the two that may go on
in the clear when the server has no TLS."""

_SCHEMES: Final = ("postgresql", "postgres")
_PORT: Final = 5432
_WORDS: Final = ("sslmode", "sslrootcert", "sslcert", "sslkey", "application_name")
_EXPECTED: Final = "postgresql://user@host:5432/database?sslmode=verify-full"
#: Without a word, the loopback is asked in the clear and everything else over TLS with the server's name checked.
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


class Address(msgspec.Struct, frozen=True):
    """One database. Its password is never printed."""

    host: str
    port: int
    database: str
    user: str
    password: str | None = None
    sslmode: SslMode = "verify-full"
    sslrootcert: str | None = None
    """A PEM file of the authorities that are trusted; None: those of certifi."""
    sslcert: str | None = None
    """A PEM file with the certificate that the gateway shows."""
    sslkey: str | None = None
    """A PEM file with its key; None: it is in the same file."""

    def __repr__(self) -> str:
        return f"Address({self.label})"

    @property
    def label(self) -> str:
        """For people."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"postgresql://{self.user}@{host}:{self.port}/{self.database}"

    def tls(self) -> ssl.SSLContext | None:
        """How the connection is secured. Raises ConfigError for a certificate file that can not be read."""
        if self.sslmode == "disable":
            return None
        try:
            context = ssl.create_default_context(cafile=self.sslrootcert or _authorities())
        except (OSError, ssl.SSLError):
            raise ConfigError(
                f"The authorities in {self.sslrootcert} can not be read. `sslrootcert` has to be a PEM file.",
                param="sslrootcert",
            ) from None
        if self.sslmode != "verify-full":
            context.check_hostname = False
        if self.sslmode == "require":
            context.verify_mode = ssl.CERT_NONE
        if self.sslcert is not None:
            try:
                # Nobody is there to type in what unlocks a key: one that is locked is refused.
                context.load_cert_chain(self.sslcert, self.sslkey, password="")
            except (OSError, ssl.SSLError):
                raise ConfigError(
                    f"The certificate in {self.sslcert} can not be used. `sslcert` and `sslkey` have to be PEM files "
                    "that belong together, the key without a password.",
                    param="sslcert",
                ) from None
        return context


Secret = Callable[[], str | None]
"""Asked for each new connection, so that tokens that run out (IAM) are made anew."""


def parse_address(url: str) -> Address:
    """From a URL as libpq reads it. Raises ConfigError, which never quotes the URL: it may hold a password."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _wrong("is not a URL") from None
    if parts.scheme not in _SCHEMES or not host or port == 0:
        raise _wrong("is not the URL of a PostgreSQL server")
    if not parts.username:
        raise _wrong("names no user")
    database = unquote(parts.path.removeprefix("/"))
    if not database or "/" in database:
        raise _wrong("names no database")
    words = parse_qs(parts.query, keep_blank_values=True)
    for word in words:
        if word not in _WORDS:
            raise _wrong(f"has the option {word[:32]!r}, which is not one of {', '.join(_WORDS)}")
    mode = words.get("sslmode", ["disable" if host in _LOCAL else "verify-full"])[-1]
    if mode not in get_args(SslMode):
        raise _wrong(f"has an sslmode that is not one of {', '.join(get_args(SslMode))}")
    root, cert, key = (words.get(word, [None])[-1] for word in ("sslrootcert", "sslcert", "sslkey"))
    if key is not None and cert is None:
        raise _wrong("has an sslkey and no sslcert")
    if cert is not None and mode == "disable":
        raise _wrong("has an sslcert and an sslmode that makes no use of it")
    return Address(
        host=host,
        port=port or _PORT,
        database=database,
        user=unquote(parts.username),
        password=unquote(parts.password) if parts.password else None,
        sslmode=cast(SslMode, mode),
        sslrootcert=root,
        sslcert=cert,
        sslkey=key,
    )


def address_from(environ: Mapping[str, str]) -> Address | None:
    """What `WAYPOST_DATABASE_URL` says; None: nothing. Raises ConfigError."""
    url = environ.get(URL)
    return parse_address(url) if url else None


def secret_from(environ: Mapping[str, str]) -> Secret | None:
    """The password, where it is not in the URL: from `WAYPOST_DATABASE_PASSWORD`, or anew for each connection from the
    file that `WAYPOST_DATABASE_PASSWORD_FILE` names, or from what the command in `WAYPOST_DATABASE_PASSWORD_COMMAND`
    prints. The secret raises StoreUnavailable. Raises ConfigError for a command that can not be taken apart."""
    if command := environ.get(COMMAND):
        try:
            words = shlex.split(command)
        except ValueError:
            raise ConfigError(
                f"The command in {COMMAND} has a quotation mark without its end.", param=COMMAND
            ) from None
        return partial(ask_secret, words, f"The command in {COMMAND} printed no password for the database.")
    if file := environ.get(FILE):
        told = f"The database's password can not be read from {file}, which {FILE} names."
        return partial(read_secret, file, told)
    password = environ.get(PASSWORD)
    return None if password is None else lambda: password


def _authorities() -> str:
    import certifi

    return certifi.where()


def _wrong(what: str) -> ConfigError:
    return ConfigError(f"WAYPOST_DATABASE_URL {what}. Expected: {_EXPECTED}", param="WAYPOST_DATABASE_URL")
