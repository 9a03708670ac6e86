from __future__ import annotations

from cli.command_line import documents, run
from simulated import SimulatorProcess, simulator_process  # noqa: F401  # a fixture


def test_chat_streams_and_sums_up(simulator_process: SimulatorProcess) -> None:  # noqa: F811
    words = ("chat", "--model", "sim-fast", "--url", simulator_process.url)
    shown = run(*words, "Hello")
    assert shown.exit_code == 0, shown.output
    last = shown.stdout.strip().splitlines()[-1]
    assert last.startswith("sim-fast · ")
    assert "cost unknown" in last
    (view,) = documents(run(*words, "--json", stdin="piped in\n"))
    assert view["text"]
    assert view["model"] == "sim-fast"


def test_no_gateway_and_nothing_to_say() -> None:
    silent = run("chat", "hi", "--model", "m", "--url", "http://127.0.0.1:9")
    assert (silent.exit_code, "waypost serve" in silent.stderr) == (3, True)
    assert run("chat", stdin="").exit_code == 1
