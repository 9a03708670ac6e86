"""The process that starts workers, passes on what it is told, and starts those again that die.

It has no event loop and no threads, so that a worker can be forked from it at any time: what it has imported is in
memory once for all of them. Workers take their orders from it alone; of signals they take SIGTERM only, as "drain".
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, NoReturn

import msgspec

from waypost.app.workers.crew import Action, Crew, Note, Order, Start, What
from waypost.app.workers.part import LEAVING, NOW, READY, RELOAD, STOP, TELL, cover
from waypost.telemetry.logs import Log

_BYTES: Final[dict[What, bytes]] = {"tell": TELL, "reload": RELOAD, "stop": STOP, "now": NOW}
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Child(msgspec.Struct):
    """A running worker."""

    pid: int
    link: socket.socket


Become = Callable[[int, socket.socket], int]
"""Be this worker, with this end of the link. In the forked process; returns the exit status."""


class Supervisor:
    """Runs on the main thread until every worker has ended."""

    def __init__(
        self,
        crew: Crew,
        become: Become,
        log: Log,
        *,
        complete: Callable[[], None] = lambda: None,
        stopping: Callable[[], None] = lambda: None,
        hung_up: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`complete`: called when all workers serve for the first time; `stopping`: when they begin to end. `hung_up`:
        whether a SIGHUP means that the terminal is gone."""
        self._crew = crew
        self._become = become
        self._log = log
        self._complete = complete
        self._stopping = stopping
        self._hung_up = hung_up
        self._monotonic = monotonic
        self._children: dict[int, Child] = {}
        self._selector = selectors.DefaultSelector()
        self._told, self._wake = socket.socketpair()
        self._stops = False

    def run(self) -> int:
        """Start them, and watch. Returns the exit status: 0 after a stop that was asked for and went well."""
        before = self._take_signals()
        self._selector.register(self._told, selectors.EVENT_READ)
        try:
            self._do(self._crew.begin())
            while not self._crew.over:
                self._turn()
        finally:
            self._give_signals_back(before)
            self._close()
        return self._crew.status

    def _turn(self) -> None:
        due = self._crew.next_due
        wait_s = None if due is None else max(0.0, due - self._monotonic())
        for key, _ in self._selector.select(wait_s):
            if key.fileobj is self._told:
                self._hear_signals()
            else:
                self._hear(key.data)
        self._do(self._crew.due(self._monotonic()))

    def _hear_signals(self) -> None:
        for number in self._told.recv(64):
            if number == signal.SIGHUP and not self._hung_up():
                self._do(self._crew.reload())
            elif number in _SIGNALS:
                self._do(self._crew.stop())

    def _hear(self, worker: int) -> None:
        child = self._children.get(worker)
        if child is None:
            return
        try:
            said = child.link.recv(64)
        except OSError:
            said = b""
        if READY in said:
            complete = self._crew.complete
            actions = self._crew.ready(worker, self._monotonic())
            if self._crew.complete and not complete:
                self._complete()
            self._do(actions)
        if LEAVING in said:
            self._do(self._crew.leaving(worker))
        if not said:
            self._ended(worker, child)

    def _ended(self, worker: int, child: Child) -> None:
        """Its end of the link is closed: it has ended, or is about to."""
        self._selector.unregister(child.link)
        child.link.close()
        del self._children[worker]
        _, status = os.waitpid(child.pid, 0)
        self._do(self._crew.ended(worker, os.waitstatus_to_exitcode(status), self._monotonic()))

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Start):
                self._start(action.worker)
            elif isinstance(action, Order):
                self._order(action)
            else:
                self._note(action)

    def _note(self, note: Note) -> None:
        how = {"signal": -note.status} if note.status < 0 else {"status": note.status}
        tell = self._log.error if note.status else self._log.warning
        tell(note.text, worker=note.worker, again_in_s=note.again_in_s, **how)

    def _order(self, order: Order) -> None:
        if order.what in ("stop", "now", "kill") and not self._stops:
            self._stops = True
            self._stopping()
        child = self._children.get(order.worker)
        if child is None:
            return
        if order.what == "kill":
            os.kill(child.pid, signal.SIGKILL)  # not waited for yet, so it is still that process
            return
        with suppress(OSError):  # it has just ended, which is heard of
            child.link.send(_rendered(order))

    def _start(self, worker: int) -> None:
        ours, theirs = socket.socketpair()
        # Until it is nobody's copy any more, a signal to the new process would be told to this one.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._leave(worker, theirs, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        ours.setblocking(False)
        self._children[worker] = Child(pid, ours)
        self._selector.register(ours, selectors.EVENT_READ, worker)

    def _leave(self, worker: int, link: socket.socket, mask: Iterable[int]) -> NoReturn:
        """In the forked process: let go of what is the supervisor's, be the worker, and end without running anything
        that the supervisor has still to do."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            for number in (signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            self._close()
            status = self._become(worker, link)
        finally:
            os._exit(status)

    def _close(self) -> None:
        for child in self._children.values():
            child.link.close()
        self._selector.close()
        self._told.close()
        self._wake.close()

    def _take_signals(self) -> dict[signal.Signals, object]:
        for end in (self._told, self._wake):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno())
        return {number: signal.signal(number, _noted) for number in _SIGNALS}

    def _give_signals_back(self, before: dict[signal.Signals, object]) -> None:
        signal.set_wakeup_fd(-1)
        for number, call in before.items():
            signal.signal(number, call)  # type: ignore[arg-type] # what `signal` returned


def _rendered(order: Order) -> bytes:
    return cover(order.about, order.what == "cover") if order.about else _BYTES[order.what]


def _noted(*_: object) -> None:
    """A signal is in the wake-up socket, and is taken from there."""
