"""Backups of the SQLite database of a data folder: one file, whole and checked, taken while a gateway writes.

Beside it stands `<file>.sha256` as `sha256sum -c` reads it: SQLite's own check finds pages that are out of order, and
not a digit of a sum that has changed. The intents files are not in it, because what they hold beyond the database is a
tenth of a second of settlements; nor are clients' files, which are files already.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from waypost.errors import ConfigError, StoreUnavailable
from waypost.stores.sql.schema import HEAD
from waypost.stores.sql.sqlite_file import FILE_NAME
from waypost.stores.stopped import StoppedFolder

Progress = Callable[[int, int], object]
"""Told how much is done, and of how much."""

SUM_SUFFIX: Final = ".sha256"
#: What a restored database takes the place of.
REPLACED: Final = "replaced-"
_PAGES: Final = 2048
_CHUNK: Final = 1 << 20
_SUM: Final = re.compile(r"([0-9a-f]{64}) [ *].+\n?")
_SIDES: Final = ("", "-wal", "-shm")


class Backup(msgspec.Struct, frozen=True):
    """A backup that was written, or found to be good."""

    file: str
    size: int
    sha256: str
    revision: str


def write_backup(data: Path, file: Path, *, replace: bool = False, progress: Progress = max) -> Backup:
    """A consistent copy of the database in `file`, for the owner only. It appears under its name when it is whole.

    Nobody waits for it: it reads one picture of the database, while others write. Raises ConfigError when there is
    nothing to copy or `file` is there and may not be replaced, StoreUnavailable when it can not be read or written.
    """
    source = data / FILE_NAME
    if not source.is_file():
        raise ConfigError(f"There is no database in the folder {data}. Name the folder with --data.")
    if file.exists() and not replace:
        raise ConfigError(
            f"{file} is there already, and is left alone. Choose another name, or say --replace."
        )
    part, kept = file.with_name(f"{file.name}.part"), file.with_name(file.name + SUM_SUFFIX)
    sum_part = kept.with_name(f"{kept.name}.part")
    try:
        with _told(f"The backup can not be written to {file}"):
            os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
            os.chmod(part, 0o600)
            _copy(source, part, progress)
            revision = _checked(part)
            digest = _digest(part)
            _keep(sum_part, f"{digest}  {file.name}\n")
            _sync(part)
            os.replace(part, file)
            os.replace(sum_part, kept)
            _sync(file.parent)
    finally:
        for left in (part, f"{part}-journal", f"{part}-wal", f"{part}-shm", sum_part):
            with suppress(OSError):
                os.unlink(left)
    return Backup(str(file), file.stat().st_size, digest, revision)


def check_backup(file: Path, *, without_sum: bool = False) -> Backup:
    """Whether a backup is what was written, and can be read by this version. `without_sum`: its sum is lost.

    Raises ConfigError, which says what is wrong with it.
    """
    if not file.is_file():
        raise ConfigError(f"There is no backup {file}.")
    with _told(f"The backup {file} can not be read"):
        digest = _digest(file)
        if not without_sum:
            _compare(file, digest)
        return Backup(str(file), file.stat().st_size, digest, _checked(file))


def restore_backup(
    file: Path, data: Path, *, stamp: str, replace: bool = False, without_sum: bool = False
) -> tuple[Backup, Path | None]:
    """Put a backup into a data folder that no gateway serves from. A database that is there is kept beside it under a
    name with the `stamp`, which is returned too.

    Raises ConfigError when the backup is not good, when a gateway runs on the folder, and when there is a database and
    it may not be replaced. Then nothing has changed.
    """
    found = check_backup(file, without_sum=without_sum)
    with _told(f"The database can not be put into {data}"), closing(StoppedFolder(data)):
        target, aside = data / FILE_NAME, None
        if target.exists() and not replace:
            raise ConfigError(
                f"There is a database in the folder {data}, and it is left alone. Choose an empty folder, or say "
                "--replace: then it is kept beside the restored one."
            )
        part = data / f"{FILE_NAME}.part"
        try:
            _copy_file(file, part)
            if _digest(part) != found.sha256:
                raise ConfigError(f"{file} has changed while it was read. Nothing was restored.")
            if target.exists():
                _fold_in(target)
                aside = data / f"{REPLACED}{stamp}-{FILE_NAME}"
                if aside.exists():
                    raise ConfigError(f"{aside} is there already, and is left alone. Try again in a second.")
            for side in _SIDES:
                # A -wal that belongs to another database would be played into the restored one.
                old = Path(f"{target}{side}")
                if old.exists():
                    old.rename(f"{aside or part}{side}")
            os.replace(part, target)
            _sync(data)
        finally:
            for side in _SIDES:
                with suppress(OSError):
                    os.unlink(f"{part}{side}")
    return found, aside


def _copy(source: Path, part: Path, progress: Progress) -> None:
    with closing(_opened(source)) as reading, closing(sqlite3.connect(part)) as writing:
        # One picture for the whole copy: without it SQLite begins again with every commit of the gateway.
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        reading.backup(
            writing, pages=_PAGES, progress=lambda _, left, total: progress(total - left, total), sleep=0.01
        )
        # Alone on a shelf it needs no files beside it.
        writing.execute("PRAGMA journal_mode=DELETE")


def _fold_in(path: Path) -> None:
    """What a killed gateway left in the -wal file: so the file itself has all of it. A damaged one stays as it is."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=1.0)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0, isolation_level=None)


def _checked(path: Path) -> str:
    """The revision of a database whose pages are in order."""
    try:
        with closing(_opened(path)) as connection:
            said = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if said != "ok":
                raise ConfigError(f"{path} is damaged: its pages are not in order.")
            revision = str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (sqlite3.DatabaseError, TypeError):
        raise ConfigError(f"{path} is not a database of Waypost, or it is damaged.") from None
    if revision > HEAD:
        raise ConfigError(
            f"{path} is at revision {revision}, and this Waypost knows revisions up to {HEAD}: it was written by a "
            "newer version. Install that version."
        )
    return revision


def _compare(file: Path, digest: str) -> None:
    kept = file.with_name(file.name + SUM_SUFFIX)
    try:
        said = _SUM.fullmatch(kept.read_text("utf-8"))
    except (FileNotFoundError, UnicodeDecodeError):
        said = None
    if said is None:
        raise ConfigError(
            f"{kept.name} is not beside {file}, so nobody knows whether the backup is whole. Put it there, or say "
            "--without-sum."
        )
    if said[1] != digest:
        raise ConfigError(f"{file} is not what was backed up: its SHA-256 differs from {kept.name}.")


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def _copy_file(source: Path, target: Path) -> None:
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with source.open("rb") as reading, os.fdopen(fd, "wb") as writing:
        while piece := reading.read(_CHUNK):
            writing.write(piece)
        writing.flush()
        os.fsync(writing.fileno())


def _keep(path: Path, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"{what} ({os.strerror(error.errno or 5)}).") from None
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{what} ({type(error).__name__}).") from None
