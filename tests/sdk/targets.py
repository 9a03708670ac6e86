"""One simulator as six providers, one per dialect that the gateway speaks to, and names for its models at each."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway import PATIENT
from sdk.speakers.chat import ChatSpeaker
from sdk.speakers.converse import ConverseSpeaker
from sdk.speakers.gemini import GeminiSpeaker
from sdk.speakers.messages import MessagesSpeaker
from sdk.speakers.responses import ResponsesSpeaker
from sdk.speakers.talk import Speaker
from simulated import SimulatorProcess
from waypost.core.money import render_usd
from waypost.simulator.bill import SIMULATED_PRICES
from waypost.simulator.models import base_name


@dataclass(frozen=True)
class Target:
    """A provider that speaks one dialect: `path` is its base URL's, `calls` where its chats arrive."""

    dialect: str
    path: str
    calls: str
    beside: str = ""
    """A further dialect of the same provider, for counting tokens."""


#: By the provider's name.
TARGETS = {
    "oai": Target("openai_chat", "/v1", "/v1/chat/completions"),
    "ant": Target("anthropic_messages", "/v1", "/v1/messages", "anthropic_count_tokens"),
    "gem": Target("gemini_generate", "/v1beta", "/v1beta/models/", "gemini_count_tokens"),
    "res": Target("openai_responses", "/v1", "/v1/responses", "openai_input_tokens"),
    "bed": Target("bedrock_converse", "", "/model/"),
    "coh": Target("cohere_chat", "/v2", "/v2/chat"),
}

#: The client SDKs, by their speakers' names.
SPEAKERS: Mapping[str, Callable[[str, str], Speaker]] = {
    "chat": ChatSpeaker,
    "responses": ResponsesSpeaker,
    "messages": MessagesSpeaker,
    "gemini": GeminiSpeaker,
    "converse": ConverseSpeaker,
}

#: What the simulator's models are called at every provider: `oai-echo`, `ant-echo` and so on.
MODELS = {
    "fast": "sim-fast",
    "long": "sim-fast?tokens=40",
    "slow": "sim-fast?tokens=40&tps=80",
    "echo": "sim-echo",
    "tools": "sim-tools",
    "json": "sim-json",
    "cached": "sim-cached",
    "reason": "sim-reason",
    "thinks": "sim-reason?show=true",
    "works": "sim-reason?show=true&act=tools",
    "refuse": "sim-refuse",
    "claude": "sim-fast?named=claude-opus-4-1",
    # Slow enough that what was said before the fault has gone out.
    "breaks": "fault-error-stream?k=3&tps=60",
    "cut": "fault-reset-stream?k=3&tps=60",
}


def config_of_all(root: str) -> str:
    """A `waypost.yaml` with the simulator at `root` as every provider, its models at the prices that it bills."""
    providers = "".join(_provider(name, target, root) for name, target in TARGETS.items())
    models = "".join(
        f'  - {{name: {name}-{word}, targets: [{{provider: {name}, model: "{model}"}}], prices: {_prices(model)}}}\n'
        for name in TARGETS
        for word, model in MODELS.items()
    )
    quiet = '{environment: false, local: false, local_model: "off"}'
    return f"providers:\n{providers}models:\n{models}discovery: {quiet}\n{PATIENT}"


def _provider(name: str, target: Target, root: str) -> str:
    dialects = ", ".join(filter(None, (target.dialect, target.beside)))
    return (
        f'  - {{name: {name}, base_url: "{root}{target.path}", dialects: [{dialects}], '
        "api_key: env:SIMULATED, discover: false, retries: 0}\n"
    )


ENVIRON = {"SIMULATED": "the-operators-own"}


def _prices(model: str) -> str:
    price = SIMULATED_PRICES[base_name(model)]
    rates = {
        "input": price.input,
        "output": price.output,
        "cache_read": price.cached,
        "cache_write": price.cache_write,
        "cache_write_1h": price.cache_write_1h,
        "reasoning": price.reasoning,
    }
    # The simulator's rates are nano-dollars per million tokens; the file wants dollars.
    return "{" + ", ".join(f'{kind}: "{render_usd(rate)}"' for kind, rate in rates.items()) + "}"


def last_ask(provider: SimulatorProcess) -> dict[str, Any]:
    """The newest request as it reached the provider, with `method`, `path`, `headers` and parsed `body`."""
    with urllib.request.urlopen(f"{provider.root}/asks?last=1", timeout=20) as answer:
        page: dict[str, Any] = msgspec.json.decode(answer.read())
    (ask,) = page["asks"]
    asked: dict[str, Any] = ask
    return asked
