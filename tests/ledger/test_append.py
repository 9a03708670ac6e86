from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from waypost.ledger.append import keeping_write


def test_it_writes_what_os_write_writes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write = keeping_write()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for data in (b"one\n", b"", b"with \x00 inside\n", b"x" * 100_000):
        assert write(fd, data) == len(data)
    os.close(fd)
    assert path.read_bytes() == b"one\nwith \x00 inside\n" + b"x" * 100_000


def test_a_refusal_is_an_os_error_with_its_number() -> None:
    with pytest.raises(OSError, match="Bad file descriptor") as refused:
        keeping_write()(-1, b"x")
    assert refused.value.errno == errno.EBADF


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_told() -> None:
    fd = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(OSError) as refused:
        keeping_write()(fd, b"x")
    os.close(fd)
    assert refused.value.errno == errno.ENOSPC
