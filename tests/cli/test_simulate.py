from __future__ import annotations

import signal
import subprocess
import sys

import msgspec

from cli.command_line import run


def test_it_says_where_it_is_and_stops_when_told() -> None:
    code = "from waypost.cli.entry import run; run()"
    command = [sys.executable, "-c", code, "simulate", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            view = msgspec.json.decode(process.stdout.readline())
            assert view["url"].startswith("http://127.0.0.1:")
            assert view["bill"].endswith("/bill")
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_an_address_that_is_not_ours() -> None:
    done = run("simulate", "--host", "192.0.2.1", "--port", "0")
    assert (done.exit_code, "can not be listened on" in done.stderr) == (3, True)
