"""Every fault of the simulator through one gateway: streamed and whole, alone and with a healthy provider behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from gateway import GatewayProcess
from process.books import BillPage, bill, one_row_each, settle, simulating, sums_exact
from process.talk import Reply, each, exchange, port_of, run
from process.tongues import TONGUES
from waypost.simulator.bill import Line as Billed

#: The deadlines of both providers, in seconds; a reply may take two attempts and the pause between them.
FIRST_BYTE_S, IDLE_S, PROGRESS_S, TOTAL_S = 2, 2, 2, 6
LONGEST_S = 2 * TOTAL_S + 4.0
AT_ONCE = 48

_PRICES = 'prices: {input: "0.25", cache_read: "0.025", output: "2.00"}'

#: More parameters of a fault: one byte over the most that an event may have, however it is framed; and as many events
#: as a busy machine reads of dozens of streams at once before any of them is late.
_MORE = {"over-cap": "&size=16777217", "many-events": "&size=20000"}

#: Dialects of targets: the simulator's path for each, and what its provider speaks.
TARGETS = {
    "chat": ("/v1", "openai_chat"),
    "messages": ("/v1", "anthropic_messages"),
    "responses": ("/v1", "openai_responses"),
    "gemini": ("/v1beta", "gemini_generate"),
    "converse": ("", "bedrock_converse"),
    "cohere": ("/v2", "cohere_chat"),
}


class Case(msgspec.Struct, frozen=True):
    """A fault of a target of one dialect, asked in another or the same; `backed`: with a healthy one behind it."""

    fault: str
    stream: bool
    backed: bool
    client: str = "chat"
    target: str = "chat"

    @property
    def name(self) -> str:
        way = "stream" if self.stream else "whole"
        pair = self.client if self.client == self.target else f"{self.client}>{self.target}"
        return f"{self.fault}-{pair}-{way}-{'backed' if self.backed else 'alone'}"


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

    reply: Reply
    rows: int = 0
    attempts: list[Line] = []
    billed: list[int] = []
    billed_output: list[int] = []

    @property
    def faulty(self) -> list[Line]:
        return [attempt for attempt in self.attempts if attempt.provider.startswith("faulty")]

    @property
    def ledger(self) -> list[int]:
        return sorted(line.nusd for line in self.faulty if line.nusd is not None)

    @property
    def ledger_output(self) -> list[int]:
        return sorted(line.output for line in self.faulty if line.output is not None)


def config(cases: list[Case], faulty: str, healthy: str) -> str:
    """Each case has a provider of its own, so that what the gateway learns of one does not show in another. The number
    of prompt tokens tells the cases apart on the bill."""
    deadlines = (
        f"{{first_byte: {FIRST_BYTE_S}s, idle: {IDLE_S}s, progress: {PROGRESS_S}s, total: {TOTAL_S}s}}"
    )
    providers, models = [], []
    for number, case in enumerate(cases, 1):
        path, dialect = TARGETS[case.target]
        providers.append(_provider(f"faulty{number}", faulty + path, dialect))
        # Paced, so that the tokens before a fault in the stream have reached the client when it comes.
        model = f'"fault-{case.fault}?tps=200&prompt_tokens={number}{_MORE.get(case.fault, "")}"'
        targets = f"{{provider: faulty{number}, model: {model}, priority: 1}}"
        if case.backed:
            targets += f", {{provider: healthy-{case.target}, model: sim-fast, priority: 2}}"
        models.append(f"  - {{name: c{number}, targets: [{targets}], {_PRICES}}}")
    providers += [
        _provider(f"healthy-{name}", healthy + path, said) for name, (path, said) in TARGETS.items()
    ]
    lines = "\n".join(["providers:", *providers, "models:", *models])
    quiet = '{environment: false, local: false, local_model: "off"}'
    return f"{lines}\ndeadlines: {deadlines}\ndiscovery: {quiet}\n"


def _provider(name: str, url: str, dialect: str) -> str:
    return (
        f"  - {{name: {name}, base_url: {url}, dialects: [{dialect}], api_key: env:SIMULATED, discover: false, "
        "prices_from: simulated}"
    )


@contextmanager
def all_faults(folder: Path, cases: list[Case]) -> Iterator[dict[Case, Result]]:
    """Run every case and look up what became of it."""
    with ExitStack() as stack:
        faulty, healthy = stack.enter_context(simulating(1)), stack.enter_context(simulating(2))
        environ = {"SIMULATED": "the-operators-own"}
        made = config(cases, faulty.root, healthy.root)
        gateway = stack.enter_context(GatewayProcess(folder, made, environ))
        results: dict[Case, Result] = {}

        async def one(index: int) -> None:
            case = cases[index]
            request = TONGUES[case.client].request(f"c{index + 1}", case.stream, gateway.key)
            reply = await exchange(port_of(gateway.url), request, limit_s=LONGEST_S + 10)
            results[case] = Result(reply)

        run(each(len(cases), AT_ONCE, one), 400)
        settle(gateway, faulty, healthy)
        one_row_each(gateway)
        sums_exact(gateway)
        _look_up(gateway, bill(faulty), cases, results)
        yield results


def _look_up(gateway: GatewayProcess, page: BillPage, cases: list[Case], results: dict[Case, Result]) -> None:
    rows = gateway.query("select exchange_id, count(*) from exchanges group by exchange_id")
    counts = {str(one): int(str(count)) for one, count in rows}
    attempts: dict[str, list[Line]] = {}
    for exchange_id, *row in gateway.query(
        "select a.exchange_id, a.provider, a.state, a.error, l.usage_source, l.cost_nusd, l.output_tokens "
        "from attempts a left join lines l on a.attempt_id = l.attempt_id order by a.exchange_id, a.place"
    ):
        line = msgspec.convert(dict(zip(Line.__struct_fields__, row, strict=True)), Line)
        attempts.setdefault(str(exchange_id), []).append(line)
    entries: dict[int, list[Billed]] = {}
    for entry in page.entries:
        entries.setdefault(entry.tokens.prompt, []).append(entry)
    for number, case in enumerate(cases, 1):
        result = results[case]
        result.rows = counts.get(result.reply.exchange_id, 0)
        result.attempts = attempts.get(result.reply.exchange_id, [])
        billed = entries.get(number, [])
        result.billed = sorted(entry.nusd for entry in billed)
        result.billed_output = sorted(entry.tokens.completion for entry in billed)
