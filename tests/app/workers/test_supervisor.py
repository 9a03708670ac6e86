"""A supervisor over real processes, which do what a script says."""

from __future__ import annotations

import io
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from waypost.app.workers.crew import Crew
from waypost.app.workers.part import NOW, READY, RELOAD, STOP, TELL
from waypost.app.workers.supervisor import Supervisor
from waypost.telemetry.logs import Log

pytestmark = [pytest.mark.process, pytest.mark.timeout(60)]


def supervised(
    become: Callable[[int, socket.socket], int], complete: Callable[[], None] = lambda: None
) -> tuple[int, str, Crew]:
    told, crew = io.StringIO(), Crew(2)
    status = Supervisor(crew, become, Log(told, lambda: 0.0, plain=True), complete=complete).run()
    return status, told.getvalue(), crew


def obey(link: socket.socket) -> int:
    """Serve until told to stop. The exit status says what was heard before."""
    link.send(READY)
    heard = b""
    while STOP not in heard:
        heard += link.recv(64)
    return 0 if heard.replace(TELL, b"") == RELOAD + STOP else 9


def test_signals_reach_all_workers_as_orders() -> None:
    def signalled() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)

    status, told, crew = supervised(lambda _, link: obey(link), signalled)
    assert (status, told, crew.complete) == (0, "", True)


def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    died = tmp_path / "died"

    def become(worker: int, link: socket.socket) -> int:
        link.send(READY)
        if worker == 2 and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if worker == 2:
            os.kill(os.getppid(), signal.SIGTERM)
        while STOP not in link.recv(64):
            pass
        return 0

    status, told, _ = supervised(become)
    assert status == 0
    assert "a worker ended by itself and is started again" in told
    assert "signal=9" in told


def test_a_status_is_passed_on_when_the_first_can_not_start() -> None:
    status, _, crew = supervised(lambda *_: 3)
    assert (status, crew.failure) == (3, "Worker 1 could not be started.")


def test_a_second_signal_is_now_and_a_third_is_by_force() -> None:
    def stubborn(worker: int, link: socket.socket) -> int:
        link.send(READY)
        heard = b""
        while NOW not in heard:
            heard += link.recv(64)
            if STOP in heard and NOW not in heard and worker == 1:
                os.kill(os.getppid(), signal.SIGTERM)
        if worker == 1:
            return 0
        os.kill(os.getppid(), signal.SIGTERM)
        while True:
            signal.pause()

    status, _, _ = supervised(stubborn, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert status == 1, "one had to be killed"


def test_signal_handlers_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    supervised(lambda *_: 1)
    assert signal.getsignal(signal.SIGTERM) == before
