import urllib.request

import msgspec

from simulated import SimulatorProcess, chat, simulator_process

__all__ = ["simulator_process"]


def test_the_process(simulator_process: SimulatorProcess) -> None:
    body = msgspec.json.encode(chat("sim-fast?tokens=4"))
    request = urllib.request.Request(simulator_process.url + "/chat/completions", data=body)
    with urllib.request.urlopen(request) as answer:
        assert msgspec.json.decode(answer.read())["usage"]["completion_tokens"] == 4
    with urllib.request.urlopen(simulator_process.root + "/bill") as answer:
        assert msgspec.json.decode(answer.read())["lines"] == 1
