"""The gateway's own log: one JSON object per line on standard error, or plain text on a terminal.

What clients and providers say is not in it; errors are told by their class and our own stack, because third-party
exception texts carry URLs and keys.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

import msgspec


class Log:
    """Writes events. `now` is Unix time in seconds; `plain` lines are for a terminal."""

    def __init__(self, stream: TextIO, now: Callable[[], float], *, plain: bool = False) -> None:
        self._stream = stream
        self._now = now
        self.plain = plain
        #: Whose lines these are, where several workers write to one log; 0: nobody else does.
        self.worker = 0
        #: Lines that could not be written.
        self.lost = 0

    def info(self, event: str, **fields: object) -> None:
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        self._write("error", event, fields)

    def fault(self, event: str, error: BaseException, **fields: object) -> None:
        """A bug: the exception's class and the places it passed, without its text."""
        places = [
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        self._write("error", event, {**fields, "error": type(error).__qualname__, "stack": places})

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        at = datetime.fromtimestamp(self._now(), UTC)
        if self.worker:
            fields = {"worker": self.worker, **fields}
        if self.plain:
            rest = " ".join(f"{name}={value}" for name, value in fields.items())
            line = f"{at:%H:%M:%S} {level:7} {event}{'  ' + rest if rest else ''}"
        else:
            line = msgspec.json.encode(
                {"at": at.isoformat(timespec="milliseconds"), "level": level, "event": event, **fields},
                enc_hook=str,
            ).decode()
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except OSError:
            # The terminal or the pipe is gone, so there is nobody to tell; requests must not fail for that.
            self.lost += 1
