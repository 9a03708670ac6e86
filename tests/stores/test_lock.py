import os
import subprocess
import sys

import pytest

from waypost.errors import ConfigError
from waypost.stores.lock import Running, read_running, take_lock


def test_a_second_gateway_is_refused_and_told_who_has_the_folder(tmp_path):
    lock = take_lock(tmp_path)
    lock.announce(4100)

    with pytest.raises(ConfigError, match=f"process {os.getpid()}.*--data"):
        take_lock(tmp_path)
    assert read_running(tmp_path) == Running(os.getpid(), 4100)
    lock.give_back()
    lock.give_back()
    assert read_running(tmp_path) is None
    take_lock(tmp_path).give_back()


def test_a_token_is_for_who_may_read_the_file_and_is_not_shown(tmp_path):
    (tmp_path / "waypost.lock").touch(mode=0o644)
    lock = take_lock(tmp_path)
    lock.announce(4100, "wp-control-secret", "10.0.0.5")

    running = read_running(tmp_path)
    assert (running.token, running.host) == ("wp-control-secret", "10.0.0.5")
    assert "secret" not in f"{running!r} {running}"
    assert (tmp_path / "waypost.lock").stat().st_mode & 0o777 == 0o600
    lock.give_back()
    assert (tmp_path / "waypost.lock").read_bytes() == b"", "nothing is left of it"


def test_what_an_older_gateway_announced_is_read(tmp_path):
    lock = take_lock(tmp_path)
    (tmp_path / "waypost.lock").write_text('{"pid":7,"port":4100}')

    assert read_running(tmp_path) == Running(7, 4100)
    lock.give_back()


def test_the_folder_is_made_for_the_owner_only(tmp_path):
    take_lock(tmp_path / "data").give_back()

    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "data" / "waypost.lock").stat().st_mode & 0o777 == 0o600


def test_nobody_runs_in_a_folder_that_does_not_exist(tmp_path):
    assert read_running(tmp_path / "none") is None


def test_a_folder_that_can_not_be_used_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match="can not be used"):
        take_lock(tmp_path / "file")


def test_a_killed_gateway_leaves_no_lock(tmp_path):
    code = (
        "import sys, pathlib\nfrom waypost.stores.lock import take_lock\n"
        "lock = take_lock(pathlib.Path(sys.argv[1]))\nlock.announce(1)\nprint('held', flush=True)\nsys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout.readline() == b"held\n"
    assert read_running(tmp_path) == Running(child.pid, 1)
    child.kill()
    child.communicate()

    assert read_running(tmp_path) is None
    take_lock(tmp_path).give_back()
