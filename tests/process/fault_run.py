"""Every fault of the simulator through one gateway: streamed and whole, alone and with a healthy provider behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from gateway import GatewayProcess
from process.books import BillPage, bill, one_row_each, settle, simulating, sums_exact
from process.talk import Reply, chat, each, exchange, port_of, post, run
from waypost.simulator.faults import FAULTS

#: The deadlines of both providers, in seconds; a reply may take two attempts and the pause between them.
FIRST_BYTE_S, IDLE_S, PROGRESS_S, TOTAL_S = 1, 1, 1, 3
LONGEST_S = 2 * TOTAL_S + 4.0
AT_ONCE = 24

_PRICES = 'prices: {input: "0.25", cache_read: "0.025", output: "2.00"}'

Case = tuple[str, bool, bool]
"""Fault, streamed, with a fallback."""


class Line(msgspec.Struct, frozen=True):
    """One attempt in the gateway's books; `nusd` None: it was voided, and has no line."""

    provider: str
    state: str
    error: str | None
    source: str | None = None
    nusd: int | None = None
    output: int | None = None


class Result(msgspec.Struct):
    """What a client got, what the gateway wrote down, and what the faulty provider billed for it."""

    number: int
    reply: Reply
    rows: int = 0
    attempts: list[Line] = []
    billed: list[int] = []
    billed_output: list[int] = []

    @property
    def faulty(self) -> list[Line]:
        return [attempt for attempt in self.attempts if attempt.provider == "faulty"]

    @property
    def ledger(self) -> list[int]:
        return sorted(line.nusd for line in self.faulty if line.nusd is not None)

    @property
    def ledger_output(self) -> list[int]:
        return sorted(line.output for line in self.faulty if line.output is not None)


def _faulty(name: str) -> str:
    # Paced, so that the tokens before a fault in the stream have reached the client when it comes.
    return f'"fault-{name}?tps=200"'


def config(faulty: str, healthy: str) -> str:
    deadlines = (
        f"{{first_byte: {FIRST_BYTE_S}s, idle: {IDLE_S}s, progress: {PROGRESS_S}s, total: {TOTAL_S}s}}"
    )
    models = "".join(
        f"  - {{name: {name}-alone, targets: [{{provider: faulty, model: {_faulty(name)}}}], {_PRICES}}}\n"
        f"  - {{name: {name}-backed, targets: [{{provider: faulty, model: {_faulty(name)}, priority: 1}}, "
        f"{{provider: healthy, model: sim-fast, priority: 2}}], {_PRICES}}}\n"
        for name in FAULTS
    )
    return f"""
providers:
  - {{name: faulty, preset: simulated, base_url: {faulty}, discover: false}}
  - {{name: healthy, preset: simulated, base_url: {healthy}, discover: false}}
models:
{models}
deadlines: {deadlines}
discovery: {{environment: false, local: false, local_model: "off"}}
"""


@contextmanager
def all_faults(folder: Path) -> Iterator[dict[Case, Result]]:
    """Run every case and look up what became of it."""
    with ExitStack() as stack:
        faulty, healthy = stack.enter_context(simulating(1)), stack.enter_context(simulating(2))
        gateway = stack.enter_context(GatewayProcess(folder, config(faulty.url, healthy.url)))
        cases: list[Case] = [
            (name, stream, backed) for name in FAULTS for stream in (False, True) for backed in (False, True)
        ]
        results: dict[Case, Result] = {}

        async def one(index: int) -> None:
            name, stream, backed = cases[index]
            model = f"{name}-{'backed' if backed else 'alone'}"
            request = post(chat(model, index + 1, stream=stream), key=gateway.key)
            reply = await exchange(port_of(gateway.url), request, limit_s=LONGEST_S + 10)
            results[cases[index]] = Result(index + 1, reply)

        run(each(len(cases), AT_ONCE, one))
        settle(gateway, faulty, healthy)
        one_row_each(gateway)
        sums_exact(gateway)
        _look_up(gateway, bill(faulty), results)
        yield results


def _look_up(gateway: GatewayProcess, page: BillPage, results: dict[Case, Result]) -> None:
    rows = gateway.query("select exchange_id, count(*) from exchanges group by exchange_id")
    counts = {str(one): int(str(count)) for one, count in rows}
    attempts: dict[str, list[Line]] = {}
    for exchange_id, *row in gateway.query(
        "select a.exchange_id, a.provider, a.state, a.error, l.usage_source, l.cost_nusd, l.output_tokens "
        "from attempts a left join lines l on a.attempt_id = l.attempt_id order by a.exchange_id, a.place"
    ):
        line = msgspec.convert(dict(zip(Line.__struct_fields__, row, strict=True)), Line)
        attempts.setdefault(str(exchange_id), []).append(line)
    for result in results.values():
        result.rows = counts.get(result.reply.exchange_id, 0)
        result.attempts = attempts.get(result.reply.exchange_id, [])
        entries = [entry for entry in page.entries if entry.tokens.prompt == result.number]
        result.billed = sorted(entry.nusd for entry in entries)
        result.billed_output = sorted(entry.tokens.completion for entry in entries)
