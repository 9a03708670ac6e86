"""Every fault that cuts a stream off behind the commit point, with `continue_on_failure`: the client gets a whole
answer, and the books have what each provider billed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from gateway import GatewayProcess
from process.books import bill, billed, booked, one_row_each, settle, simulating, sums_exact
from process.fault_run import LONGEST_S, config
from process.talk import Reply, chat, each, exchange, port_of, post, run
from process.test_faults import TABLE

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

CUT = sorted(name for name, told in TABLE.items() if told[-1].startswith("cut "))


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
    with (
        simulating(1) as faulty,
        simulating(2) as healthy,
        GatewayProcess(tmp_path, config(faulty.url, healthy.url)) as gateway,
    ):

        async def one(index: int) -> None:
            body = chat(f"{CUT[index]}-backed", index + 1, stream=True, max_tokens=200)
            body |= {"waypost": {"continue_on_failure": True}, "stream_options": {"include_usage": True}}
            request = post(body, key=gateway.key)
            replies[CUT[index]] = await exchange(port_of(gateway.url), request, limit_s=LONGEST_S + 10)

        run(each(len(CUT), 16, one))
        settle(gateway, faulty, healthy)
        one_row_each(gateway)
        sums_exact(gateway)
        assert billed(bill(healthy)) == booked(gateway, "healthy"), "the second provider's own word"
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
        assert (note.origin[:7], note.target, note.at_chars) == (
            "faulty/",
            "healthy/sim-fast",
            len(before),
        ), name
        told = chunks[-1].usage
        assert told is not None, name
        assert told.completion_tokens == output[reply.exchange_id], name
        assert round(float(bytes(told.cost)) * 1e9) == cost, name
