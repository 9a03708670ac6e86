"""The folder of fixtures: names, and files that are whole or not there."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from waypost.errors import ConfigError
from waypost.recorder.fixture import Fixture, decode_fixture, encode_fixture
from waypost.recorder.known import Known
from waypost.recorder.leaks import leaks

_NUMBER = re.compile(r"-(\d+)\.json$")
_WORD = re.compile(r"[^a-z0-9]+")


class Leaked(msgspec.Struct, frozen=True):
    """A fixture that was not written, and the places of it where a known secret was still found."""

    places: tuple[str, ...]


class Folder:
    """Where fixtures are written. One recorder at a time."""

    def __init__(self, path: Path) -> None:
        """Makes the folder. Raises ConfigError."""
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError:
            raise ConfigError(
                f"The folder {path} can not be made. Name another one with --out, or mend its rights."
            ) from None
        self.path = path
        numbers = [int(found[1]) for each in path.glob("*.json") if (found := _NUMBER.search(each.name))]
        self._last = max(numbers, default=0)

    def write(self, fixture: Fixture, known: Known) -> Path | Leaked:
        """Write a scrubbed fixture under a new name, whole or not at all; not when a secret is still in it.

        Raises ConfigError when the disk does not take it.
        """
        encoded = encode_fixture(fixture)
        places = leaks(encoded, fixture, known)
        if places:
            return Leaked(tuple(places))
        self._last += 1
        target = self.path / f"{_stem(fixture)}-{self._last:03}.json"
        beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            beside.write_bytes(encoded)
            beside.replace(target)
        except OSError:
            beside.unlink(missing_ok=True)
            raise ConfigError(f"{target} can not be written. Is the disk full, or read-only?") from None
        return target


def _stem(fixture: Fixture) -> str:
    kind = "stream" if fixture.response.chunks is not None else "whole"
    if fixture.response.status // 100 != 2:
        kind = f"error-{fixture.response.status}"
    parts = (fixture.provider, fixture.dialect or "other", kind)
    return "-".join(_WORD.sub("_", each.lower()) for each in parts)


def read_folder(path: Path) -> tuple[dict[Path, Fixture], dict[Path, str]]:
    """The fixtures in a folder and below it, by file and in order, and the files that are none, with the reason."""
    fixtures: dict[Path, Fixture] = {}
    faulty: dict[Path, str] = {}
    for file in sorted(path.rglob("*.json")):
        try:
            fixtures[file] = decode_fixture(file.read_bytes())
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            faulty[file] = f"it is not a fixture ({error})"
        except OSError:
            faulty[file] = "it can not be read"
    return fixtures, faulty
