"""Where root keys come from: the environment, a file, a command; else a file in the data folder, made at the first
start."""

from __future__ import annotations

import os
import shlex
import subprocess
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from waypost.core.keytext import Randomness
from waypost.errors import ConfigError
from waypost.stores.sealing import ROOT_BYTES

FILE_NAME: Final = "root.key"
VARIABLE: Final = "WAYPOST_ROOT_KEY"
_FILE: Final = f"{VARIABLE}_FILE"
_COMMAND: Final = f"{VARIABLE}_COMMAND"
_COMMAND_S: Final = 10.0


def root_keys(
    data: Path, environ: Mapping[str, str], randomness: Randomness = os.urandom
) -> tuple[bytes, ...]:
    """Newest first. Raises ConfigError, which never quotes what it read."""
    if text := environ.get(VARIABLE):
        return _parsed(text, VARIABLE)
    if file := environ.get(_FILE):
        return _parsed(_read(Path(file), _FILE), f"the file that {_FILE} names")
    if command := environ.get(_COMMAND):
        return _parsed(_asked(command), f"what the command in {_COMMAND} prints")
    own = data / FILE_NAME
    if not own.exists():
        _make(own, randomness)
    return _parsed(_read(own, str(own)), str(own))


def _make(own: Path, randomness: Randomness) -> None:
    """Whoever comes first has made it."""
    new = own.with_suffix(f".{randomness(6).hex()}")
    try:
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, b64encode(randomness(ROOT_BYTES)) + b"\n")
            os.fsync(fd)
        finally:
            os.close(fd)
        try:
            os.link(new, own)
        except FileExistsError:
            pass
        finally:
            new.unlink()
    except OSError as error:
        raise ConfigError(f"The root key {own} can not be made: {os.strerror(error.errno or 5)}.") from None


def _read(path: Path, named: str) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"The root key in {path} can not be read ({named}).") from None


def _asked(command: str) -> str:
    try:
        # The operator's own command, out of the environment and without a shell.
        told = subprocess.run(shlex.split(command), capture_output=True, timeout=_COMMAND_S, check=True)  # noqa: S603
        return told.stdout.decode("ascii")
    except (OSError, ValueError, subprocess.SubprocessError):
        raise ConfigError(f"The command in {_COMMAND} printed no root key.", param=_COMMAND) from None


def _parsed(text: str, named: str) -> tuple[bytes, ...]:
    found = []
    for part in text.replace(",", "\n").split():
        try:
            found.append(b64decode(part, validate=True))
        except NotBase64:
            found.append(b"")
    if not found or any(len(root) != ROOT_BYTES for root in found):
        raise ConfigError(
            f"There is no root key in {named}: it is 32 random bytes in base64, such as `openssl rand -base64 32` "
            "prints. Several are one to a line, the newest first."
        )
    return tuple(found)
