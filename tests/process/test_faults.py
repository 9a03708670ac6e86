"""Every fault of a provider, by every client dialect at every target dialect, streamed and whole: what clients get
and what the books say (`fault_table`). At a target of the client's own dialect also with a healthy one behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from process.fault_run import LONGEST_S, TARGETS, Case, Result, all_faults
from process.fault_table import OF_TARGET, STATUSES, TABLE, UNTOLD, expected, lie, spoken, voided
from process.tongues import TONGUES
from waypost.simulator.faults import FAULTS

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

Ran = dict[Case, Result]


@pytest.fixture(scope="module", params=list(TONGUES))
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """All cases of one client dialect."""
    client = request.param
    cases = [
        Case(name, stream, backed, client, target)
        for target in TARGETS
        for name in FAULTS
        for stream in (False, True)
        for backed in ((False, True) if client == target else (False,))
    ]
    with all_faults(tmp_path_factory.mktemp(f"faults-{client}"), cases) as results:
        yield results


each_fault = pytest.mark.parametrize("fault", FAULTS)


def _of(fault: str, ran: Ran) -> dict[Case, Result]:
    return {case: result for case, result in ran.items() if case.fault == fault}


def test_every_fault_is_in_the_table() -> None:
    assert TABLE.keys() == FAULTS.keys()
    for target, rows in OF_TARGET.items():
        assert not [name for name, row in rows.items() if TABLE[name] == row], f"{target}: says nothing new"
        assert rows.keys() <= FAULTS.keys()
    codes = {
        word.split()[1]
        for rows in (TABLE, *OF_TARGET.values())
        for row in rows.values()
        for word in row
        if " " in word
    }
    assert codes - {"upstream_rejected"} == STATUSES.keys()


# --- clients ------------------------------------------------------------------------------------------------------


def _allowed(case: Case) -> list[str]:
    what, _, code = expected(case).partition(" ")
    if what == "ok":
        return ["the faulty one's answer"]
    cut = [f"cut {spoken(case, code, in_stream=True)}"] if what in ("cut", "torn") else []
    if what != "told" and case.backed:
        return ["the healthy one's answer", *cut]
    return [spoken(case, code, in_stream=False), *cut]


def _got(case: Case, result: Result) -> str:
    reply, tongue = result.reply, TONGUES[case.client]
    if reply.end != "whole":
        return f"a torn answer: {reply.end}"
    if reply.seconds >= LONGEST_S:
        return f"too late: {reply.seconds:.1f} s"
    if reply.status != 200:
        return f"{reply.status} {tongue.told(reply)}"
    if streams(reply.headers.get("content-type", "")) != case.stream:
        return f"the wrong content-type: {reply.headers.get('content-type')}"
    if tongue.complete(reply):
        return (
            f"the {reply.headers['x-waypost-provider'].rstrip('0123456789').partition('-')[0]} one's answer"
        )
    return f"cut {tongue.cut(reply)}"


def streams(content_type: str) -> bool:
    return "event" in content_type


@each_fault
def test_what_clients_get(fault: str, ran: Ran) -> None:
    wrong = {
        case.name: (got, _allowed(case))
        for case, result in _of(fault, ran).items()
        if (got := _got(case, result)) not in _allowed(case)
    }
    assert not wrong
    behind = [
        _got(case, result).startswith("cut ")
        for case, result in _of(fault, ran).items()
        if expected(case).startswith("cut ")
    ]
    assert 4 * sum(behind) >= 3 * len(behind), "tokens had reached the client"


# --- books --------------------------------------------------------------------------------------------------------


@each_fault
def test_what_the_books_say(fault: str, ran: Ran) -> None:
    wrong = {
        case.name: told for case, result in _of(fault, ran).items() if (told := _complaints(case, result))
    }
    assert not wrong


def _complaints(case: Case, result: Result) -> list[str]:
    """What is wrong with the books of one case."""
    what = expected(case).split()[0]
    reached = result.reply.headers.get("x-waypost-provider", "").startswith("faulty")
    if what == "torn":
        what = "cut" if reached or (result.reply.status == 200 and not case.backed) else "next"
    others = len(result.attempts) - len(result.faulty)
    moved_on = case.backed and (what == "next" or (what == "cut" and not reached))
    rules = {
        "one row": result.rows == 1,
        "it was asked": bool(result.faulty),
        "the healthy one was asked once, or not at all": others == moved_on,
        **_rules(case, result, what),
    }
    wrong = [name for name, holds in rules.items() if not holds]
    return [*wrong, f"ledger {result.faulty}, bill {result.billed}"] if wrong else []


def _rules(case: Case, result: Result, what: str) -> dict[str, bool]:
    """The rules for the faulty provider's lines, and whether they hold."""
    sources, states = ({getattr(line, name) for line in result.faulty} for name in ("source", "state"))
    if what != "ok" and voided(case):
        return {"voided": states == {"voided"}, "nothing costs": result.ledger == result.billed == []}
    if what == "ok":
        return _served(case, result, sources)
    if what == "cut":
        # Of Gemini the count is the bill once every candidate has ended, though its body has not.
        known = {"partial", "reported"} if case.target == "gemini" else {"partial"}
        every = FAULTS[case.fault].billed != "k" or result.ledger_output == result.billed_output
        return {"no more than partial": sources <= known, "each delivered token": every}
    return {
        "estimated": sources == {"estimated"},
        "not known": states == {"unknown"},
        "no output": set(result.ledger_output) == {0},
    }


def _served(case: Case, result: Result, sources: set[str | None]) -> dict[str, bool]:
    if case.fault in UNTOLD:
        exact = not case.stream or result.ledger_output == result.billed_output
        return {
            "counted": sources <= {"partial", "estimated"},
            "less than the bill": len(result.ledger) == 1 and 0 < result.ledger[0] < result.billed[0],
            "output of streams is right": exact,
        }
    if (said := lie(case)) is not None:
        return {"reported": sources == {"reported"}, "its word counts": result.ledger_output == [said]}
    bill = result.ledger == result.billed and len(result.billed) == 1
    return {"reported": sources == {"reported"}, "the ledger is the bill": bill}
