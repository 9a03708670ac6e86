from __future__ import annotations

from pathlib import Path

import pytest

from waypost.errors import ConfigError, StoreUnavailable
from waypost.stores.lock import take_lock
from waypost.stores.seat import Seat
from waypost.stores.stopped import StoppedFolder
from waypost.stores.writer_process import take_writer_lock


def test_nobody_serves_from_it_meanwhile(tmp_path: Path) -> None:
    stopped = StoppedFolder(tmp_path)
    with pytest.raises(ConfigError):
        take_lock(tmp_path)
    with pytest.raises(StoreUnavailable):
        take_writer_lock(tmp_path, 0.0)
    stopped.close()
    stopped.close()
    take_lock(tmp_path).give_back()


def test_who_serves_from_it_keeps_it(tmp_path: Path) -> None:
    gateway = take_lock(tmp_path)
    with pytest.raises(ConfigError, match="Another gateway"):
        StoppedFolder(tmp_path)
    gateway.give_back()
    writer = take_writer_lock(tmp_path)
    with pytest.raises(StoreUnavailable):
        StoppedFolder(tmp_path, 0.0)
    writer.let_go()
    StoppedFolder(tmp_path).close()


def test_a_worker_that_still_posts_is_waited_for(tmp_path: Path) -> None:
    seat = Seat(tmp_path, 2)
    seat.prepare()
    writer = take_writer_lock(seat.folder)
    with pytest.raises(StoreUnavailable):
        StoppedFolder(tmp_path, 0.0)
    writer.let_go()
    StoppedFolder(tmp_path).close()
