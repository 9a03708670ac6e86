"""The real gateway as a process, for tests: started on a free port with its own data folder, always stopped."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec

from waypost.core.money import PER_MILLION, render_usd
from waypost.simulator.bill import SIMULATED_PRICES, SimulatedPrice

_COMMAND = [sys.executable, "-c", "from waypost.cli.entry import run; run()"]
_READY_S = 30


#: Tests of other things fail the same targets on purpose, again and again: nothing is held against them.
PATIENT = """
resilience:
  breaker: {consecutive_failures: 1000, least_requests: 1000000}
  parking: {refused: 0s, quota: 0s, quota_max: 0s, throttled_min: 0s, throttled_max: 0s, backoff: 0s,
    backoff_max: 0s}
  retries: {budget_min: 1000000}
"""


#: Tests keep both processors busy themselves: a loop that is late for that turns nobody away.
UNHURRIED = "\noverload: {loop_lag: 10m}\n"


class Said(msgspec.Struct):
    """What `waypost serve --json` prints once it listens."""

    url: str
    key: str | None


def config_for(simulator_url: str, *, more: str = "", provider: str = "") -> str:
    """A `waypost.yaml` with the simulator as provider `sim`, its models at the prices it bills, and nothing else.

    `simulator_url` is its OpenAI base URL. `provider` adds lines to the provider's entry, `more` to the file.
    """
    models = "".join(_model(name, price) for name, price in SIMULATED_PRICES.items())
    return f"""
providers:
  - name: sim
    preset: simulated
    base_url: {simulator_url}
    discover: false
    {provider}
models:
{models}
discovery: {{environment: false, local: false, local_model: "off"}}
{more if "resilience:" in more else PATIENT + more}
"""


def _model(name: str, price: SimulatedPrice) -> str:
    rates = {
        "input": price.input,
        "output": price.output,
        "cache_read": price.cached,
        "cache_write": price.cache_write,
        "cache_write_1h": price.cache_write_1h,
        "reasoning": price.reasoning,
        "audio_input": price.audio_input,
        "audio_output": price.audio_output,
    }
    # The simulator's rates are nano-dollars per million tokens; the file wants dollars.
    told = [f'{kind}: "{render_usd(rate)}"' for kind, rate in rates.items()]
    units = {
        "audio_per_minute": price.audio // 60,
        "per_million_characters": price.characters,
        "per_image": price.image // PER_MILLION,
        "per_search": price.search // PER_MILLION,
    }
    if any(units.values()):
        told = [f'{kind}: "{render_usd(rate)}"' for kind, rate in units.items() if rate]
    if price.hd_image:
        told.append(f'images: {{hd: "{render_usd(price.hd_image // PER_MILLION)}"}}')
    prices = ", ".join(told)
    return f"  - {{name: {name}, targets: [{{provider: sim, model: {name}}}], prices: {{{prices}}}}}\n"


class GatewayProcess:
    """Use as a context manager. `kill` and `start` again to test recovery on the same data folder."""

    def __init__(self, folder: Path, config: str, environ: dict[str, str] | None = None) -> None:
        self.data = folder / "data"
        self.config = folder / "waypost.yaml"
        self.config.write_text(config if "overload:" in config else config + UNHURRIED)
        self._environ = {**{k: v for k, v in os.environ.items() if "API_KEY" not in k}, **(environ or {})}
        self.log_file = folder / "gateway.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.key = ""

    def __enter__(self) -> GatewayProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def command(self, *arguments: str) -> list[str]:
        """A `waypost` command line on this gateway's data folder."""
        return [*_COMMAND, *arguments, "--data", str(self.data)]

    def start(self) -> None:
        """Start it and wait until it says where it listens."""
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command("serve"), "--config", str(self.config), "--port", "0", "--json"],
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environ,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.kill()
            raise AssertionError(f"the gateway did not start: {self.log_file.read_text()[-2000:]}")
        said = msgspec.json.decode(line, type=Said)
        self.url = said.url
        self.key = said.key or self.key

    def stop(self) -> int:
        """SIGTERM, and wait for the drain. Returns the exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: no drain, no goodbye."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(number)
        try:
            status = process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        if process.stdout is not None:
            process.stdout.close()
        return status

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def create_key(self, *options: str) -> str:
        """A new key by the command line, as a person would make it."""
        done = subprocess.run(
            [*self.command("keys", "create"), "--json", *options],
            capture_output=True,
            env=self._environ,
            timeout=_READY_S,
        )
        assert done.returncode == 0, done.stderr.decode()
        key: str = msgspec.json.decode(done.stdout)["key"]
        return key

    def query(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Read the gateway's database; safe while it runs."""
        with sqlite3.connect(f"file:{self.data / 'waypost.db'}?mode=ro", uri=True) as connection:
            rows: list[tuple[object, ...]] = connection.execute(sql, values).fetchall()
        connection.close()
        return rows
