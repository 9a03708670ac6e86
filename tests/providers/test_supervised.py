"""The supervisor, with stand-ins for the model server."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from waypost.errors import OperatorError
from waypost.providers.supervised import LocalModel

#: Writes its port (the one given, or 4711) and waits for its input to close.
GOOD = """
import argparse, os, pathlib
p = argparse.ArgumentParser(); p.add_argument("--port-file"); p.add_argument("--port", default="4711")
o = p.parse_args()
part = pathlib.Path(o.port_file + ".partial"); part.write_text(o.port); part.replace(o.port_file)
while os.read(0, 1): pass
"""
#: Never ready, but it ends when asked.
SILENT = "import os\nwhile os.read(0, 1): pass"
#: Ready, and deaf to the end of its input.
DEAF = GOOD.replace("while os.read(0, 1): pass", "import time; time.sleep(60)")
#: Ready once; every later start ends at once.
ONCE = 'import sys\nif "--port" in sys.argv: sys.exit(1)\n' + GOOD

pytestmark = pytest.mark.process


def supervised(folder: Path, script: str, **options: object) -> LocalModel:
    settings = {"ready_s": 20.0, "pauses_s": (0.0, 0.0, 0.0), **options}
    return LocalModel(folder, command=(sys.executable, "-c", script), **settings)  # type: ignore[arg-type]  # values above


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.01)


async def test_it_starts_and_stops_and_leaves_nothing(tmp_path: Path) -> None:
    model = supervised(tmp_path, GOOD)
    assert model.problem == "it was not started"
    assert await model.start() == 4711
    pid = model.pid
    assert pid is not None
    assert exists(pid)
    assert model.problem is None
    await model.stop()
    await model.stop()
    assert not exists(pid)
    assert model.problem == "it was stopped"
    assert os.listdir(tmp_path) == []


async def test_it_is_started_again_on_the_same_port(tmp_path: Path) -> None:
    model = supervised(tmp_path, GOOD)
    await model.start()
    first = model.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(lambda: model.restarts == 1)
    assert model.problem is None
    assert model.pid != first
    assert (tmp_path / "local-model.port").read_text() == "4711"
    await model.stop()


async def test_it_is_given_up_after_the_last_pause(tmp_path: Path) -> None:
    model = supervised(tmp_path, ONCE)
    await model.start()
    assert model.pid is not None
    os.kill(model.pid, signal.SIGKILL)
    await until(lambda: "too often" in str(model.problem))
    assert model.restarts == 0
    await model.stop()


async def test_a_stop_while_it_is_being_restarted_leaves_nothing(tmp_path: Path) -> None:
    model = supervised(
        tmp_path, GOOD.replace("o = ", "import sys, time\nif '--port' in sys.argv: time.sleep(60)\no = ")
    )
    await model.start()
    first = model.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(lambda: model.pid not in (None, first))
    second = model.pid
    assert second is not None
    await model.stop()
    assert not exists(second)


async def test_one_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    model = supervised(tmp_path, SILENT, ready_s=0.3)
    with pytest.raises(OperatorError, match="not ready within"):
        await model.start()
    assert model.pid is None


async def test_one_that_ends_while_starting_is_reported(tmp_path: Path) -> None:
    model = supervised(tmp_path, "raise SystemExit(3)")
    with pytest.raises(OperatorError, match="ended while it was starting"):
        await model.start()


async def test_a_command_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    model = LocalModel(tmp_path, command=(str(tmp_path / "no-such-program"),))
    with pytest.raises(OperatorError, match="could not be made"):
        await model.start()


async def test_a_deaf_one_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waypost.providers.supervised.STOP_S", 0.1)
    model = supervised(tmp_path, DEAF)
    await model.start()
    pid = model.pid
    assert pid is not None
    await model.stop()
    assert not exists(pid)


async def test_a_port_is_tried_first_and_told_to_others(tmp_path: Path) -> None:
    model = supervised(tmp_path, GOOD)
    with pytest.raises(OperatorError):
        model.read_port()
    assert await model.start(4712) == 4712
    assert supervised(tmp_path, GOOD).read_port() == 4712
    await model.stop()


async def test_a_port_that_does_not_work_is_not_insisted_on(tmp_path: Path) -> None:
    model = supervised(tmp_path, ONCE)
    assert await model.start(4712) == 4711
    await model.stop()
