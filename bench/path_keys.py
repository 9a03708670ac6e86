"""What the interpreter takes of a request where many keys ask by turns; see `bench/path.py`."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.gateway import render_config
from bench.path import CONNECTIONS, MODELS, WHOLE, Rig, Upstream, composed, names_of
from bench.spoken import SPOKEN
from bench.subject import Subject
from waypost.edge.app import Edge
from waypost.edge.server import loop_factory


def measure_keys(
    data: Path, config: Path, where: Mapping[str, str], keys: Sequence[str], batches: int = 400
) -> float:
    """CPU µs of a request, undisturbed: what these keys take by turns, over what is in a data folder or in the database
    that the environment names. The configuration is `config_of_keys`."""
    told: list[float] = []

    async def measured(edge: Edge, upstream: Upstream) -> None:
        told.append(await _of_keys(edge, upstream, keys, batches))

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(composed(data, config, where, measured))
    return told[0]


def config_of_keys() -> str:
    """With as many models as the requests ask for."""
    return render_config(Subject("nowhere", 9, [], stream_port=9), MODELS)


async def _of_keys(edge: Edge, upstream: Upstream, keys: Sequence[str], batches: int) -> float:
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # as the gateway has it
    whole = SPOKEN["openai_chat"].answer
    rig, answer = Rig(edge, upstream), WHOLE % len(whole) + whole
    turns = _turns_of(rig, keys)
    for requests in turns:
        for request in requests:
            await rig.warm_up([request], answer)
    lowest = float("inf")
    for number in range(batches):
        lowest = min(lowest, sum(await rig.batch(turns[number % len(turns)], answer)))
    rig.close()  # or the gateway would wait for their ends
    return lowest / CONNECTIONS * 1e6


def _turns_of(rig: Rig, keys: Sequence[str]) -> list[list[bytes]]:
    """Batches of requests: each key asks once in all of them, or in turn where they are fewer than connections."""
    chat = SPOKEN["openai_chat"]
    names = names_of(chat)
    count = max(CONNECTIONS, len(keys) // CONNECTIONS * CONNECTIONS)
    made = [
        rig.request(chat.path, chat.ask(names[number % MODELS], stream=False), keys[number % len(keys)])
        for number in range(count)
    ]
    return [made[begin : begin + CONNECTIONS] for begin in range(0, count, CONNECTIONS)]
