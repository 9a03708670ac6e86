"""Puts the desk together: what answers the gateway's own questions and takes its orders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from waypost.app.desk import ControlDesk, Orders
from waypost.app.drill_trail import DrillTrail
from waypost.app.drills import Elsewhere, Rehearsals
from waypost.app.history import History
from waypost.app.steering import Steering
from waypost.app.targets_list import Report, TargetsList
from waypost.config.snapshot import Snapshot
from waypost.core.key import Key
from waypost.core.people import DEFAULT, Organization
from waypost.dialects.registry import DIALECTS
from waypost.pipeline.explain import Explain
from waypost.pipeline.plans import Planned, Plans
from waypost.pipeline.rehearsal import Drills
from waypost.pipeline.sessions import Parts
from waypost.policy.authenticate import Authenticate
from waypost.policy.directory import Directory
from waypost.ports import Clock
from waypost.routing.board import Board
from waypost.stores.sql.audit_log import AuditRows
from waypost.stores.sql.engine import Database
from waypost.stores.sql.keys import KeyRows
from waypost.stores.sql.requests import RequestLog
from waypost.telemetry.logs import Log


class Control(msgspec.Struct, frozen=True):
    """What the desk is made of."""

    snapshot: Callable[[], Snapshot]
    clock: Clock
    log: Log
    authenticate: Authenticate
    keys: KeyRows
    database: Database
    data: Path
    token: str
    """What the command line shows in place of a key."""
    drills: Drills
    """The same that the pipeline looks at."""
    plans: Plans
    directory: Directory
    board: Board
    """Where targets' measured times are read."""
    new_board: Callable[[], Board] | None = None
    """A board for one rehearsal; None: attempts keep none."""
    report: Report = lambda _: None
    """A target's health, for `GET /v1/targets`."""
    elsewhere: Elsewhere | None = None
    """Rehearsals on other workers, too."""
    orders: Orders | None = None
    """Who takes orders for rehearsals; None: they are taken here."""


def compose_desk(parts: Control) -> tuple[ControlDesk, Rehearsals]:
    """The desk, and the rehearsals, which have to be closed."""
    history = History(RequestLog(parts.database), parts.clock)

    async def keys(name_or_id: str) -> Sequence[Key]:
        return await asyncio.to_thread(parts.keys.find, name_or_id)

    def home(name_or_id: str) -> str | None:
        every = {each.name: each.id for each in parts.directory.all(Organization)}
        ids = {DEFAULT: DEFAULT, **every}
        return ids.get(name_or_id) or (name_or_id if name_or_id in ids.values() else None)

    rehearsals = Rehearsals(
        drills=parts.drills,
        snapshot=parts.snapshot,
        keys=keys,
        home=home,
        before=history.before,
        board=parts.new_board,
        data=parts.data,
        clock=parts.clock,
        log=parts.log,
        trail=DrillTrail(AuditRows(parts.database), parts.log),
        elsewhere=parts.elsewhere,
    )
    desk = ControlDesk(
        authenticate=parts.authenticate,
        token=parts.token,
        explain=Explain(parts.plans, DIALECTS, parts.snapshot, parts.board, parts.clock),
        find=history.find,
        targets=TargetsList(parts.snapshot, parts.report, parts.directory),
        orders=parts.orders or rehearsals,
    )
    return desk, rehearsals


def desk_of(
    parts: Parts,
    steering: Steering,
    drills: Drills,
    keys: KeyRows,
    database: Database,
    data: Path,
    token: str,
    elsewhere: Elsewhere | None = None,
    orders: Orders | None = None,
) -> tuple[ControlDesk, Rehearsals]:
    """The desk of a gateway that is made of these."""
    board = steering.board
    plans = Planned(
        parts["snapshot"],
        parts["lanes"],
        parts["clock"],
        parts["planner"],
        board,
        parts["ledger"].left,
        parts["directory"],
        parts["own"],
    )
    return compose_desk(
        Control(
            snapshot=parts["snapshot"],
            clock=parts["clock"],
            log=parts["log"],
            authenticate=parts["authenticate"],
            keys=keys,
            database=database,
            data=data,
            token=token,
            drills=drills,
            plans=plans,
            directory=parts["directory"],
            board=board,
            new_board=steering.new_board,
            report=steering.report,
            elsewhere=elsewhere,
            orders=orders,
        )
    )
