"""`/metrics` of all workers, whichever of them is asked.

What a worker has counted and told is on file, and begins the count of the one that takes its place: so no sum that was
told ever falls, and a worker's end does not look like the gateway's.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from waypost.app.workers.siblings import Siblings
from waypost.telemetry import sheet
from waypost.telemetry.metrics import METRICS, Metrics
from waypost.telemetry.sheet import Family, Row, Sheet

WHAT = "figures"


class Figures:
    """One worker's, and those of its siblings."""

    def __init__(self, metrics: Metrics, folder: Path, siblings: Siblings) -> None:
        self._metrics = metrics
        self._folder = folder
        self._siblings = siblings
        self._before = _kept(folder, siblings.number)

    async def answer(self, _: bytes) -> bytes:
        """To a sibling: this worker's."""
        return sheet.encode(self._own())

    async def render(self) -> bytes:
        """Of all workers. Of one that does not answer, what it last told that only grows."""
        told = await self._siblings.ask_all(WHAT)
        sheets = {self._siblings.number: self._own()}
        for worker in self._siblings.others:
            sheets[worker] = sheet.decode(told[worker]) if worker in told else _kept(self._folder, worker)
        serving = Row("waypost_workers", (), float(1 + len(told)))
        workers = Family("waypost_workers", METRICS["waypost_workers"], "gauge", (serving,))
        return sheet.render((*sheet.together(dict(sorted(sheets.items()))), workers))

    def _own(self) -> Sheet:
        own = sheet.sum_of((sheet.sheet_of(self._metrics.collect()), self._before))
        file = _file(self._folder, self._siblings.number)
        new = file.with_suffix(".new")
        with suppress(OSError):  # a full disk: then a later worker begins from an earlier count
            new.write_bytes(sheet.encode(sheet.grown(own)))
            new.replace(file)
        return own


def _file(folder: Path, worker: int) -> Path:
    return folder / f"{worker}.figures"


def _kept(folder: Path, worker: int) -> Sheet:
    try:
        return sheet.decode(_file(folder, worker).read_bytes())
    except (OSError, msgspec.DecodeError):
        return ()
