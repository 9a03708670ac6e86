"""One simulator and one gateway for all tests of the SDKs: starting them costs more than any test here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest
import pytest_asyncio
from openai import AsyncOpenAI, OpenAI

from gateway import GatewayProcess, config_for
from sdk.clients import Sdk, async_client, sync_client
from sdk.speakers.talk import Speaker
from sdk.targets import ENVIRON, SPEAKERS, config_of_all
from simulated import SimulatorProcess, simulating

#: Every kind of token at a rate of its own, so that a wrong rate shows; in dollars per million.
_DISTINCT = "{input: 1, cache_read: 0.1, output: 10, reasoning: 100, audio_input: 3, audio_output: 30}"
_MODELS = f"""
  - {{name: sim-thinks, targets: [{{provider: sim, model: sim-reason}}], prices: {_DISTINCT}}}
  - {{name: sim-recalls, targets: [{{provider: sim, model: sim-cached}}], prices: {_DISTINCT}}}
  - {{name: sim-hears, targets: [{{provider: sim, model: sim-audio}}], prices: {_DISTINCT}}}
  - name: sim-backed
    targets: [{{provider: sim, model: fault-503, priority: 1}}, {{provider: sim, model: sim-fast, priority: 2}}]
    prices: {_DISTINCT}
"""
#: The same simulator, asked once and not for long: for faults that are to be seen as they are.
_HASTY = """
  - name: hasty
    preset: simulated
    base_url: {}
    discover: false
    retries: 0
    deadlines: {{first_byte: 300ms}}
"""


@pytest.fixture(scope="session")
def provider() -> Iterator[SimulatorProcess]:
    """The simulator behind `gateway`."""
    with simulating() as running:
        yield running


@pytest.fixture(scope="session")
def gateway(provider: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway with the simulator's models, and a few that test prices and failover."""
    config = config_for(provider.url).replace("\nmodels:", f"{_HASTY.format(provider.url)}\nmodels:")
    config = config.replace("\ndiscovery:", f"{_MODELS}\ndiscovery:")
    with GatewayProcess(tmp_path_factory.mktemp("sdk"), config) as running:
        yield running


@pytest.fixture(scope="session")
def many() -> Iterator[SimulatorProcess]:
    """One simulator that stands for a provider of every dialect, behind `crossing`."""
    with simulating() as running:
        yield running


@pytest.fixture(scope="session")
def crossing(many: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway with `sdk.targets.TARGETS`, one provider per dialect."""
    with GatewayProcess(tmp_path_factory.mktemp("crossing"), config_of_all(many.root), ENVIRON) as running:
        yield running


@pytest.fixture(scope="session")
def speakers(crossing: GatewayProcess) -> Iterator[dict[str, Speaker]]:
    """Every client SDK, connected to `crossing`."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(connect(crossing.url, crossing.key))
            for name, connect in SPEAKERS.items()
        }


@pytest.fixture
def sdk(gateway: GatewayProcess) -> Iterator[Sdk[OpenAI]]:
    """A client without retries, and what it did."""
    with sync_client(f"{gateway.url}/v1", gateway.key) as made:
        yield made


@pytest.fixture
def client(sdk: Sdk[OpenAI]) -> OpenAI:
    """The client alone."""
    return sdk.client


@pytest_asyncio.fixture
async def async_openai(gateway: GatewayProcess) -> AsyncIterator[AsyncOpenAI]:
    """An asynchronous client without retries."""
    async with async_client(f"{gateway.url}/v1", gateway.key) as made:
        yield made.client
