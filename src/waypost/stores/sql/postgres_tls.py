"""TLS to PostgreSQL, as its files say at the moment of each connection: certificates are renewed under their names."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable

from waypost.errors import ConfigError
from waypost.stores.sql.address import Address

_Stamps = tuple[tuple[int, int, int] | None, ...]


class FreshTls:
    """Made anew when a file is another one than before. For several threads: at worst two make the same."""

    def __init__(self, address: Address) -> None:
        """Raises ConfigError for a file that can not be used."""
        self._address = address
        self._made = self._stamps(), address.tls()

    def context(self) -> ssl.SSLContext | None:
        """For a connection that is opened now; None: in the clear."""
        stamps, made = self._made
        now = self._stamps()
        if now != stamps:
            try:
                made = self._address.tls()
                self._made = now, made
            except ConfigError:
                # Half of it is renewed, perhaps. What was good goes on, and the next connection looks again; what is no
                # longer good is refused by the server, and its error names these files.
                return made
        return made

    def _stamps(self) -> _Stamps:
        address = self._address
        return tuple(map(_stamp, _named((address.sslrootcert, address.sslcert, address.sslkey))))


def _named(files: Iterable[str | None]) -> Iterable[str]:
    return (file for file in files if file is not None)


def _stamp(file: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
