"""The command that the gateway prints at its start works when it is pasted, whole and as a stream."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import msgspec
import pytest

from gateway import config_for
from sdk.banner import Banner, served
from simulated import SimulatorProcess

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed on this machine"),
]


class _Usage(msgspec.Struct):
    cost: float


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message | None = None
    delta: _Message | None = None


class _Answer(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None


@pytest.fixture(scope="module")
def banner(provider: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Banner]:
    with served(tmp_path_factory.mktemp("curl"), config_for(provider.url)) as made:
        yield made


def paste(command: str) -> str:
    """What a shell prints for this command."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=30, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_printed_command_answers(banner: Banner) -> None:
    # It asks for the first model of the configuration, not for a placeholder.
    assert '"model": "sim-fast"' in banner.curl
    said = msgspec.json.decode(paste(banner.curl), type=_Answer)
    assert said.choices[0].message is not None
    assert said.choices[0].message.content
    assert said.usage is not None
    assert said.usage.cost > 0


def test_the_printed_command_streams(banner: Banner) -> None:
    command = banner.curl.replace("curl ", "curl -N --fail-with-body ", 1).replace(
        '{"model"', '{"stream": true, "stream_options": {"include_usage": true}, "model"', 1
    )
    *events, last, end = paste(command).strip().split("\n\n")
    assert end == "data: [DONE]"
    assert all(event.startswith("data: {") for event in events)
    usage = msgspec.json.decode(last.removeprefix("data: "), type=_Answer).usage
    assert usage is not None
    assert usage.cost > 0


def test_a_wrong_key_is_told_on_the_first_line(banner: Banner) -> None:
    assert banner.key is not None
    said = paste(banner.curl.replace("curl ", "curl -i ", 1).replace(banner.key, "sk-other"))
    assert said.startswith("HTTP/1.1 401")
    assert '"code":"invalid_api_key"' in said
