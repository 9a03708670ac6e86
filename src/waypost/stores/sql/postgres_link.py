"""Connections to PostgreSQL, and what their errors mean. Without SQLAlchemy, which the ledger's writer process does
without."""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import suppress
from typing import Any, Final

from pg8000 import dbapi
from pg8000.exceptions import DatabaseError, InterfaceError

from waypost.errors import Bug, GatewayError, StoreUnavailable
from waypost.stores.sql.address import Address, Secret
from waypost.stores.sql.postgres_tls import FreshTls

_CONNECT_S: Final = 3.0
#: The longest that a wait for a lock, and a transaction that does nothing may take.
LOCK_S: Final = 3.0
_IDLE_S: Final = 30.0
#: How long a statement may take where a request may wait for it; where the books are written; where tables are changed.
PROMPT_S: Final = 3.0
STEADY_S: Final = 30.0
PATIENT_S: Final = 900.0
#: A server that has not answered so long after that never will.
_LATE_S: Final = 1.0

_SSL_REQUEST: Final = struct.pack("!II", 8, 80877103)

#: https://www.postgresql.org/docs/18/errcodes-appendix.html (2026-11-26): by whole code, else by class.
_AWAY: Final = frozenset(
    ("08", "53", "57P01", "57P02", "57P03", "57P04", "57014", "55P03", "40001", "40P01", "25006", "58")
)
_REFUSED: Final = frozenset(("28", "3D000", "42501"))


class Untrusted(InterfaceError):  # type: ignore[misc] # the driver has no types
    """One of the two sides does not accept the other's certificate."""


class Wire(dbapi.Connection):  # type: ignore[misc] # the driver has no types
    """One whose wire may break: the driver tells of that in its own words when it writes, and in the system's when it
    reads; SQLAlchemy knows the first as a connection to be dropped."""

    def handle_messages(self, context: Any) -> None:
        try:
            super().handle_messages(context)
        except (
            ssl.SSLError
        ) as error:  # with TLS 1.3 this is when a client hears that its certificate is not accepted
            refused = "ALERT" in (error.reason or "")
            raise (Untrusted("no trust") if refused else InterfaceError("network error on reading")) from None
        except (OSError, struct.error):
            raise InterfaceError("network error on reading") from None

    def close(self) -> None:
        wire = self._usock
        with suppress(InterfaceError, OSError):  # it is gone already
            super().close()
        if wire is not None:
            wire.close()


class Connector:
    """Opens connections, for the engine and for whoever wants one of their own."""

    def __init__(
        self, address: Address, secret: Secret | None = None, *, statement_s: float = PROMPT_S
    ) -> None:
        """`statement_s`: the longest that a statement may take. Raises ConfigError when a file of its
        certificates can not be used."""
        self._address = address
        self._statement_s = statement_s
        self._secret = secret or (lambda: address.password)
        self._tls = FreshTls(address)

    def connect(self) -> Wire:
        """A connection of DB-API 2.0. Raises pg8000's InterfaceError and DatabaseError, and what the secret raises."""
        password = self._secret()
        try:
            wire = socket.create_connection((self._address.host, self._address.port), _CONNECT_S)
        except OSError:
            # As the driver says it of a connection that breaks later.
            raise InterfaceError("network error on connecting") from None
        try:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            wire.settimeout(self._statement_s + _LATE_S)
            context = self._tls.context()
            if context is not None:
                wire = self._secured(wire, context)
            return Wire(
                user=self._address.user,
                database=self._address.database,
                password=password,
                sock=wire,
                ssl_context=False,
                application_name="waypost",
                startup_params={
                    "TimeZone": "UTC",
                    "statement_timeout": f"{self._statement_s:.0f}s",
                    "lock_timeout": f"{min(LOCK_S, self._statement_s):.0f}s",
                    "idle_in_transaction_session_timeout": f"{_IDLE_S:.0f}s",
                },
            )
        except BaseException as error:
            wire.close()  # the driver leaves it open
            if isinstance(error, ssl.SSLError):
                raise Untrusted("no trust") from None
            if isinstance(error, OSError):
                raise InterfaceError("network error on connecting") from None
            raise

    def _secured(self, wire: socket.socket, context: ssl.SSLContext) -> socket.socket:
        """https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-SSL (2026-11-26)."""
        wire.sendall(_SSL_REQUEST)
        if wire.recv(1) != b"S":
            raise InterfaceError("the server has no TLS")
        return context.wrap_socket(wire, server_hostname=self._address.host)


def rebuilt(error: Exception) -> GatewayError | None:
    """A driver's error as one of ours; None for what is none of this driver's. It is never quoted: its texts carry
    statements and values."""
    if isinstance(error, Untrusted):
        return StoreUnavailable(
            "The database can not be asked over TLS: its certificate is not from an authority that is trusted, or not "
            "for this host, or it does not accept the gateway's. Check sslrootcert, sslcert and the host in "
            "WAYPOST_DATABASE_URL.",
            retry_after_s=5.0,
        )
    if isinstance(error, InterfaceError | OSError):
        return _away("the connection to it broke, or nobody listens there")
    if not isinstance(error, DatabaseError):
        return None
    said = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    code = str(said.get("C", ""))
    if code in _AWAY or code[:2] in _AWAY:
        return _away(f"its SQLSTATE is {code}")
    if code in _REFUSED or code[:2] in _REFUSED:
        return StoreUnavailable(
            f"The database refuses the gateway (SQLSTATE {code}). Check the user, the password and the name of the "
            "database.",
            retry_after_s=5.0,
        )
    if code.startswith("23"):
        return Bug("The database refused a row that is there already.")
    return Bug(f"The database refused a statement (SQLSTATE {code}).")


def _away(why: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"The database does not answer: {why}. The gateway tries again by itself.", retry_after_s=1.0
    )
