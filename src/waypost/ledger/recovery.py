"""What a start does with the intents files of a process that ended without saying goodbye.

Settled records that the journal lacks are posted. Attempts that were dispatched and never settled may have billed, so
they are settled at their last checkpoint, or at the cost of their input alone, and marked `estimated`; nothing is
refunded because a process died. Holds live in memory only, so a hold that never dispatched is gone by itself.

Running it twice, or dying in it and running it again, gives the same sums: ids come from the files, and the journal
skips attempts it has. A damaged line (a torn write at the end of a file, or bad bytes in the middle) is skipped and
counted; a file with damage in the middle is set aside under another name for the operator, never deleted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from waypost.core.markup import charged
from waypost.core.record import Attempt, Checkpoint, DispatchMark, Exchange, Role
from waypost.core.usage import Usage
from waypost.errors import GatewayError, StoreUnavailable
from waypost.ledger.segments import DAMAGED_SUFFIX, Kind, Line, listed, parse
from waypost.ports import Journal

_BATCH: Final = 500
CRASHED: Final = "gateway_crashed"


class RecoveryReport(msgspec.Struct, frozen=True):
    """What recovery did. All zero after a clean stop."""

    segments: int = 0
    settled: int = 0
    """Settled records that the journal did not have."""
    estimated: int = 0
    """Lost attempts, settled at an estimate."""
    lines: int = 0
    """Ledger lines written."""
    torn: int = 0
    """Writes cut off at the end of a file: what a kill or a full disk leaves."""
    damaged: int = 0
    """Lines that were whole once and can not be read now, or that the journal refuses."""
    set_aside: tuple[str, ...] = ()
    """Files kept for the operator, by name."""

    @property
    def clean(self) -> bool:
        return not (self.settled or self.estimated or self.torn or self.damaged)


class _Found:
    """What the files say, gathered over all segments."""

    __slots__ = ("checkpoints", "damaged", "ended", "marks", "refused", "settled", "torn", "unclean")

    def __init__(self) -> None:
        self.marks: dict[str, DispatchMark] = {}
        self.checkpoints: dict[str, Checkpoint] = {}
        self.ended: set[str] = set()
        self.settled: list[Exchange] = []
        self.torn = 0
        self.damaged = 0
        self.unclean: set[Path] = set()
        #: The journal refused a record, so no file may go.
        self.refused = False


def open_folder(folder: Path) -> Path:
    """Make the intents folder if it is not there, for the owner only. Raises StoreUnavailable."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"The intents folder {folder} can not be made ({os.strerror(error.errno or 5)}). "
            "Check the data folder and its owner."
        ) from None
    return folder


def recover(folder: Path, journal: Journal) -> RecoveryReport:
    """Post what the files hold and the journal lacks, classify every lost attempt, and delete the files.

    Raises StoreUnavailable when the journal or the files can not be read; the files are then as they were.
    """
    paths = listed(folder)
    if not paths:
        _forget_deleted(journal)
        return RecoveryReport()
    found = _Found()
    applied = journal.applied()
    for path in paths:
        _read(path, applied.get(path.name, 0), found)
    lost = list(_estimated(found))
    settled_lines = _repost(journal, found.settled, found)
    lost_lines = _repost(journal, lost, found)
    set_aside = _clear(paths, found)
    _forget_deleted(journal)
    return RecoveryReport(
        segments=len(paths),
        settled=len(found.settled),
        estimated=sum(len(exchange.attempts) for exchange in lost),
        lines=settled_lines + lost_lines,
        torn=found.torn,
        damaged=found.damaged,
        set_aside=set_aside,
    )


def _read(path: Path, applied: int, found: _Found) -> None:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreUnavailable(
            f"The intents file {path.name} can not be read ({os.strerror(error.errno or 5)}). "
            "It may hold money that is not posted yet: repair the disk of the data folder, then start again."
        ) from None
    for line in parse(data):
        if line.last:
            found.torn += 1
        elif not _take(line, applied, found):
            found.damaged += 1
            found.unclean.add(path)
            # It may have been several lines, where the power failed and a part of the file is lost: those that follow
            # had other numbers when they were written. The journal skips what it has.
            applied = 0


def _take(line: Line, applied: int, found: _Found) -> bool:
    """File one line; False when it is damaged."""
    try:
        if line.kind is Kind.SETTLED:
            exchange = msgspec.json.decode(line.payload, type=Exchange)
            found.ended.add(exchange.exchange_id)
            if line.number > applied:
                found.settled.append(exchange)
        elif line.kind is Kind.DISPATCH:
            mark = msgspec.json.decode(line.payload, type=DispatchMark)
            found.marks[mark.attempt_id] = mark
        elif line.kind is Kind.CHECKPOINT:
            checkpoint = msgspec.json.decode(line.payload, type=Checkpoint)
            found.checkpoints[checkpoint.attempt_id] = checkpoint
    except msgspec.DecodeError:
        return False
    return line.kind is not None


def _estimated(found: _Found) -> Iterator[Exchange]:
    """One exchange for each that was dispatched and has no end in any file."""
    lost: dict[str, list[DispatchMark]] = {}
    for mark in found.marks.values():
        if mark.exchange_id not in found.ended:
            lost.setdefault(mark.exchange_id, []).append(mark)
    for exchange_id, marks in lost.items():
        first = marks[0]
        attempts = tuple(
            _attempt(mark, found.checkpoints.get(mark.attempt_id), _role(mark, before))
            for mark, before in zip(marks, (None, *marks), strict=False)
        )
        costs = [attempt.cost_nusd for attempt in attempts if attempt.cost_nusd is not None]
        yield Exchange(
            exchange_id=exchange_id,
            started_us=first.at_us,
            key_id=first.key_id,
            operation=first.operation,
            asked_model=first.asked_model,
            route=first.route,
            stream=first.stream,
            status=500,
            outcome="failed",
            error=CRASHED,
            first_token_us=None,
            total_us=0,
            overhead_us=0,
            cost_nusd=sum(costs) if costs else None,
            config_version=first.config_version,
            accounts=first.accounts,
            attempts=attempts,
        )


def _role(mark: DispatchMark, before: DispatchMark | None) -> Role:
    """What an attempt was for, as far as the marks tell: they do not say which ones ran beside each other."""
    if before is None:
        return "first"
    return "retry" if (mark.provider, mark.model) == (before.provider, before.model) else "failover"


def _attempt(mark: DispatchMark, checkpoint: Checkpoint | None, role: Role) -> Attempt:
    usage = Usage(input=mark.input_estimate, units=mark.units)
    cost = mark.floor_nusd
    if checkpoint is not None:
        usage = checkpoint.usage
        cost = checkpoint.cost_nusd if checkpoint.cost_nusd is not None else cost
    total = None if cost is None else charged(cost, mark.markup)
    return Attempt(
        attempt_id=mark.attempt_id,
        provider=mark.provider,
        model=mark.model,
        started_us=mark.at_us,
        state="settled",
        status=None,
        error=CRASHED,
        first_token_us=None,
        total_us=0,
        usage=msgspec.structs.replace(usage, source="estimated"),
        cost_nusd=total,
        price_version=mark.price_version,
        key_name=mark.key_name,
        role=role,
        markup_nusd=0 if total is None or cost is None else total - cost,
    )


def _repost(journal: Journal, exchanges: list[Exchange], found: _Found) -> int:
    lines = 0
    for start in range(0, len(exchanges), _BATCH):
        batch = exchanges[start : start + _BATCH]
        try:
            lines += journal.repost(batch)
        except StoreUnavailable:
            raise
        except GatewayError:
            lines += _repost_one_by_one(journal, batch, found)
    return lines


def _repost_one_by_one(journal: Journal, batch: list[Exchange], found: _Found) -> int:
    lines = 0
    for exchange in batch:
        try:
            lines += journal.repost([exchange])
        except StoreUnavailable:
            raise
        except GatewayError:
            found.damaged += 1
            found.refused = True
    return lines


def _clear(paths: list[Path], found: _Found) -> tuple[str, ...]:
    aside: list[str] = []
    for path in paths:
        try:
            if found.refused or path in found.unclean:
                kept = path.with_name(path.name + DAMAGED_SUFFIX)
                path.rename(kept)
                aside.append(kept.name)
            else:
                path.unlink()
        except OSError as error:
            raise StoreUnavailable(
                f"The intents file {path.name} is posted and can not be removed ({os.strerror(error.errno or 5)}). "
                "Check the owner and the disk of the data folder, then start again."
            ) from None
    return tuple(aside)


def _forget_deleted(journal: Journal) -> None:
    # Every file is gone or set aside by now, so no number in the journal stands for anything.
    for segment in journal.applied():
        journal.forget(segment)
