"""The official SDKs through `waypost record` to the simulator, and then to the fixtures that came of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from anthropic import Anthropic
from openai import NotFoundError, OpenAI

from simulated import simulating

PROVIDER_KEY = "prov-CANARYPROVIDER-7f3a9c21"
CLIENT_KEY = "sk-CANARYCLIENT-51d0e8b7"
OTHER_KEY = "CANARYENVIRONMENT-0a1b2c3d"
#: Nothing of these may be found in what was written.
CANARIES = ("canary", "7f3a9c21", "51d0e8b7", "0a1b2c3d", "corp.example.dev", "10.20.30.40", "acme-research")
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
]


@contextmanager
def recorder(*words: str, **environ: str) -> Iterator[tuple[dict[str, Any], subprocess.Popen[bytes]]]:
    command = [sys.executable, "-c", "from waypost.cli.entry import run; run()", "record", *words]
    with subprocess.Popen(
        [*command, "--port", "0", "--json"], stdout=subprocess.PIPE, env={**os.environ, **environ}
    ) as process:
        assert process.stdout is not None
        try:
            yield msgspec.json.decode(process.stdout.readline()), process
        finally:
            process.terminate()
            assert process.wait(20) == 0


def openai_calls(url: str, key: str, said: str) -> tuple[str, str]:
    prompt = f"I am bob@corp.example.dev at 10.20.30.40; keys {said}"
    with OpenAI(base_url=url, api_key=key, organization="acme-research", max_retries=0) as client:
        whole = client.chat.completions.create(
            model="sim-echo", messages=[{"role": "user", "content": prompt}]
        )
        stream = client.chat.completions.create(
            model="sim-echo", messages=[{"role": "user", "content": prompt}], stream=True, tools=TOOLS
        )
        pieces = [choice.delta.content or "" for chunk in stream for choice in chunk.choices]
    return whole.choices[0].message.content or "", "".join(pieces)


def anthropic_calls(url: str, key: str) -> str:
    said: list[Any] = [{"role": "user", "content": f"said {CLIENT_KEY}"}]
    with (
        Anthropic(base_url=url, api_key=key, max_retries=0) as client,
        client.messages.stream(model="sim-echo", max_tokens=500, messages=said) as stream,
    ):
        return stream.get_final_text()


@pytest.mark.process
def test_the_sdks_through_the_recorder_and_the_fixtures_in_its_place(tmp_path: Path) -> None:
    out, config = tmp_path / "out", tmp_path / "waypost.yaml"
    with simulating(key=PROVIDER_KEY) as simulator:
        config.write_text(
            "providers:\n  - name: sim\n    dialects: [openai_chat, anthropic_messages]\n"
            f"    base_url: {simulator.url}\n    api_key: env:SIM_KEY\n"
            'discovery: {environment: false, local: false, local_model: "off"}\n'
        )
        words = ("--provider", "sim", "--config", str(config), "--out", str(out))
        with recorder(*words, SIM_KEY=PROVIDER_KEY, SOME_OTHER_TOKEN=OTHER_KEY) as (view, process):
            whole, streamed = openai_calls(
                view["sdk"]["openai"], CLIENT_KEY, f"{CLIENT_KEY} {PROVIDER_KEY} {OTHER_KEY}"
            )
            assert CLIENT_KEY in whole
            assert CLIENT_KEY in streamed
            assert CLIENT_KEY in anthropic_calls(view["sdk"]["anthropic"], CLIENT_KEY)
            assert process.stdout is not None
            told = [msgspec.json.decode(process.stdout.readline()) for _ in range(3)]
    assert [each["refused"] for each in told] == [[], [], []]
    files = sorted(out.rglob("*"))
    assert sorted(each["file"] for each in told) == [str(file) for file in files]
    written = "".join(file.read_text() for file in files).lower()
    assert [canary for canary in CANARIES if canary in written] == []

    with recorder("--replay", str(out)) as (view, _):
        again, streamed = openai_calls(f"{view['url']}/v1", CLIENT_KEY, f"{CLIENT_KEY} *** ***")
        assert "***" in again
        assert "***" in streamed
        assert "***" in anthropic_calls(view["url"], CLIENT_KEY)
        with (
            OpenAI(base_url=f"{view['url']}/v1", api_key="any", max_retries=0) as client,
            pytest.raises(NotFoundError, match=r"nearest is .*openai_chat"),
        ):
            client.chat.completions.create(model="sim-echo", messages=[{"role": "user", "content": "other"}])
