"""A connection to PostgreSQL for the few statements that are asked all the time. Each is prepared once; then it is one
round trip, and a transaction by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, Final

import msgspec
from pg8000.converters import make_params
from pg8000.exceptions import DatabaseError, InterfaceError

from waypost.stores.sql.postgres_link import Connector, Wire, rebuilt

#: A wire that was not used for so long may have broken unheard of: it is asked whether it still is one.
_FRESH_S: Final = 1.0


class _Prepared(msgspec.Struct, frozen=True):
    name: bytes
    columns: Any
    readers: Any


class Line:
    """Opened when it is needed, and again after it broke. Blocking; thread-safe, one statement after the other. Raises
    StoreUnavailable and Bug only."""

    def __init__(self, connector: Connector, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._connector = connector
        self._monotonic = monotonic
        self._lock = Lock()
        self._wire: Wire | None = None
        self._used_at = 0.0
        self._prepared: dict[str, _Prepared] = {}

    def ask(self, statement: str, *values: object) -> Sequence[Sequence[Any]]:
        """The rows that a statement returns. Its values are `$1`, `$2` …, each with a cast."""
        with self._lock:
            try:
                return self._ask(self._opened(), statement, values)
            except (InterfaceError, DatabaseError, OSError) as error:
                self._drop()
                said = rebuilt(error)
                assert said is not None  # noqa: S101 - it knows all three
                raise said from None

    def close(self) -> None:
        """Give the connection back. Idempotent."""
        with self._lock:
            self._drop()

    def _ask(self, wire: Wire, statement: str, values: tuple[object, ...]) -> Sequence[Sequence[Any]]:
        known = self._prepared.get(statement)
        if known is None:
            known = self._prepared[statement] = _Prepared(*wire.prepare_statement(statement, ()))
        params = make_params(wire.py_types, values)
        done = wire.execute_named(known.name, params, known.columns, known.readers, statement)
        self._used_at = self._monotonic()
        return done.rows or ()

    def _opened(self) -> Wire:
        if self._wire is not None and self._monotonic() - self._used_at >= _FRESH_S:
            try:
                self._wire.execute_simple("SELECT 1")
            except (InterfaceError, DatabaseError, OSError):
                self._drop()
        if self._wire is None:
            self._wire = self._connector.connect()
        return self._wire

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        self._prepared.clear()
        if wire is not None:
            with suppress(InterfaceError, DatabaseError, OSError):  # it is gone already
                wire.close()
