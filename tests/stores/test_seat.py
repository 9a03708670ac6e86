from __future__ import annotations

from pathlib import Path

import pytest

from waypost.errors import StoreUnavailable
from waypost.stores.seat import MOST, Seat, vacant


@pytest.mark.parametrize("worker", [0, 1])
def test_alone_and_as_the_first_the_folder_is_its_own(worker: int) -> None:
    seat = Seat(Path("data"), worker)
    assert (seat.leads, seat.folder, seat.node("abc")) == (True, Path("data"), "abc")


def test_each_other_worker_has_a_folder_and_a_name(tmp_path: Path) -> None:
    seat = Seat(tmp_path, 3)
    seat.prepare()
    seat.prepare()
    assert (seat.leads, seat.folder, seat.node("abc")) == (False, tmp_path / "workers/3", "abc-3")
    assert seat.folder.stat().st_mode & 0o77 == 0
    assert len(seat.node("0" * 12) + "0") <= 16, "the column of nodes"
    assert len(Seat(tmp_path, MOST).node("0" * 12)) <= 16


def test_seats_of_former_workers(tmp_path: Path) -> None:
    assert vacant(tmp_path, 1) == []
    for worker in (2, 3, 10):
        Seat(tmp_path, worker).prepare()
    (tmp_path / "workers/other").mkdir()
    assert vacant(tmp_path, 2) == [Seat(tmp_path, 3), Seat(tmp_path, 10)]
    assert len(vacant(tmp_path, 0)) == 3


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "workers").write_text("")
    with pytest.raises(StoreUnavailable, match="can not be made"):
        Seat(tmp_path, 2).prepare()
