from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from cli.command_line import documents, run
from waypost.cli.exits import Exit

RECORDED = Path(__file__).parent.parent / "golden" / "recorded"
CODE = "from waypost.cli.entry import run; run()"


@pytest.mark.parametrize("words", [(), ("--provider", "openai", "--check", "x"), ("--provider", "opnai")])
def test_wrong_usage(words: tuple[str, ...]) -> None:
    done = run("record", *words)
    assert done.exit_code == Exit.USAGE
    assert "--check" in done.stderr or "openai" in done.stderr


def test_a_provider_without_a_key_says_where_it_is_looked_for() -> None:
    done = run("record", "--provider", "anthropic")
    assert (done.exit_code, "ANTHROPIC_API_KEY" in done.stderr) == (Exit.REFUSED, True)


def test_an_address_that_others_reach_is_refused(tmp_path: Path) -> None:
    done = run(
        "record", "--provider", "openai", "--host", "0.0.0.0", "--out", str(tmp_path / "x"),
        OPENAI_API_KEY="sk-0123456789",
    )  # fmt: skip
    assert (done.exit_code, "--allow-remote" in done.stderr) == (Exit.REFUSED, True)
    assert not (tmp_path / "x").exists()
    assert "--allow-remote" in run("record", "--replay", str(RECORDED), "--host", "0.0.0.0").stderr


def test_check(tmp_path: Path) -> None:
    assert run("record", "--check", str(RECORDED)).exit_code == 0
    (checked,) = documents(run("record", "--check", str(RECORDED), "--json"))
    assert checked["findings"] == []
    assert "no fixtures" in run("record", "--check", str(tmp_path)).stdout
    assert run("record", "--check", str(tmp_path / "none")).exit_code == Exit.REFUSED
    text = sorted(RECORDED.glob("*chat-whole*"))[0].read_text().replace("Say hello.", "from bob@corp.io")
    (tmp_path / "bad.json").write_text(text)
    done = run("record", "--check", str(tmp_path))
    assert done.exit_code == Exit.REFUSED
    assert "bad.json: request: messages[0].content: an e-mail address" in done.stdout
    (tmp_path / "bad.json").write_text(text.replace("from bob@corp.io", "correct horse battery"))
    assert run("record", "--check", str(tmp_path)).exit_code == 0
    assert run("record", "--check", str(tmp_path), CO_API_KEY="horse-battery").exit_code == 0
    assert run("record", "--check", str(tmp_path), MY_TOKEN="horsebattery").exit_code == 0


def test_replay_answers_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-c", CODE, "record", "--replay", str(RECORDED), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ)) as process:
        assert process.stdout is not None
        try:
            view = msgspec.json.decode(process.stdout.readline())
            assert view["fixtures"] == len(list(RECORDED.glob("*.json")))
            assert view["url"].startswith("http://127.0.0.1:")
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
