"""The gateway's life: open the data folder, wire, serve, drain, close. Everything is closed in the reverse order."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import secrets
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
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
from waypost.app.gate import AppGate, gauges
from waypost.app.ids import exchange_ids
from waypost.app.live_config import LiveConfig
from waypost.app.load import start_load
from waypost.app.models_list import ModelsList
from waypost.app.org_routes import OrgRouting
from waypost.app.prices import free_tariff
from waypost.app.probes import Probes, compose_probes
from waypost.app.renew import Renewals
from waypost.app.shared_books import SharedBooks
from waypost.app.shelf import KeptAnswers, end_lost
from waypost.app.started import Announce, Started, example_of, reachable
from waypost.app.steering import Steering
from waypost.app.storage import Storage, StorageParts
from waypost.app.surroundings import Finder, Found
from waypost.app.token_counter import CountingProcess
from waypost.catalog.catalog import load as load_catalog
from waypost.config.credentials import read_whole_file
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
from waypost.stores.lock import FolderLock, take_lock
from waypost.stores.root_key import root_keys
from waypost.stores.sealing import Seals
from waypost.stores.sql.discovered import DiscoveredModels
from waypost.stores.sql.keys import NewKey, SqlKeys
from waypost.stores.sql.replays import ReplayRows, SqlReplays
from waypost.stores.sql.responses import ResponseRows, SqlResponses
from waypost.stores.valkey.shared_limits import SharedLimits
from waypost.telemetry.logs import Log
from waypost.telemetry.metrics import Metrics
from waypost.upstream.client import HttpUpstream
from waypost.upstream.sockets import SocketUpstream


class Options(msgspec.Struct, frozen=True):
    """What `waypost serve` was asked for; None takes what the configuration says."""

    data: Path
    config: Path | None = None
    host: str | None = None
    port: int | None = None
    drain_delay_s: float = 0.0
    environ: Mapping[str, str] = msgspec.field(default_factory=lambda: dict(os.environ))


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
        )
        if (form := config.config.log.format) != "auto":
            log.plain = form == "text"
        lock = take_lock(options.data)
        stack.callback(lock.give_back)
        books = open_books(options.data, options.environ, config.config.ledger.durability, clock, log, stack)
        await _Gateway(options, announce, clock, log, config, lock, books, stack, stream).run()


def _settle_garbage() -> None:
    """What lives as long as the process is never looked at again, and the collector runs seldom: a request makes
    hardly any cycles, and looking for them cost 3 % of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


class _Gateway:
    """Wires the parts around one data folder and runs them."""

    def __init__(
        self,
        options: Options,
        announce: Announce,
        clock: SystemClock,
        log: Log,
        config: LiveConfig,
        lock: FolderLock,
        books: Books,
        stack: AsyncExitStack,
        stream: TextIO,
    ) -> None:
        self._stream = stream
        self._options = options
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
        self._limits = self._count_limits()
        self._lock = lock
        self._stack = stack
        self._new_id = exchange_ids(clock.wall, os.urandom)
        #: For the command line of this machine: in the lock's file, and nowhere else.
        self._token = f"wp-control-{secrets.token_urlsafe(32)}"

    async def run(self) -> None:
        stack, books, config = self._stack, self._books, self._config
        stack.push_async_callback(self._close_ledger)
        self._shared_books = SharedBooks(
            books.database,
            books.ledger,
            self._log,
            *(() if books.node_lock is None else (books.node_lock.check,)),
        )
        keys = SqlKeys(books.keys)
        stack.callback(keys.close)
        kept = ResponseRows(books.database)
        await asyncio.to_thread(end_lost, kept)
        responses = SqlResponses(kept)
        stack.callback(responses.close)
        upstream, sockets = self._clients()
        listening = self._listening()
        finder = Finder(self._options.environ, self._options.data, upstream, self._log)
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
            self._token,
            Seals(root_keys(self._options.data, self._options.environ), os.urandom),
            self._directory,
            books.ledger.purse,
            lambda: config.config.credits,
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
            auditing=self._auditing,
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
            self._lock.announce(port, self._token, reachable(host))
            background.start()
            _settle_garbage()
            self._tell(host, port, found)

        await serve_edge(edge, listening, on_started=started, on_reload=hung_up)

    def _count_limits(self) -> Limits | SharedLimits:
        """In this process; together with others where they know of the same limits."""
        limits = Limits()
        if not self._books.database.node:
            return limits
        sharing = self._steering.sharing
        draw = random.SystemRandom().random
        sharing.limits = SharedLimits(limits, self._nodes, secrets.token_hex(8), self._log, draw)
        return sharing.limits

    def _nodes(self) -> float:
        return self._shared_books.gauges()["waypost_nodes"]

    def _listening(self) -> Listening:
        server, options = self._config.config.server, self._options
        return Listening(
            host=options.host or server.host,
            port=server.port if options.port is None else options.port,
            drain_delay_s=options.drain_delay_s,
        )

    def _clients(self) -> tuple[HttpUpstream, SocketUpstream]:
        loop = asyncio.get_running_loop()
        upstream, sockets = HttpUpstream(loop), SocketUpstream(loop)
        self._stack.push_async_callback(upstream.aclose)
        self._stack.push_async_callback(sockets.aclose)
        return upstream, sockets

    def _edge(
        self,
        keys: SqlKeys,
        upstream: HttpUpstream,
        sockets: SocketUpstream,
        responses: SqlResponses,
    ) -> Edge:
        clock, config, ledger, steering = self._clock, self._config, self._books.ledger, self._steering
        authenticate = Authenticate(keys, clock, self._directory)
        gate = AppGate(config, ledger)
        load = start_load(
            clock, config.snapshot, self._steering, lambda: pipeline.under_way(), lambda: edge.active
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
        drills, replays, counter = Drills(clock, parts["random"]), self._replays(), CountingProcess(self._log)
        pipeline = Pipeline(**parts, responses=responses, replays=replays, drills=drills, counter=counter)
        self._stack.push_async_callback(counter.close)
        sessions = Sessions(**parts, sockets=sockets)
        self._stack.push_async_callback(pipeline.stop)
        self._probes = compose_probes(pipeline, parts, steering.board, self._new_id)
        listing = ModelsList()
        books, data = self._books, self._options.data
        desk, rehearsals = desk_of(parts, steering, drills, books.keys, books.database, data, self._token)
        self._stack.push_async_callback(rehearsals.close)

        async def models(presented: bytes | None, gemini: bool) -> bytes:
            standing = self._directory.standing(await authenticate.key_of(presented))
            return listing.render(config.snapshot(), standing, clock.wall(), gemini=gemini)

        edge = Edge(
            pipeline=pipeline,
            dialects=DIALECTS.values(),
            gate=gate,
            models=models,
            shelf=KeptAnswers(responses, authenticate, clock, pipeline),
            sessions=sessions,
            desk=desk,
            metrics=metrics.render,
            storeroom=self._store(authenticate, pipeline),
            control=self._control,
            new_id=self._new_id,
            clock=clock,
            log=self._log,
            version=__version__,
            load=load.gauge,
        )
        return edge

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
        )

    def _store(self, authenticate: Authenticate, pipeline: Pipeline) -> Storage:
        books, config = self._books, self._config
        self._storage = Storage(
            StorageParts(self._options.data, books.database, books.keys, authenticate, pipeline.run,
                         lambda: config.snapshot().settings, self._clock, self._log, os.urandom, self._new_id)
        )  # fmt: skip
        self._storage.prepare()
        self._stack.push_async_callback(self._storage.stop)
        return self._storage

    def _replays(self) -> SqlReplays:
        replays = SqlReplays(ReplayRows(self._books.database))
        self._stack.callback(replays.close)
        return replays

    def _tell(self, host: str, port: int, found: Found) -> None:
        host = reachable(host)
        shown = f"[{host}]" if ":" in host else host
        snapshot = self._config.snapshot()
        books = self._books
        known, new_key = books.keys.list(), None
        if not known:
            # Only now that the gateway listens: a start that fails must not use up the one time a key is shown.
            issued, key = books.keys.create(NewKey(name="first"), self._clock.wall(), os.urandom)
            known, new_key = [key], issued.text
        self._announce(
            Started(
                url=f"http://{shown}:{port}",
                new_key=new_key,
                key_count=len(known),
                found=found,
                models=len(snapshot.routes),
                recovered=books.recovered,
                example=example_of(snapshot),
            )
        )

    async def _close_ledger(self) -> None:
        left = await self._books.ledger.stop()
        await self._shared_books.end(left)
        if left:
            self._log.warning("settled requests are left for the next start to post", records=left)
