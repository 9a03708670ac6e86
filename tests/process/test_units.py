"""What is not billed by tokens: the ledger has, to the nano-dollar, what the provider bills, over a kill too."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from gateway import GatewayProcess, config_for
from process.books import bill, settle
from simulated import SimulatorProcess, simulator_process
from waypost.core.usage import Units
from waypost.dialects.forms import FormPart, render_form
from waypost.simulator.bill import Tokens

__all__ = ["simulator_process"]

pytestmark = pytest.mark.process

SOUNDS = """
  - {{name: deep, preset: deepgram, base_url: "{root}/v1", api_key: env:SIMULATED, discover: false}}
"""
FORM = "multipart/form-data; boundary=x"


def post(gateway: GatewayProcess, path: str, body: object) -> tuple[int, bytes]:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    kind = FORM if isinstance(body, bytes) else "application/json"
    headers = {"authorization": f"Bearer {gateway.key}", "content-type": kind}
    request = urllib.request.Request(f"{gateway.url}/v1{path}", raw, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def form(model: str, **fields: str) -> bytes:
    parts = [FormPart("model", model.encode()), FormPart("file", b"one two three four five", "a.wav")]
    return render_form([*parts, *(FormPart(name, value.encode()) for name, value in fields.items())], b"x")


ASKS: tuple[tuple[str, object], ...] = (
    ("/audio/speech", {"model": "sim-tts", "input": "Grüße, 🦊!", "voice": "v"}),
    ("/audio/transcriptions", form("sim-whisper")),
    ("/audio/transcriptions", form("sim-whisper", response_format="verbose_json")),
    ("/audio/translations", form("sim-whisper")),
    ("/audio/transcriptions", form("deep/nova-3")),
    ("/images/generations", {"model": "sim-image", "prompt": "a cat", "n": 3}),
    ("/images/generations", {"model": "sim-image", "prompt": "a cat", "quality": "hd"}),
    ("/rerank", {"model": "sim-rerank", "query": "cat", "documents": ["a cat", "a dog"] * 51}),
    ("/chat/completions", {"model": "sim-fast", "messages": [{"role": "user", "content": "hi"}]}),
)


def command(gateway: GatewayProcess, *words: str) -> bytes:
    done = subprocess.run(gateway.command(*words), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def counted(tokens: Tokens) -> tuple[int, ...]:
    return tokens.audio_ms, tokens.characters, tokens.images + tokens.hd_images, tokens.searches


def on_lines(gateway: GatewayProcess) -> Counter[tuple[int, ...]]:
    found: Counter[tuple[int, ...]] = Counter()
    for units, cost in gateway.query("select units, cost_nusd from lines"):
        used = Units() if units is None else msgspec.json.decode(units, type=Units)
        found[used.audio_ms, used.characters, used.images, used.searches, cost] += 1
    return found


def test_the_ledger_has_what_is_billed(simulator_process: SimulatorProcess, tmp_path: Path) -> None:
    simulator = simulator_process
    config = config_for(simulator.url, more="ledger: {durability: process}\n")
    config = config.replace("\nmodels:", SOUNDS.format(root=simulator.root) + "\nmodels:", 1)
    with GatewayProcess(tmp_path, config, {"SIMULATED": "k"}) as gateway:
        for path, body in ASKS:
            status, told = post(gateway, path, body)
            assert status == 200, (path, told)
        settle(gateway, simulator)
        page = bill(simulator)
        assert page.lines == len(ASKS)
        wanted = Counter((*counted(line.tokens), line.nusd) for line in page.entries)
        # Deepgram's own model is dearer here by nothing: its price comes from the catalogue.
        deep = wanted.pop((2500, 0, 0, 0, 250_000))
        assert deep == 1
        wanted[2500, 0, 0, 0, 179_167] += 1
        assert on_lines(gateway) == wanted
        gateway.kill()
        gateway.start()
        assert on_lines(gateway) == wanted, "and a kill changes nothing"
        shown = json.loads(command(gateway, "usage", "--json"))
        sums = [sum(each[place] * count for each, count in wanted.items()) for place in range(5)]
        names = ("audio_ms", "characters", "images", "searches", "cost_nusd")
        assert [shown[name] for name in names] == sums
        assert command(gateway, "ledger", "verify")
