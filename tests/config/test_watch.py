from __future__ import annotations

import os
from pathlib import Path

from waypost.config.watch import FileStamp, Watch


def test_a_change_is_seen_once(tmp_path: Path) -> None:
    file = tmp_path / "waypost.yaml"
    file.write_text("a")
    watch = Watch(file)
    assert not watch.changed()
    file.write_text("longer")
    assert watch.changed()
    assert not watch.changed()


def test_a_replaced_file_of_the_same_size_and_time_is_another_one(tmp_path: Path) -> None:
    file, other = tmp_path / "waypost.yaml", tmp_path / "new"
    file.write_text("a")
    other.write_text("b")
    os.utime(other, ns=(os.stat(file).st_atime_ns, os.stat(file).st_mtime_ns))
    watch = Watch(file)
    other.replace(file)
    assert watch.changed()


def test_a_file_that_vanishes_counts_when_it_returns(tmp_path: Path) -> None:
    file = tmp_path / "waypost.yaml"
    file.write_text("a")
    watch = Watch(file)
    file.unlink()
    assert FileStamp.of(file) is None
    assert not watch.changed()
    file.write_text("bb")
    assert watch.changed()
