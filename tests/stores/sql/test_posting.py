"""The writer as a process: how it is ended, how it is not, and what it says when it fails."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.books import FakeClock, exchange
from waypost.ledger.intents import Intents
from waypost.ledger.messages import Applied, Ended, FromWriter, Hurry, from_writer, render
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.journal import SqliteJournal
from waypost.stores.sql.posting import Courtesy
from waypost.stores.sql.schema import prepare
from waypost.stores.writer_process import WriterLauncher, read_writer, take_writer_lock

A = ("key:k1:total",)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    database = open_sqlite(tmp_path)
    prepare(database)
    database.close()
    (tmp_path / "intents").mkdir()
    return tmp_path


class Started:
    """A writer process and the gateway's end of its link."""

    def __init__(self, data: Path) -> None:
        self.link, theirs = socket.socketpair()
        self.link.settimeout(20)
        self.writer = WriterLauncher(data, take_writer_lock(data), fsync=False, delay_s=0.0)(theirs)
        theirs.close()
        self._frames = from_writer()

    def hear(self) -> list[FromWriter]:
        """What it says next; empty when it has ended."""
        while data := self.link.recv(65_536):
            if found := self._frames.feed(data):
                return found
        return []

    def until_handled(self, count: int) -> None:
        while True:
            said = self.hear()
            assert said, "it ended"
            if any(isinstance(each, Applied) and each.handled == count for each in said):
                return


def posted(data: Path) -> dict[str, int]:
    journal = SqliteJournal(data)
    try:
        return journal.posted(A)
    finally:
        journal.close()


def test_signals_that_mean_the_gateway_do_not_end_it(data):
    started = Started(data)
    assert started.hear()
    pid = read_writer(data)
    assert pid is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
    intents = Intents(data / "intents", 1, clock=FakeClock())
    intents.settled(exchange(1, 5, A))
    started.link.sendall(render(Hurry()))
    started.until_handled(1)
    started.link.close()
    assert started.writer.wait(20)
    assert posted(data) == {A[0]: 5}
    intents.close()


def test_it_is_small(data):
    started = Started(data)
    assert started.hear()
    status = Path(f"/proc/{read_writer(data)}/status").read_text()
    kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    assert kib < 22_000, "it does without SQLAlchemy and asyncio"
    started.link.close()
    assert started.writer.wait(20)


def test_what_it_can_not_foresee_is_told_before_it_ends(data):
    (data / "waypost.db").unlink()
    started = Started(data)
    said = [message for messages in iter(started.hear, []) for message in messages]
    assert [type(message) for message in said] == [Ended]
    assert "StoreUnavailable" in said[0].reason
    assert started.writer.wait(20)
    started.link.close()


def test_it_needs_neither_sqlalchemy_nor_asyncio():
    code = (
        "import sys, waypost.stores.sql.posting;"
        "print([name for name in ('sqlalchemy', 'asyncio', 'uvloop', 'alembic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.process
def test_it_posts_the_rest_after_its_gateway_was_killed(data):
    """A process with a writer of its own settles as fast as it can and is killed; the writer drains and goes."""
    here = Path(__file__).parents[2]
    child = subprocess.Popen(
        [sys.executable, str(here / "ledger" / "crash_child.py"), str(data), "0"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{here.parent / 'src'}:{here}"},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    for _ in range(2000):
        child.stdout.readline()
    child.kill()
    told, _ = child.communicate()
    count = 2000 + told.count(b"\n")
    take_writer_lock(data, 20.0).let_go()

    database = open_sqlite(data)
    with database.read() as connection:
        (lines,) = connection.exec_driver_sql("SELECT count(*) FROM lines").one()
    database.close()
    assert lines >= count, "before any recovery"


def test_the_processor_is_given_away_only_while_the_writer_keeps_up() -> None:
    given: list[str] = []
    courtesy = Courtesy(lambda: given.append("away"))
    courtesy()
    courtesy.behind(True)
    courtesy()
    assert given == ["away"]
    courtesy.behind(False)
    courtesy()
    assert given == ["away"] * 2
