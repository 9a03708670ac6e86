"""`waypost serve --workers N`: what is made once for all workers, and each worker from its fork to its end."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import msgspec

from waypost.app.clock import SystemClock
from waypost.app.gateway import run_gateway
from waypost.app.live_config import LiveConfig
from waypost.app.memory import settle_garbage
from waypost.app.options import Options
from waypost.app.prices import free_tariff
from waypost.app.started import Announce, reachable
from waypost.app.workers.crew import Crew
from waypost.app.workers.part import Part
from waypost.app.workers.supervisor import Supervisor
from waypost.catalog.catalog import load as load_catalog
from waypost.config.schema import Config
from waypost.edge.listen import address_of, bind_groups
from waypost.edge.server import loop_factory
from waypost.errors import GatewayError
from waypost.stores.lock import take_lock
from waypost.stores.seat import Seat
from waypost.stores.sql.opening import open_database
from waypost.telemetry.logs import Log

EndBy = Callable[[GatewayError], int]
"""Tells a person of an error; the exit status that stands for it."""


def serve_workers(
    options: Options, count: int, announce: Announce, end_by: EndBy, stream: TextIO = sys.stderr
) -> int:
    """Serve with so many workers until a signal; returns the exit status. Raises GatewayError for what keeps all of
    them from starting."""
    log = Log(stream, SystemClock.wall, plain=stream.isatty())
    config = _config(options, log)
    with ExitStack() as stack:
        lock = take_lock(options.data)
        stack.callback(lock.give_back)
        listeners = _bound(options, config, count, stack)
        host, port = address_of(listeners[1][0])
        _prepare(options, config, count)
        room = Path(tempfile.mkdtemp(prefix="waypost-"))
        stack.callback(shutil.rmtree, room, ignore_errors=True)
        token = f"wp-control-{secrets.token_urlsafe(32)}"

        def become(worker: int, link: socket.socket) -> int:
            part = Part(worker, count, listeners, link, token, room)
            return _work(msgspec.structs.replace(options, part=part), announce, end_by, stream)

        def closed() -> None:
            # So the address is free as soon as the last worker has closed it.
            for sockets in listeners.values():
                for each in sockets:
                    each.close()

        on_terminal = stream.isatty()
        crew = Crew(count)
        supervisor = Supervisor(
            crew,
            become,
            log,
            complete=lambda: lock.announce(port, token, reachable(host)),
            stopping=closed,
            hung_up=lambda: on_terminal and not stream.isatty(),
        )
        settle_garbage()  # what is imported by now stays in memory that all workers share
        status = supervisor.run()
        if crew.failure is not None:
            log.error("the gateway ends", why=crew.failure)
        return status


def _config(options: Options, log: Log) -> Config:
    """Read once before anything is started: what is wrong with it is said once."""
    config = LiveConfig(options.config, options.environ, load_catalog(), free_tariff(), log).config
    if (form := config.log.format) != "auto":
        log.plain = form == "text"
    return config


def _bound(
    options: Options, config: Config, count: int, stack: ExitStack
) -> Mapping[int, Sequence[socket.socket]]:
    port = config.server.port if options.port is None else options.port
    groups = bind_groups(options.host or config.server.host, port, count)
    for each in (each for group in groups for each in group):
        stack.callback(each.close)
    return dict(enumerate(groups, 1))


def _prepare(options: Options, config: Config, count: int) -> None:
    """Folders, and the tables of the database."""
    for worker in range(1, count + 1):
        Seat(options.data, worker).prepare()
    database = open_database(options.data, options.environ, durability=config.ledger.durability, worker=1)
    assert database is not None  # noqa: S101 - it makes one
    database.close()


def _work(options: Options, announce: Announce, end_by: EndBy, stream: TextIO) -> int:
    """Be a worker, in its own process."""
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(run_gateway(options, announce, stream))
    except GatewayError as error:
        return end_by(error)
    except Exception:  # noqa: BLE001 - the last frame of this process
        traceback.print_exc(file=stream)
        return 1
    finally:
        for each in (sys.stdout, stream):
            each.flush()
    return 0
