"""One database: opened with the right settings, every failure turned into one of ours."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from waypost.core.deed import Deed
from waypost.errors import Bug, GatewayError, StoreUnavailable
from waypost.stores.sql.sqlite_file import FILE_NAME, Durability, pragmas

if TYPE_CHECKING:
    from waypost.stores.sql.postgres_line import Line

#: Of a transaction that only reads.
READ: Final = "waypost_read"
#: Of one that locks rows by itself.
SHARED: Final = "waypost_shared"
#: Of one that changes something: who does, and the clock, for the audit log.
DEED: Final = "waypost_deed"


class Database:
    """Transactions on one engine. Thread-safe; blocking. Raises StoreUnavailable and Bug only."""

    def __init__(
        self, engine: Engine, rebuilt: Callable[[Exception], GatewayError | None] = lambda _: None
    ) -> None:
        """`rebuilt`: an error of the engine's driver as one of ours; None where nothing special is known of it."""
        self.engine = engine
        self.node = ""
        """Which node this is, where several share the database."""
        self.home = ""
        """Which data folder it works for, where several do: the name of its first, or only, node."""
        self.line: Line | None = None
        """Where the database is a server: for what is asked all the time."""
        self.wall: Callable[[], float] | None = None
        """Unix time, for what the audit log tells. None: the database's own, to the second."""
        self._driver_said = rebuilt
        self._deed = Deed()

    def by(self, deed: Deed) -> Database:
        """The same database, for somebody who changes something in it: the audit log tells of them."""
        made = Database(self.engine, self._driver_said)
        made.node, made.home, made.wall, made._deed = self.node, self.home, self.wall, deed
        made.line = self.line
        return made

    @contextmanager
    def write(self, *, shared: bool = False) -> Iterator[Connection]:
        """A transaction that may write: it has the write lock from its first moment, so it never fails half-way for
        having read before another one wrote. `shared`: it locks the rows that it changes by itself, and waits for
        nothing else where the database has such locks."""
        try:
            with (
                self.engine.connect().execution_options(
                    **{SHARED: shared, DEED: (self._deed, self.wall)}
                ) as connection,
                connection.begin(),
            ):
                yield connection
        except GatewayError:
            raise
        except (SQLAlchemyError, OverflowError) as error:
            raise self._rebuilt(error) from None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent picture, and no waiting for writers."""
        try:
            with self.engine.connect().execution_options(**{READ: True}) as connection:
                yield connection
        except GatewayError:
            raise
        except (SQLAlchemyError, OverflowError) as error:
            raise self._rebuilt(error) from None

    def _rebuilt(self, error: Exception) -> GatewayError:
        said = self._driver_said(error.orig) if isinstance(error, DBAPIError) and error.orig else None
        return said or _rebuilt(error)

    def close(self) -> None:
        """Give all connections back to the system."""
        if self.line is not None:
            self.line.close()
        self.engine.dispose()


def open_sqlite(data: Path, *, durability: Durability = "process", busy_s: float = 5.0) -> Database:
    """The SQLite database of a data folder; folder and file are made if need be, for the owner only.

    Only opens: `schema.prepare` brings the tables up to date. `busy_s` is how long a write waits for another process.
    With `process` a commit survives `kill -9`; with `fsync` it survives a power cut too. Raises StoreUnavailable.
    """
    path = data / FILE_NAME
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its -wal and -shm files the rights of the main file.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        os.chmod(path, 0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"The database file in {data} can not be opened ({os.strerror(error.errno or 5)}). "
            "Check that the data folder exists on a local disk and belongs to the user who runs the gateway."
        ) from None
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": busy_s, "cached_statements": 256},
        pool_size=5,
        max_overflow=10,
        pool_timeout=busy_s,
    )
    settings = pragmas(durability)

    def connected(dbapi_connection: Any, record: object) -> None:  # noqa: ARG001  # SQLAlchemy's signature
        # The driver's own transaction handling is switched off; `begin` below is the only one.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        for pragma in settings:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get(READ)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begin)
    return Database(engine)


def _rebuilt(error: Exception) -> GatewayError:
    # Never quoted: driver texts carry statements and values. The class names say enough for the log.
    if isinstance(error, IntegrityError):
        return Bug("The database refused a row that is there already.")
    if isinstance(error, OperationalError | PoolTimeout):
        return StoreUnavailable(
            "The database does not answer: it is locked, full or unreachable. Check its disk and load; "
            "the gateway tries again by itself.",
            retry_after_s=1.0,
        )
    if isinstance(error, DBAPIError):
        if type(error.orig).__name__ == "DatabaseError":
            return StoreUnavailable(
                "The database file is damaged or is not a database. Restore it from a backup; the intents folder "
                "keeps what it lacks."
            )
        return Bug(f"The database refused a statement ({type(error.orig).__name__}).")
    return Bug(f"A value does not fit the database ({type(error).__name__}).")
