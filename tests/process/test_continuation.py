"""Every fault that cuts a stream off behind the commit point, with `continue_on_failure`: the client gets a whole
answer, and the books have what each provider billed."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from gateway import GatewayProcess
from process.books import bill, billed, booked, one_row_each, settle, simulating, sums_exact
from process.fault_run import LONGEST_S, Case, config
from process.fault_table import expected
from process.talk import Reply, chat, each, exchange, port_of, post, run
from waypost.simulator.faults import FAULTS

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

CASES = [case for name in sorted(FAULTS) if expected(case := Case(name, True, True)).startswith("cut ")]


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta


class _Tokens(msgspec.Struct):
    completion_tokens: int
    cost: msgspec.Raw


class _Continued(msgspec.Struct):
    at_chars: int
    origin: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")


class _Note(msgspec.Struct):
    continued: _Continued


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Tokens | None = None
    waypost: _Note | None = None


def read(reply: Reply) -> list[_Chunk]:
    return [msgspec.json.decode(event, type=_Chunk) for event in reply.events[:-1]]


def test_every_cut_stream_is_finished_by_the_next_provider(tmp_path: Path) -> None:
    replies: dict[str, Reply] = {}
    assert len(CASES) > 10
    with simulating(1) as faulty, simulating(2) as healthy, ExitStack() as stack:
        made = config(CASES, faulty.root, healthy.root)
        gateway = stack.enter_context(GatewayProcess(tmp_path, made, {"SIMULATED": "the-operators-own"}))

        async def one(index: int) -> None:
            body = chat(f"c{index + 1}", stream=True, max_tokens=200)
            body["waypost"] = {"continue_on_failure": True}
            request = post(body, key=gateway.key)
            replies[CASES[index].fault] = await exchange(
                port_of(gateway.url), request, limit_s=LONGEST_S + 10
            )

        run(each(len(CASES), 16, one))
        settle(gateway, faulty, healthy)
        one_row_each(gateway)
        sums_exact(gateway)
        assert billed(bill(healthy)) == booked(gateway, "healthy-chat"), "the second provider's own word"
        rows = gateway.query("select exchange_id, outcome, cost_nusd from exchanges")
        known = {str(row[0]): row[1:] for row in rows}
        output = dict(gateway.query("select exchange_id, sum(output_tokens) from lines group by exchange_id"))
    for name, reply in replies.items():
        assert reply.complete, (name, reply)
        chunks = read(reply)
        notes = [(number, each.waypost.continued) for number, each in enumerate(chunks) if each.waypost]
        outcome, cost = known[reply.exchange_id]
        assert outcome == "ok", name
        [(number, note)] = notes
        before = "".join(each.choices[0].delta.content or "" for each in chunks[:number] if each.choices)
        assert note.origin.startswith("faulty"), name
        assert (note.target, note.at_chars) == ("healthy-chat/sim-fast", len(before)), name
        told = chunks[-1].usage
        assert told is not None, name
        assert told.completion_tokens == output[reply.exchange_id], name
        assert round(float(bytes(told.cost)) * 1e9) == cost, name
