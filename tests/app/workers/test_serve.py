"""What keeps all workers from starting, before any is forked. Real ones are in tests/process/test_workers.py."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from waypost.app.options import Options
from waypost.app.workers.serve import serve_workers
from waypost.errors import ConfigError, ConfigInvalid
from waypost.stores.lock import read_running, take_lock


def never(*_: object) -> int:
    raise AssertionError("nothing is started")


def refused(options: Options) -> None:
    announce: Callable[[object], None] = never  # type: ignore[assignment]
    with pytest.raises(ConfigError):
        serve_workers(options, 2, announce, never, io.StringIO())
    assert read_running(options.data) is None


def test_a_faulty_configuration(tmp_path: Path) -> None:
    config = tmp_path / "waypost.yaml"
    config.write_text("providers: 5\n")
    with pytest.raises(ConfigInvalid):
        serve_workers(Options(tmp_path / "data", config), 2, never, never, io.StringIO())  # type: ignore[arg-type]
    assert not (tmp_path / "data").exists()


def test_another_gateway_on_the_folder(tmp_path: Path) -> None:
    lock = take_lock(tmp_path)
    with pytest.raises(ConfigError, match="Another gateway"):
        serve_workers(Options(tmp_path, port=0), 2, never, never, io.StringIO())  # type: ignore[arg-type]
    lock.give_back()


def test_an_address_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused(Options(tmp_path, port=taken.getsockname()[1]))


def test_a_database_that_can_not_be_opened(tmp_path: Path) -> None:
    refused(Options(tmp_path, port=0, environ={"WAYPOST_DATABASE_URL": "mysql://x"}))
