"""Batches against the real gateway: two providers, lines that fail, `kill -9` in the middle, and a drain."""

from __future__ import annotations

import os
import signal
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from gateway import GatewayProcess, config_for
from process.books import (
    bill,
    billed,
    booked,
    get,
    metrics,
    one_row_each,
    settle,
    simulating,
    sums_exact,
    until,
)
from simulated import SimulatorProcess

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

LINES = 200
_OVER = ("completed", "failed", "expired", "cancelled")
_SECOND = """
  - name: sim2
    preset: simulated
    base_url: {}
    discover: false
"""
_MODELS = """
  - {{name: other, targets: [{{provider: sim2, model: sim-fast}}], prices: {{input: "0.5", output: "2"}}}}
"""


class _Answer(msgspec.Struct):
    status_code: int
    request_id: str
    body: dict[str, object]


class _Error(msgspec.Struct):
    code: str


class Result(msgspec.Struct):
    custom_id: str
    response: _Answer | None = None
    error: _Error | None = None


class Counts(msgspec.Struct):
    total: int
    completed: int
    failed: int


class Batch(msgspec.Struct):
    id: str
    status: str
    request_counts: Counts
    output_file_id: str | None = None
    error_file_id: str | None = None


@contextmanager
def two_providers(
    folder: Path, more: str = ""
) -> Iterator[tuple[GatewayProcess, SimulatorProcess, SimulatorProcess]]:
    with simulating(1) as one, simulating(2) as other:
        config = config_for(one.url, more=more)
        config = config.replace("\nmodels:", f"{_SECOND.format(other.url)}\nmodels:")
        config = config.replace("\ndiscovery:", f"{_MODELS.format()}\ndiscovery:")
        with GatewayProcess(folder, config) as gateway:
            yield gateway, one, other


def post(gateway: GatewayProcess, path: str, body: bytes, kind: str = "application/json") -> bytes:
    headers = {"authorization": f"Bearer {gateway.key}", "content-type": kind}
    request = urllib.request.Request(gateway.url + path, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        read: bytes = answer.read()
    return read


def submit(gateway: GatewayProcess, lines: list[dict[str, object]]) -> str:
    """Upload lines for chat and make a batch of them; returns its id."""
    content = b"\n".join(
        msgspec.json.encode(
            {"custom_id": f"line-{n}", "method": "POST", "url": "/v1/chat/completions", "body": body}
        )
        for n, body in enumerate(lines)
    )
    part = b'--b\r\ncontent-disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    named = b'--b\r\ncontent-disposition: form-data; name="file"; filename="in.jsonl"\r\n\r\n%b\r\n--b--\r\n'
    form = part % (b"purpose", b"batch") + named % content
    file = msgspec.json.decode(post(gateway, "/v1/files", form, "multipart/form-data; boundary=b"))
    wanted = {
        "input_file_id": file["id"],
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    }
    made = post(gateway, "/v1/batches", msgspec.json.encode(wanted))
    return msgspec.json.decode(made, type=Batch).id


def look(gateway: GatewayProcess, batch_id: str) -> Batch:
    return msgspec.json.decode(get(f"{gateway.url}/v1/batches/{batch_id}", gateway.key), type=Batch)


def finish(gateway: GatewayProcess, batch_id: str) -> Batch:
    until(lambda: look(gateway, batch_id).status in _OVER, "the end of the batch", 60)
    return look(gateway, batch_id)


def results(gateway: GatewayProcess, batch: Batch) -> tuple[list[Result], list[Result]]:
    """Of the output file, and of the error file."""

    def lines(file_id: str | None) -> list[Result]:
        if file_id is None:
            return []
        content = get(f"{gateway.url}/v1/files/{file_id}/content", gateway.key)
        return [msgspec.json.decode(line, type=Result) for line in content.splitlines()]

    return lines(batch.output_file_id), lines(batch.error_file_id)


def body(model: str, number: int, **simulate: object) -> dict[str, object]:
    return {
        "model": model,
        "messages": [{"role": "user", "content": "hello"}],
        "max_tokens": 50,
        "simulate": {"prompt_tokens": number + 10, "tokens": 3, **simulate},
    }


def mixed(count: int, **simulate: object) -> list[dict[str, object]]:
    """Lines for both providers; every tenth one is refused by a provider, and every fifth one names no known model."""
    made = []
    for number in range(count):
        if number % 5 == 2:
            made.append(body("no-such-model", number))
        elif number % 10 == 3:
            made.append(body("sim/fault-400", number))
        else:
            made.append(body(("sim-fast", "other")[number % 2], number, **simulate))
    return made


def fails(number: int) -> bool:
    return number % 5 == 2 or number % 10 == 3


def test_two_hundred_lines_over_two_providers(tmp_path: Path) -> None:
    with two_providers(tmp_path) as (gateway, one, other):
        batch = finish(gateway, submit(gateway, mixed(LINES)))
        good, bad = results(gateway, batch)
        settle(gateway, one, other)

        bad_ones = {f"line-{n}" for n in range(LINES) if fails(n)}
        assert batch.status == "completed"
        assert {result.custom_id for result in bad} == bad_ones
        assert {result.custom_id for result in good} == {f"line-{n}" for n in range(LINES)} - bad_ones
        assert len(good) + len(bad) == LINES
        assert (batch.request_counts.completed, batch.request_counts.failed) == (len(good), len(bad))
        assert {r.response.status_code for r in bad if r.response is not None} == {400, 404}
        ids = {r.response.request_id for r in (*good, *bad) if r.response is not None}
        rows = gateway.query("select exchange_id, status from exchanges")
        assert {str(row[0]) for row in rows} == ids, "each line is an exchange of its own"
        _books_agree(gateway, one, other)
        told = metrics(gateway)
        assert told['waypost_batch_lines_total{outcome="completed"}'] == len(good)
        assert told['waypost_batch_lines_total{outcome="failed"}'] == len(bad)
        assert told["waypost_batches_running"] == 0


def _books_agree(gateway: GatewayProcess, one: SimulatorProcess, other: SimulatorProcess) -> None:
    one_row_each(gateway)
    sums_exact(gateway)
    assert booked(gateway, "sim") == billed(bill(one))
    # The second provider's bill is at prices of its own: the tokens are what has to be the same.
    tokens = [line[:-1] for line in booked(gateway, "sim2")]
    assert tokens == [line[:-1] for line in billed(bill(other))]


def test_killed_in_the_middle_every_line_has_one_result(tmp_path: Path) -> None:
    with two_providers(tmp_path) as (gateway, one, other):
        batch_id = submit(gateway, mixed(LINES, ttft_ms=25))
        for part in (0.2, 0.5):
            until(
                lambda part=part: sum(_counted(gateway, batch_id)) >= LINES * part,  # type: ignore[misc]
                "a part of the lines",
            )
            os.kill(gateway.pid, signal.SIGKILL)
            gateway.kill()
            gateway.start()
        batch = finish(gateway, batch_id)
        good, bad = results(gateway, batch)
        settle(gateway, one, other)

        seen = Counter(result.custom_id for result in (*good, *bad))
        assert seen == {f"line-{n}": 1 for n in range(LINES)}
        lost = [r.custom_id for r in bad if r.error is not None and r.error.code == "lost"]
        failing = {f"line-{n}" for n in range(LINES) if fails(n)}
        assert {r.custom_id for r in bad} == failing | set(lost), (
            "one that would have failed may be lost, too"
        )
        assert len(lost) <= 2 * 8, "only what was under way at a kill"
        crashed = gateway.query("select count(*) from attempts where error = 'gateway_crashed'")[0][0]
        one_row_each(gateway)
        sums_exact(gateway)
        # Nothing was asked twice, and what is on the books as reported is on the bills.
        asked = gateway.query(
            "select e.exchange_id from exchanges e join lines l on e.exchange_id = l.exchange_id "
            "group by e.exchange_id having count(*) > 1"
        )
        assert not asked
        lines = gateway.query("select count(*) from lines where usage_source = 'reported'")[0][0]
        bills = len(bill(one).entries) + len(bill(other).entries)
        assert int(str(lines)) <= bills <= int(str(lines)) + int(str(crashed))
        assert int(str(crashed)) <= len(lost)


def _counted(gateway: GatewayProcess, batch_id: str) -> tuple[int, int]:
    counts = look(gateway, batch_id).request_counts
    return counts.completed, counts.failed


def test_a_drain_lets_lines_end_and_the_next_start_goes_on(tmp_path: Path) -> None:
    with two_providers(tmp_path) as (gateway, one, other):
        batch_id = submit(gateway, mixed(100, ttft_ms=50))
        until(lambda: sum(_counted(gateway, batch_id)) >= 20, "some lines")
        assert gateway.stop() == 0
        gateway.start()
        batch = finish(gateway, batch_id)
        good, bad = results(gateway, batch)
        settle(gateway, one, other)

        assert Counter(r.custom_id for r in (*good, *bad)) == {f"line-{n}": 1 for n in range(100)}
        assert not [r for r in bad if r.error is not None], "nothing was lost"
        _books_agree(gateway, one, other)
