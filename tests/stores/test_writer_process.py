import os
import socket
import threading
from pathlib import Path

import pytest

from waypost.errors import StoreUnavailable
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.schema import prepare
from waypost.stores.writer_process import WriterLauncher, read_writer, take_writer_lock


@pytest.fixture
def data(tmp_path: Path) -> Path:
    database = open_sqlite(tmp_path)
    prepare(database)
    database.close()
    (tmp_path / "intents").mkdir()
    return tmp_path


def test_two_writers_are_never_on_one_folder(tmp_path):
    lock = take_writer_lock(tmp_path)
    lock.announce(4711)
    assert read_writer(tmp_path) == 4711
    with pytest.raises(StoreUnavailable, match="process 4711"):
        take_writer_lock(tmp_path, 0.0)
    lock.let_go()
    lock.let_go()
    assert read_writer(tmp_path) is None
    take_writer_lock(tmp_path, 0.0).let_go()


def test_who_starts_waits_until_the_writer_before_has_ended(tmp_path):
    first = take_writer_lock(tmp_path)
    threading.Timer(0.05, first.let_go).start()
    take_writer_lock(tmp_path, 10.0).let_go()


def test_nobody_writes_where_there_was_never_a_writer(tmp_path):
    assert read_writer(tmp_path) is None
    (tmp_path / "writer.lock").write_text("nonsense")
    assert read_writer(tmp_path) is None


def test_a_writer_takes_the_lock_over_and_ends_with_its_link(data):
    launch = WriterLauncher(data, take_writer_lock(data), fsync=False)
    ours, theirs = socket.socketpair()
    writer = launch(theirs)
    theirs.close()
    pid = read_writer(data)
    assert pid is not None
    assert not writer.wait(0.0)
    with pytest.raises(StoreUnavailable):
        take_writer_lock(data, 0.0)
    ours.close()
    assert writer.wait(10.0)
    take_writer_lock(data, 0.0).let_go()


def test_another_can_be_started_once_the_first_is_dead(data):
    launch = WriterLauncher(data, take_writer_lock(data), fsync=False)
    ours, theirs = socket.socketpair()
    first = launch(theirs)
    with pytest.raises(StoreUnavailable):
        launch(theirs)
    first.kill()
    assert first.wait(10.0)
    second = launch(theirs)
    theirs.close()
    ours.close()
    assert second.wait(10.0)


def test_a_provider_key_in_the_environment_is_not_handed_on(data, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    ours, theirs = socket.socketpair()
    writer = WriterLauncher(data, take_writer_lock(data), fsync=False)(theirs)
    theirs.close()
    assert ours.recv(1)  # it runs: until then the system may still be making its memory
    environ = Path(f"/proc/{read_writer(data)}/environ").read_bytes()
    assert b"sk-secret" not in environ
    assert os.fsencode(f"PATH={os.environ['PATH']}") in environ
    ours.close()
    assert writer.wait(10.0)
