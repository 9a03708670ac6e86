"""How far long work is: a line on a terminal, and nothing anywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from waypost.cli.output import people

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Told:
    """What the work tells; without a terminal nobody hears it."""

    def __init__(self, progress: Progress | None = None, task: TaskID | None = None) -> None:
        self._progress = progress
        self._task = task

    def at(self, done: int, total: int | None = None, what: str | None = None) -> None:
        """How much is done, of how much, and of what."""
        if self._progress is None or self._task is None:
            return
        self._progress.update(self._task, completed=done, total=total)
        if what is not None:
            self._progress.update(self._task, description=what)


@contextmanager
def progressing(what: str, unit: str) -> Iterator[Told]:
    """Show on stderr how far the work inside is."""
    console = people(stderr=True)
    if not console.is_terminal:
        yield Told()
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(f"{{task.completed:,.0f}} {unit}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Told(progress, progress.add_task(what, total=None))
