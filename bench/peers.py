"""Other gateways, measured side by side when they are installed. They are never installed by this project."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.gateway import PACED, environment
from bench.running import free_port, running, until_ready
from bench.subject import STATIC_MODEL, Subject

_MODELS = (STATIC_MODEL, *PACED)


@dataclass(frozen=True)
class Peer:
    """How a peer is started, and what to do when it is not there. `start` gives None when it is not installed."""

    start: Callable[[Subject], AbstractContextManager[Subject | None]]
    how_to: str


def _upstream_port(direct: Subject, model: str) -> int:
    return direct.port if model == STATIC_MODEL else direct.stream_port


@contextmanager
def litellm(direct: Subject) -> Iterator[Subject | None]:
    """LiteLLM's proxy, one worker, with a master key and without a database: so without budgets and logs."""
    program = os.environ.get("BENCH_LITELLM") or shutil.which("litellm")
    if program is None:
        yield None
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        config = Path(folder) / "litellm.yaml"
        models = "\n".join(
            f"  - {{model_name: {model}, litellm_params: {{model: openai/{model}, api_key: sk-bench, "
            f"api_base: 'http://127.0.0.1:{_upstream_port(direct, model)}/v1'}}}}"
            for model in _MODELS
        )
        key = "sk-bench-0123456789abcdef0123456789abcdef"
        config.write_text(f"model_list:\n{models}\ngeneral_settings: {{master_key: {key}}}\n", "utf-8")
        env = {**environment(), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        command = [program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        with running(command, env=env, cwd=Path(folder)) as process:
            start_s = until_ready(process, port, "/health/liveliness", within_s=120)
            headers = [{"authorization": f"Bearer {key}"}]
            yield Subject("LiteLLM", port, [process.pid], headers=headers, start_s=start_s)


@contextmanager
def portkey(direct: Subject) -> Iterator[Subject | None]:
    """Portkey's open-source gateway: routing by headers, without keys, budgets or a log of its own."""
    script = (
        Path(os.environ.get("BENCH_PORTKEY", "node_modules/@portkey-ai/gateway")) / "build/start-server.js"
    )
    node = shutil.which("node")
    if node is None or not script.is_file():
        yield None
        return
    port = free_port()
    command = [node, str(script.resolve()), "--headless", f"--port={port}"]
    with running(command, env=environment()) as process:
        start_s = until_ready(process, port, "/", within_s=60)
        headers = {
            "authorization": "Bearer sk-bench",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"http://127.0.0.1:{direct.stream_port}/v1",
        }
        yield Subject("Portkey", port, [process.pid], headers=[headers], start_s=start_s)


_TENSORZERO = """
import sys, threading, tensorzero
gateway = tensorzero._start_http_gateway(
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False)
threading.Event().wait()
"""


@contextmanager
def tensorzero(direct: Subject) -> Iterator[Subject | None]:
    """TensorZero's HTTP gateway out of its wheel, without authentication and with observability off."""
    python = os.environ.get("BENCH_TENSORZERO")
    if python is None:
        yield None
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        config = Path(folder) / "tensorzero.toml"
        parts = [f'[gateway]\nbind_address = "127.0.0.1:{port}"\nobservability.enabled = false\n']
        for model in _MODELS:
            parts.append(
                f'[models."{model}"]\nrouting = ["bench"]\n[models."{model}".providers.bench]\ntype = "openai"\n'
                f'model_name = "{model}"\napi_base = "http://127.0.0.1:{_upstream_port(direct, model)}/v1/"\n'
                'api_key_location = "none"\n'
            )
        config.write_text("\n".join(parts), "utf-8")
        with running([python, "-c", _TENSORZERO, str(config)], env=environment()) as process:
            start_s = until_ready(process, port, "/status", within_s=60)
            yield Subject(
                "TensorZero",
                port,
                [process.pid],
                path="/openai/v1/chat/completions",
                model="tensorzero::model_name::{}",
                start_s=start_s,
            )


PEERS: dict[str, Peer] = {
    "litellm": Peer(
        litellm,
        "python -m venv /tmp/litellm && /tmp/litellm/bin/pip install 'litellm[proxy]==1.106.2', "
        "then BENCH_LITELLM=/tmp/litellm/bin/litellm (never version 1.107.0)",
    ),
    "portkey": Peer(
        portkey,
        "npm install --prefix /tmp/portkey @portkey-ai/gateway, "
        "then BENCH_PORTKEY=/tmp/portkey/node_modules/@portkey-ai/gateway",
    ),
    "tensorzero": Peer(
        tensorzero,
        "python -m venv /tmp/tensorzero && /tmp/tensorzero/bin/pip install tensorzero, "
        f"then BENCH_TENSORZERO=/tmp/tensorzero/bin/python (this one is {sys.version_info.major}."
        f"{sys.version_info.minor})",
    ),
}
