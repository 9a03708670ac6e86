"""What a running gateway and its simulated providers say of themselves, and whether their books agree."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gateway import GatewayProcess
from simulated import SimulatorProcess
from waypost.core.scope import posted_to
from waypost.simulator.bill import Line

#: Kinds of tokens as the simulator's `Tokens` and the ledger's columns name them, in one order.
_LEDGER_KINDS = (
    "input_tokens",
    "cache_read_tokens",
    "audio_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "audio_output_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
)

Booked = tuple[int, ...]
"""A line's tokens by kind and, last, its cost in nano-dollars: what the bill and the ledger have in common."""


class BillPage(msgspec.Struct):
    """`GET /bill?lines=1`."""

    lines: int
    total_nusd: int
    requests: int
    open: int
    entries: list[Line] = []


@contextmanager
def simulating(seed: int = 1) -> Iterator[SimulatorProcess]:
    """A simulator in its own process."""
    command = [sys.executable, "-m", "waypost.simulator", "--port", "0", "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield msgspec.json.decode(process.stdout.readline(), type=SimulatorProcess)
        finally:
            process.terminate()
            process.wait(10)


def get(url: str, key: str = "") -> bytes:
    """The body of a GET that has to succeed."""
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {key}"} if key else {})
    with urllib.request.urlopen(request, timeout=20) as answer:
        body: bytes = answer.read()
    return body


def metrics(gateway: GatewayProcess) -> dict[str, float]:
    """`/metrics` as a dictionary; the key is the name with its labels. What is told for each worker is there as a sum,
    too."""
    lines = get(gateway.url + "/metrics").decode().splitlines()
    found: dict[str, float] = {}
    for line in lines:
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
            whole = re.sub(r',?worker="[0-9]+"', "", name).removesuffix("{}")
            if whole != name:
                found[whole] = found.get(whole, 0.0) + float(value)
    return found


def bill(simulator: SimulatorProcess) -> BillPage:
    """The bill with all its lines."""
    return msgspec.json.decode(get(simulator.root + "/bill?lines=1"), type=BillPage)


def until(condition: Callable[[], bool], told: str, seconds: float = 20.0) -> None:
    """Wait for a condition that another process brings about; fails when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:g} s: {told}"
        time.sleep(0.02)


def settle(gateway: GatewayProcess, *simulators: SimulatorProcess) -> None:
    """Wait until nothing is under way, at the gateway or its providers, and the database has everything."""

    def quiet() -> bool:
        now = metrics(gateway)
        return not any(
            now[name]
            for name in ("waypost_exchanges_active", "waypost_dispatches_open", "waypost_ledger_queued")
        )

    until(quiet, "every exchange settled and written")
    for simulator in simulators:
        until(lambda simulator=simulator: bill(simulator).open == 0, "every simulated request ended")  # type: ignore[misc]


def billed(page: BillPage) -> list[Booked]:
    """The bill's lines, sorted."""
    return sorted(
        (*msgspec.structs.astuple(line.tokens)[: len(_LEDGER_KINDS)], line.nusd) for line in page.entries
    )


def booked(gateway: GatewayProcess, provider: str = "sim", *, source: str | None = None) -> list[Booked]:
    """The ledger's lines for one provider at what the provider charges, sorted; `source`: only those whose usage is
    known like that."""
    rows = gateway.query(
        f"select {', '.join(_LEDGER_KINDS)}, cost_nusd - markup_nusd from lines "
        "where provider = ? and (? is null or usage_source = ?)",
        *(provider, source, source),
    )
    return sorted(tuple(int(str(value or 0)) for value in row) for row in rows)


def one_row_each(gateway: GatewayProcess) -> None:
    """Every exchange has one row, every attempt that may have billed has one line, and the sums of the two agree."""
    doubled = gateway.query("select exchange_id from exchanges group by exchange_id having count(*) > 1")
    assert not doubled
    unlined = gateway.query(
        "select a.attempt_id, a.state from attempts a left join lines l on a.attempt_id = l.attempt_id "
        "where (a.state = 'voided') = (l.attempt_id is not null)"
    )
    assert not unlined, "attempts that billed have a line, voided ones have none"
    orphans = gateway.query(
        "select attempt_id from lines where attempt_id not in (select attempt_id from attempts) "
        "union all select attempt_id from attempts where exchange_id not in (select exchange_id from exchanges)"
    )
    assert not orphans
    wrong = gateway.query(
        "select e.exchange_id, e.cost_nusd, sum(l.cost_nusd) from exchanges e join lines l "
        "on e.exchange_id = l.exchange_id group by e.exchange_id, e.cost_nusd "
        "having coalesce(e.cost_nusd, -1) <> coalesce(sum(l.cost_nusd), -1)"
    )
    assert not wrong, "an exchange costs what its lines cost"


def sums_exact(gateway: GatewayProcess) -> None:
    """What is posted to each account is the sum of the lines that name it."""
    lines = gateway.query("select accounts, cost_nusd from lines")
    sums: dict[str, int] = {}
    for accounts, cost in lines:
        for account in msgspec.json.decode(str(accounts), type=list[str]):
            sums[account] = sums.get(account, 0) + posted_to(account, int(str(cost or 0)))
    posted = dict(gateway.query("select account_id, posted_nusd from accounts"))
    assert {name: int(str(value)) for name, value in posted.items() if value} == {
        name: value for name, value in sums.items() if value
    }


def sockets(pid: int) -> int:
    """Open sockets of a process."""
    found = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += link.readlink().as_posix().startswith("socket:")
        except FileNotFoundError:
            continue
    return found


def forget_peak(pid: int) -> None:
    """Let `VmHWM` begin anew from what is resident now (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def memory_kib(pid: int, what: str = "VmRSS") -> int:
    """`VmRSS`: resident now; `VmHWM`: the most so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(what))
