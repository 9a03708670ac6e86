"""The gateway's life: open the data folder, wire, serve, drain, close. Everything is closed in the reverse order."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import TextIO

import msgspec

from waypost import __version__
from waypost.app.admin import AdminSide, serve_admin
from waypost.app.auditing import Auditing
from waypost.app.background import Background
from waypost.app.books import Books, open_books
from waypost.app.budgets import told_of
from waypost.app.clock import SystemClock
from waypost.app.control import desk_of
from waypost.app.desk import ControlDesk
from waypost.app.gate import AppGate, gauges
from waypost.app.ids import exchange_ids
from waypost.app.live_config import LiveConfig
from waypost.app.load import start_load
from waypost.app.memory import settle_garbage
from waypost.app.models_list import ModelsList
from waypost.app.once import keep_answers
from waypost.app.options import Options
from waypost.app.org_routes import OrgRouting
from waypost.app.prices import free_tariff
from waypost.app.probes import Probes, compose_probes
from waypost.app.renew import Renewals
from waypost.app.shared_books import SharedBooks
from waypost.app.shelf import KeptAnswers, end_lost
from waypost.app.standing import Standing, stand
from waypost.app.started import Announce, reachable, started_of, url_of
from waypost.app.steering import Steering
from waypost.app.storage import Storage, StorageParts
from waypost.app.surroundings import Finder, Found
from waypost.app.token_counter import CountingProcess
from waypost.app.workers.part import Calls
from waypost.app.workers.together import Together
from waypost.catalog.catalog import load as load_catalog
from waypost.config.credentials import read_whole_file
from waypost.core.deed import Deed
from waypost.dialects.lane import Lanes
from waypost.dialects.registry import DIALECTS
from waypost.edge.app import Edge
from waypost.edge.server import Listening, Server, loop_factory
from waypost.edge.server import serve as serve_edge
from waypost.pipeline.rehearsal import Drills
from waypost.pipeline.run import Pipeline
from waypost.pipeline.sessions import Parts, Sessions
from waypost.pipeline.settle import Settle
from waypost.policy.authenticate import Authenticate
from waypost.policy.directory import Directory
from waypost.policy.limits import Limits
from waypost.routing.own import OwnKeys
from waypost.stores.root_key import root_keys
from waypost.stores.sealing import Seals
from waypost.stores.sql.discovered import DiscoveredModels
from waypost.stores.sql.keys import SqlKeys
from waypost.stores.sql.responses import ResponseRows, SqlResponses
from waypost.stores.valkey.shared_limits import SharedLimits
from waypost.telemetry.logs import Log
from waypost.telemetry.metrics import Metrics
from waypost.upstream.client import HttpUpstream
from waypost.upstream.limits import Limits as Bounds
from waypost.upstream.open_files import lift_open_files
from waypost.upstream.sockets import SocketUpstream


def serve(options: Options, announce: Announce, stream: TextIO = sys.stderr) -> int:
    """Serve until a signal; returns the exit status. Raises GatewayError when it can not start."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(run_gateway(options, announce, stream))
    return 0


async def run_gateway(options: Options, announce: Announce, stream: TextIO) -> None:
    """Compose, serve, close."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        config = LiveConfig(
            options.config,
            options.environ,
            load_catalog(),
            free_tariff(),
            log := Log(stream, clock.wall, plain=stream.isatty()),
            1 if options.part is None else options.part.count,
        )
        if (form := config.config.log.format) != "auto":
            log.plain = form == "text"
        stands = stand(options.data, options.part, stack)
        log.worker = stands.seat.worker
        books = open_books(
            stands.seat, options.environ, config.config.ledger.durability, clock, log, stack, stands.count
        )
        await _Gateway(options, announce, clock, log, config, stands, books, stack, stream).run()


class _Gateway:
    """Wires the parts around one data folder and runs them."""

    def __init__(
        self,
        options: Options,
        announce: Announce,
        clock: SystemClock,
        log: Log,
        config: LiveConfig,
        stands: Standing,
        books: Books,
        stack: AsyncExitStack,
        stream: TextIO,
    ) -> None:
        self._stream = stream
        self._options = options
        self._stands = stands
        self._together = None if stands.part is None else Together(stands.part, options.data, log)
        self._announce = announce
        self._clock = clock
        self._log = log
        self._config = config
        self._steering = Steering(config, clock, log)
        self._probes: Probes
        self._shared_books: SharedBooks
        self._control: AdminSide
        self._auditing = Auditing(books.database, clock, log)
        self._books = books
        #: Who there is, and which rules hold for whom.
        self._directory = Directory()
        #: The credentials that people brought.
        self._own = OwnKeys()
        self._limits = self._count_limits()
        self._stack = stack
        self._new_id = exchange_ids(clock.wall, os.urandom)

    async def run(self) -> None:
        stack, books, config = self._stack, self._books, self._config
        stack.push_async_callback(self._close_ledger)
        check = (lambda: None) if books.node_lock is None else books.node_lock.check
        worker = self._stands.seat.worker
        self._shared_books = SharedBooks(books.database, books.ledger, self._log, check, worker)
        keys = SqlKeys(books.keys)
        stack.callback(keys.close)
        kept = ResponseRows(books.database)
        await asyncio.to_thread(end_lost, kept)
        responses = SqlResponses(kept)
        stack.callback(responses.close)
        upstream, sockets = self._clients()
        listening = self._listening()
        finder = self._finder(upstream)
        stack.push_async_callback(finder.stop)
        found = await finder.look(config.config, skip_port=listening.port)
        listed = DiscoveredModels(books.database)
        known = finder.remembered(listed.list())
        config.resolve(found=found.providers, discovered={**known, **found.listed})
        self._control = serve_admin(
            stack,
            books.database,
            books.keys,
            self._clock,
            self._log,
            self._stands.token,
            Seals(root_keys(self._options.data, self._options.environ), os.urandom),
            self._directory,
            books.ledger.purse,
            lambda: config.config.credits,
            self._stands.count,
            self._own,
            lambda: config.snapshot().providers,
            OrgRouting(config, self._directory, self._log),
        )
        await self._control.load()
        edge = self._edge(keys, upstream, sockets, responses)
        background = Background(
            clock=self._clock,
            log=self._log,
            config=config,
            finder=finder,
            upstream=upstream,
            listed=listed,
            keys=keys,
            limits=self._limits,
            database=books.database,
            renewals=Renewals(upstream, read_whole_file, self._clock, self._log),
            steering=self._steering,
            probes=self._probes,
            known=known,
            storage=self._storage,
            auditing=self._auditing if self._stands.seat.leads else None,
        )
        stack.push_async_callback(background.stop)
        await keys.refresh()
        await self._serve(edge, listening, background, found)

    async def _serve(self, edge: Edge, listening: Listening, background: Background, found: Found) -> None:
        running: list[Server] = []
        on_terminal = self._stream.isatty()

        def hung_up() -> None:
            # A terminal that closes sends SIGHUP too. Then nobody is left to stop the gateway, so it stops itself.
            if on_terminal and not self._stream.isatty():
                for server in running:
                    server.stop()
            else:
                background.reload()

        def started(server: Server, host: str, port: int) -> None:
            running.append(server)
            background.start()
            settle_garbage()
            host = reachable(host)
            calls = Calls(lambda: self._tell(host, port, found), background.reload, server.stop, server.stop)
            self._stands.began(host, port, calls, server)

        if self._together is not None:
            self._stack.push_async_callback(self._together.close)
            await self._together.open()
        sockets = self._stands.sockets
        await serve_edge(edge, listening, sockets=sockets, on_started=started, on_reload=hung_up)

    def _count_limits(self) -> Limits | SharedLimits:
        """In this process; together with others where they know of the same limits."""
        limits = Limits()
        if not self._books.database.node:
            return limits
        sharing = self._steering.sharing
        draw = random.SystemRandom().random
        node, workers = secrets.token_hex(8), self._stands.count
        sharing.limits = SharedLimits(limits, self._nodes, node, self._log, draw, workers=workers)
        return sharing.limits

    def _nodes(self) -> float:
        return self._shared_books.gauges()["waypost_nodes"]

    def _listening(self) -> Listening:
        server, options = self._config.config.server, self._options
        return self._stands.listening(
            Listening(
                host=options.host or server.host,
                port=server.port if options.port is None else options.port,
                drain_delay_s=options.drain_delay_s,
            )
        )

    def _finder(self, upstream: HttpUpstream) -> Finder:
        options, leads, shared = self._options, self._stands.seat.leads, self._stands.part is not None
        return Finder(options.environ, options.data, upstream, self._log, leads=leads, shared=shared)

    def _clients(self) -> tuple[HttpUpstream, SocketUpstream]:
        loop, bounds = asyncio.get_running_loop(), Bounds(connections=lift_open_files())
        upstream, sockets = HttpUpstream(loop, bounds), SocketUpstream(loop, bounds)
        self._stack.push_async_callback(upstream.aclose)
        self._stack.push_async_callback(sockets.aclose)
        return upstream, sockets

    def _edge(
        self, keys: SqlKeys, upstream: HttpUpstream, sockets: SocketUpstream, responses: SqlResponses
    ) -> Edge:
        clock, config, ledger, steering = self._clock, self._config, self._books.ledger, self._steering
        authenticate = Authenticate(keys, clock, self._directory)
        gate = AppGate(config, ledger)
        load = start_load(
            clock, config.snapshot, steering, lambda: pipeline.under_way(), lambda: edge.active, ledger
        )
        self._stack.callback(load.watch.stop)

        def measured() -> Mapping[str, float]:
            now = {**gauges(pipeline, ledger, upstream, gate, config), **load.values()}
            now["waypost_exchanges_active"] += sessions.active
            now["waypost_upstream_connections"] += sockets.open
            return {**now, **self._own_gauges()}

        metrics = Metrics(
            measured, lambda: [*steering.labelled(), *load.labelled(), *self._storage.owner.labelled()]
        )
        ledger.purse.reached = told_of(self._log, metrics)
        parts = self._parts(authenticate, upstream, Settle(clock, ledger, metrics))
        drills, counter = Drills(clock, parts["random"]), CountingProcess(self._log)
        kept = keep_answers(self._books.database, self._together, self._log, self._stack)
        pipeline = Pipeline(**parts, **kept, responses=responses, drills=drills, counter=counter)
        self._stack.push_async_callback(counter.close)
        sessions = Sessions(**parts, sockets=sockets)
        self._stack.push_async_callback(pipeline.stop)
        self._probes = compose_probes(pipeline, parts, steering.board, self._new_id)
        storeroom, together, elsewhere = self._store(authenticate, pipeline), self._together, None
        if together is not None:
            elsewhere = together.elsewhere
            together.tell(metrics, gate.ready)
            together.serve(pipeline, storeroom)
            together.retell(pipeline.retell)
            together.change(self._control, keys)

        edge = Edge(
            pipeline=pipeline,
            dialects=DIALECTS.values(),
            gate=gate,
            models=self._models(authenticate),
            shelf=KeptAnswers(responses, authenticate, clock, pipeline, elsewhere),
            sessions=sessions,
            desk=self._desk(parts, drills),
            metrics=metrics.render,
            storeroom=storeroom,
            control=self._control,
            new_id=self._new_id,
            clock=clock,
            log=self._log,
            version=__version__,
            load=load.gauge,
            beside=together,
        )
        return edge

    def _desk(self, parts: Parts, drills: Drills) -> ControlDesk:
        books, data, together = self._books, self._options.data, self._together
        shared = () if together is None else (together.rehearsing, together.orders)
        token = self._stands.token
        desk, rehearsals = desk_of(
            parts, self._steering, drills, books.keys, books.database, data, token, *shared
        )
        self._stack.push_async_callback(rehearsals.close)
        if together is not None:
            together.rehearse(rehearsals, drills, self._steering.new_board, self._clock)
        return desk

    def _models(self, authenticate: Authenticate) -> Callable[[bytes | None, bool], Awaitable[bytes]]:
        listing = ModelsList()

        async def models(presented: bytes | None, gemini: bool) -> bytes:
            standing = self._directory.standing(await authenticate.key_of(presented))
            return listing.render(self._config.snapshot(), standing, self._clock.wall(), gemini=gemini)

        return models

    def _own_gauges(self) -> Mapping[str, float]:
        return {
            "waypost_batches_running": self._storage.owner.running,
            "waypost_directory_version": self._directory.version,
            **self._shared_books.gauges(),
            **self._auditing.gauges(),
        }

    def _parts(self, authenticate: Authenticate, upstream: HttpUpstream, settle: Settle) -> Parts:
        steering = self._steering
        return Parts(
            lanes=Lanes(DIALECTS),
            snapshot=self._config.snapshot,
            clock=self._clock,
            random=random.SystemRandom().random,
            sleep=asyncio.sleep,
            authenticate=authenticate,
            directory=self._directory,
            limits=self._limits,
            ledger=self._books.ledger,
            upstream=upstream,
            settle=settle,
            log=self._log,
            board=steering.board,
            planner=steering.planner,
            entrance=steering.entrance,
            own=self._own,
        )

    def _store(self, authenticate: Authenticate, pipeline: Pipeline) -> Storage:
        books, config = self._books, self._config
        self._storage = Storage(
            StorageParts(self._options.data, books.database, books.keys, authenticate, pipeline.run,
                         lambda: config.snapshot().settings, self._clock, self._log, os.urandom, self._new_id,
                         None if self._together is None else self._together.batches)
        )  # fmt: skip
        self._storage.prepare()
        self._stack.push_async_callback(self._storage.stop)
        return self._storage

    def _tell(self, host: str, port: int, found: Found) -> None:
        books, snapshot = self._books, self._config.snapshot()
        keys = books.keys.by(Deed(action="start"))
        told = started_of(keys, self._clock.wall(), url_of(host, port), found, snapshot, self._stands.count)
        self._announce(msgspec.structs.replace(told, recovered=books.recovered))

    async def _close_ledger(self) -> None:
        left = await self._books.ledger.stop()
        await self._shared_books.end(left)
        if left:
            self._log.warning("settled requests are left for the next start to post", records=left)
