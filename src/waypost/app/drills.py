"""Outage rehearsals by order: checked, begun, ended in time, and reported to the data folder."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from waypost.app.drill_trail import DrillTrail, deed_of
from waypost.app.ending import end_all
from waypost.config.snapshot import Route, Snapshot
from waypost.config.values import parse_duration
from waypost.core.deed import Deed
from waypost.core.key import Key
from waypost.edge.gate import Errand
from waypost.errors import InvalidRequest, NotFound
from waypost.pipeline.rehearsal import Drill, Drills, Scope
from waypost.pipeline.rehearsal_report import End, Order, Report, render_markdown, report
from waypost.pipeline.rehearsal_tally import Counts, Spread
from waypost.ports import Clock
from waypost.routing.board import Board
from waypost.telemetry.logs import Log
from waypost.upstream.drill import Fault, check_fault

FOLDER = "drills"
_RUNNING_MAX = 4
_KEPT_MAX = 50
_LONGEST_S = 86_400.0
#: How often an end is looked for, and how long exchanges under way are waited for.
_TICK_S = 0.1
#: The same where other workers are asked each time.
_TICK_SHARED_S = 0.5
_ENDING_MAX_S = 900.0
_ID = re.compile(r"d-[0-9]{8}-[0-9]{6}-[0-9]{1,6}")


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/drills`."""

    fault: str
    providers: tuple[str, ...] = ()
    provider: str | None = None
    """The same for one."""
    models: tuple[str, ...] = ()
    region: str | None = None
    key: str | None = None
    """Id or name."""
    route: str | None = None
    organization: str | None = None
    """Whose own route that is: the organization's name or id."""
    share: float = 1.0
    duration: str = "10m"
    after: int = 4
    delay: str = "2s"
    everyone: bool = False
    """Has to be true where neither a key, a route nor a share limits it."""


_WANTED = msgspec.json.Decoder(Wanted)


class Rehearsal(msgspec.Struct, frozen=True):
    """What other workers are told of one."""

    drill_id: str
    scope: Scope
    fault: Fault
    left_s: float
    """Until it ends; 0: it is over."""


Elsewhere = Callable[[Rehearsal], Awaitable[Mapping[int, Counts]]]
"""Has the other workers take part; what came of it there so far, by worker."""


class _Entry:
    """One rehearsal, running or ended."""

    __slots__ = ("at", "before", "drill", "end", "last", "order", "others", "wake")

    def __init__(self, drill: Drill, order: Order, at: float, before: Spread | None) -> None:
        self.drill = drill
        self.order = order
        self.at = at
        self.before = before
        self.end: End | None = None
        #: The report, once it is written.
        self.last: Report | None = None
        #: Set by an order to stop.
        self.wake: End | None = None
        #: What other workers have counted of it.
        self.others: dict[int, Counts] = {}


class Rehearsals:
    """`app.desk.Orders`. Owns a task for each rehearsal, which ends it; the process's end ends them all."""

    def __init__(
        self,
        *,
        drills: Drills,
        snapshot: Callable[[], Snapshot],
        keys: Callable[[str], Awaitable[Sequence[Key]]],
        home: Callable[[str], str | None],
        before: Callable[[Scope], Awaitable[Spread | None]],
        board: Callable[[], Board] | None,
        data: Path,
        clock: Clock,
        log: Log,
        trail: DrillTrail,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """`keys`: those of an id or name; `home`: the id of an organization by its name or id. `before`: times of the
        traffic that a scope wants, from the log. `board`: a new one for a rehearsal; None where attempts keep none.
        `trail`: tells who begins and ends one. `elsewhere`: where there are other workers."""
        self._elsewhere = elsewhere
        self._trail = trail
        self._beginning = 0
        self._drills = drills
        self._snapshot = snapshot
        self._keys = keys
        self._home = home
        self._before = before
        self._board = board
        self._folder = data / FOLDER
        self._clock = clock
        self._log = log
        self._sleep = sleep
        self._entries: dict[str, _Entry] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0

    async def answer(self, errand: Errand) -> object:
        """See `app.desk.Orders`."""
        if errand.purpose == "drills":
            if errand.method == "POST":
                return await self.start(errand.body, deed_of(errand))
            return {"object": "list", "data": [self._report(each) for each in self._entries.values()]}
        if errand.method == "DELETE":
            self.stop(errand.name, deed_of(errand))
            await self._share(self._entries[errand.name])
            return self._report(self._entries[errand.name])
        return await self.find(errand.name)

    async def start(self, body: bytes, deed: Deed) -> Report:
        """Begin a rehearsal, once the audit log tells of it. Raises InvalidRequest and StoreUnavailable."""
        try:
            wanted = _WANTED.decode(body)
        except msgspec.DecodeError as wrong:
            raise InvalidRequest(f"The order can not be read: {wrong}.") from None
        fault = check_fault(Fault(wanted.fault, wanted.after, _seconds(wanted.delay, "delay")))
        for_s = _seconds(wanted.duration, "duration")
        if not 0 < for_s <= _LONGEST_S:
            raise InvalidRequest("A rehearsal takes more than 0 s and at most a day.", param="duration")
        scope, order = await self._scope(wanted, fault, for_s)
        before = await self._before(scope)
        if len(self._drills.running) + self._beginning >= _RUNNING_MAX:
            raise InvalidRequest(
                f"{_RUNNING_MAX} rehearsals are running, and more are not begun. Stop one: DELETE /v1/drills/{{id}}."
            )
        at = self._clock.wall()
        self._count += 1
        drill_id = f"d-{datetime.fromtimestamp(int(at), UTC):%Y%m%d-%H%M%S}-{self._count}"
        self._beginning += 1
        try:
            await self._trail.begun(deed, drill_id, order, scope)
        finally:
            self._beginning -= 1
        own, now = None if self._board is None else self._board(), self._clock.monotonic()
        entry = _Entry(Drill(drill_id, scope, fault, now, now + for_s, own), order, at, before)
        self._forget()
        self._entries[drill_id] = entry
        self._drills.start(entry.drill)
        await self._share(entry)
        task = asyncio.ensure_future(self._watch(entry))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._log.warning("an outage rehearsal began", id=drill_id, fault=fault.kind, key=order.key or "all")
        return self._report(entry)

    def stop(self, drill_id: str, deed: Deed) -> Report:
        """End one now, whether the audit log can be told of it at once or later. Idempotent. Raises NotFound."""
        entry = self._entries.get(drill_id)
        if entry is None:
            raise _unknown(drill_id)
        if entry.end is None and entry.wake is None:
            entry.wake = "stopped"
            left_s = max(0.0, entry.drill.ends - self._clock.monotonic())
            self._trail.stopped(deed, drill_id, entry.order, entry.drill.scope.owner, left_s)
        self._drills.end(entry.drill)
        return self._report(entry)

    async def find(self, drill_id: str) -> object:
        """Its report: as it stands, or as it was written. Raises NotFound."""
        entry = self._entries.get(drill_id)
        if entry is not None:
            return self._report(entry)
        if not _ID.fullmatch(drill_id):
            raise _unknown(drill_id)
        try:
            kept = await asyncio.to_thread((self._folder / f"{drill_id}.json").read_bytes)
        except OSError:
            raise _unknown(drill_id) from None
        return msgspec.Raw(kept)

    async def close(self) -> None:
        """The gateway ends: end them all, and write their reports."""
        for entry in self._entries.values():
            if entry.end is None and entry.wake is None:
                entry.wake = "shutdown"
            self._drills.end(entry.drill)
        await end_all(self._tasks)
        await self._trail.close()

    async def _scope(self, wanted: Wanted, fault: Fault, for_s: float) -> tuple[Scope, Order]:
        names = (*wanted.providers, *((wanted.provider,) if wanted.provider else ()))
        snapshot = self._snapshot()
        for name in names:
            if name not in snapshot.providers:
                known = ", ".join(snapshot.providers) or "none"
                raise InvalidRequest(
                    f"There is no provider {name[:64]!r}. There are: {known}.", param="provider"
                )
        if not names:
            raise InvalidRequest("Name the `provider` whose outage is rehearsed.", param="provider")
        if not 0 < wanted.share <= 1:
            raise InvalidRequest("`share` has to be more than 0 and at most 1.", param="share")
        found = None if wanted.route is None else self._route(snapshot, wanted.route, wanted.organization)
        route = None if found is None else found.name
        key = None if wanted.key is None else await self._key(wanted.key)
        scope = Scope(
            names,
            wanted.models,
            wanted.region,
            None if key is None else key.key_id,
            route,
            "" if found is None else found.owner,
            wanted.share,
        )
        routes = snapshot.routes.values() if found is None else [found]
        if not any(scope.covers(target) for each in routes for target in each.targets):
            raise InvalidRequest(
                "No target is broken by this: no route leads to these models of these providers there. "
                "GET /v1/targets lists targets and routes.",
                param="models" if wanted.models else "provider",
            )
        if scope.everyone and not wanted.everyone:
            raise InvalidRequest(
                "This would touch every client's requests. Limit it with `key`, `route` or `share`, or say "
                "`everyone: true`.",
                param="everyone",
            )
        name = None if key is None else key.name
        order = Order(names, wanted.models, wanted.region, name, route, wanted.share, fault, for_s)
        return scope, order

    def _route(self, snapshot: Snapshot, name: str, organization: str | None) -> Route:
        if organization is None:
            return snapshot.find(name)
        home = self._home(organization)
        found = None if home is None else snapshot.find_own(home, name)
        if found is None:
            raise InvalidRequest(
                f"The organization {organization[:64]!r} has no route {name[:64]!r} of its own. `waypost routes list "
                "--org` shows them.",
                param="route",
            )
        return found

    async def _key(self, name_or_id: str) -> Key:
        found = [key for key in await self._keys(name_or_id) if key.revoked_at is None]
        if len(found) != 1:
            count = "There is no key" if not found else f"{len(found)} keys are named"
            raise InvalidRequest(f"{count} {name_or_id[:64]!r}. `waypost keys list` shows them.", param="key")
        return found[0]

    async def _watch(self, entry: _Entry) -> None:
        drill = entry.drill
        try:
            while not drill.over(self._clock.monotonic()):
                await self._tick(entry)
            self._drills.end(drill)
            await self._share(entry)
            until = self._clock.monotonic() + _ENDING_MAX_S
            while self._in_flight(entry) and self._clock.monotonic() < until:
                await self._tick(entry)
        finally:
            self._drills.end(drill)
            entry.end = entry.wake or "time"
            await self._write(entry)

    async def _tick(self, entry: _Entry) -> None:
        await self._sleep(_TICK_S if self._elsewhere is None else _TICK_SHARED_S)
        await self._share(entry)

    async def _share(self, entry: _Entry) -> None:
        """Tell the other workers how it stands, and hear what they have counted."""
        if self._elsewhere is not None:
            drill, now = entry.drill, self._clock.monotonic()
            left_s = 0.0 if drill.over(now) else drill.ends - now
            told = Rehearsal(drill.drill_id, drill.scope, drill.fault, left_s)
            entry.others.update(await self._elsewhere(told))

    def _in_flight(self, entry: _Entry) -> bool:
        return bool(entry.drill.in_flight or any(each.in_flight for each in entry.others.values()))

    async def _write(self, entry: _Entry) -> None:
        told = entry.last = self._report(entry)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            (self._folder / f"{told.id}.json").write_bytes(msgspec.json.encode(told))
            (self._folder / f"{told.id}.md").write_text(render_markdown(told), "utf-8")
        except OSError:
            self._log.error("the report of an outage rehearsal could not be written", id=told.id)
        self._log.warning(
            "an outage rehearsal ended", id=told.id, requests=told.numbers.requests, lost=told.lost
        )

    def _report(self, entry: _Entry) -> Report:
        if entry.last is not None:
            return entry.last
        now = self._clock.monotonic()
        others = entry.others.values()
        return report(entry.drill, entry.order, entry.at, now, entry.before, entry.end, others)

    def _forget(self) -> None:
        ended = [drill_id for drill_id, entry in self._entries.items() if entry.last is not None]
        for drill_id in ended[: max(0, len(self._entries) - _KEPT_MAX + 1)]:
            del self._entries[drill_id]


def _seconds(text: str, name: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise InvalidRequest(f"`{name}`: {error}.", param=name) from None


def _unknown(drill_id: str) -> NotFound:
    return NotFound(f"There is no rehearsal {drill_id[:64]!r}. GET /v1/drills lists them.")
