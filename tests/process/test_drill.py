"""An outage rehearsal against two real providers: one is said to be down, and every client is answered."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import msgspec
import pytest

from gateway import GatewayProcess, config_for
from process.books import bill, billed, booked, one_row_each, settle, simulating, sums_exact, until
from process.talk import Reply, chat, each, exchange, head, port_of, post, run
from simulated import SimulatorProcess
from waypost.pipeline.rehearsal_report import Report
from waypost.stores.lock import read_running

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

#: A second provider, and a model that has a target at each, in this order.
MORE = """
  - name: spare
    preset: simulated
    base_url: {url}
    discover: false
models:
  - name: both
    targets: [{{provider: sim, model: sim-fast, priority: 1}}, {{provider: spare, model: sim-fast, priority: 2}}]
    prices: {{input: 1, output: 2}}
"""


def _config(first: SimulatorProcess, second: SimulatorProcess) -> str:
    text = config_for(first.url, provider="retries: 0")
    return text.replace("\nmodels:\n", MORE.format(url=second.url), 1)


@pytest.fixture(scope="module")
def simulators() -> Iterator[tuple[SimulatorProcess, SimulatorProcess]]:
    with simulating(1) as first, simulating(2) as second:
        yield first, second


@pytest.fixture
def gateway(
    tmp_path_factory: pytest.TempPathFactory, simulators: tuple[SimulatorProcess, SimulatorProcess]
) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("drill"), _config(*simulators)) as running:
        yield running


def _call(gateway: GatewayProcess, method: str, path: str, body: object = None, key: str = "") -> Reply:
    running = read_running(gateway.data)
    assert running is not None
    data = b"" if body is None else msgspec.json.encode(body)
    request = head(path, key=key or running.token, method=method, length=None if body is None else len(data))
    return run(exchange(port_of(gateway.url), request + data))


def _report(gateway: GatewayProcess, drill_id: str) -> Report:
    reply = _call(gateway, "GET", f"/v1/drills/{drill_id}")
    assert reply.status == 200
    return msgspec.json.decode(reply.body, type=Report)


def _ask_all(gateway: GatewayProcess, count: int, key: str, **more: object) -> list[Reply]:
    replies: list[Reply] = []

    async def one(number: int) -> None:
        stream = bool(number % 2)
        request = post(chat("both", stream=stream, **more), key=key)  # type: ignore[arg-type] # by name
        replies.append(await exchange(port_of(gateway.url), request))

    run(each(count, 8, one))
    return replies


def test_one_provider_is_down_for_one_key_and_every_client_is_answered(
    gateway: GatewayProcess, simulators: tuple[SimulatorProcess, SimulatorProcess]
) -> None:
    staging = gateway.create_key("--name", "staging")
    until(lambda: all(reply.complete for reply in _ask_all(gateway, 2, staging)), "the new key works")
    settle(gateway, *simulators)
    before = bill(simulators[0]).requests
    order = {"provider": "sim", "fault": "503", "key": "staging", "duration": "1h"}
    begun = _call(gateway, "POST", "/v1/drills", order)
    assert begun.status == 200, begun.body
    drill = msgspec.json.decode(begun.body, type=Report)
    assert drill.state == "running"
    assert drill.before is not None, "what was measured before is in the log"

    touched = _ask_all(gateway, 40, staging)
    assert all(reply.complete for reply in touched)
    assert {reply.headers["x-waypost-provider"] for reply in touched} == {"spare"}
    assert bill(simulators[0]).requests == before, "not one request was sent to it"
    others = _ask_all(gateway, 6, gateway.key)
    assert {reply.headers["x-waypost-provider"] for reply in others} == {"sim"}
    assert {reply.headers["x-waypost-attempts"] for reply in others} == {"1"}

    until(lambda: _report(gateway, drill.id).numbers.requests == 40, "all were counted")
    stopped = _call(gateway, "DELETE", f"/v1/drills/{drill.id}")
    assert stopped.status == 200
    until(lambda: _report(gateway, drill.id).state == "ended", "it has ended")
    told = _report(gateway, drill.id)
    numbers = told.numbers
    assert (numbers.answered, numbers.failed, numbers.cut, told.lost, told.end) == (40, 0, 0, 0, "stopped")
    assert numbers.failed_over == numbers.broken == 40
    assert numbers.added.count == 40
    folder = gateway.data / "drills"
    assert msgspec.json.decode((folder / f"{drill.id}.json").read_bytes(), type=Report) == told
    assert "| lost | 0 |" in (folder / f"{drill.id}.md").read_text()

    assert _ask_all(gateway, 1, staging)[0].headers["x-waypost-provider"] == "sim", "it is over"
    settle(gateway, *simulators)
    assert gateway.query("select count(*) from exchanges where drill = ?", drill.id) == [(40,)]
    roles = gateway.query(
        "select a.role, a.state, count(*) from attempts a join exchanges e on a.exchange_id = e.exchange_id "
        "where e.drill = ? and a.provider = 'sim' group by 1, 2",
        drill.id,
    )
    assert roles == [("first", "voided", 40)], "what was not sent is not billed"
    asked = "select actor, action from audit where kind = 'drill' and object_id = ? order by seq"
    told_of = [("operator", "start_drill"), ("operator", "stop_drill")]
    until(lambda: gateway.query(asked, drill.id) == told_of, "the audit log tells of both")
    one_row_each(gateway)
    sums_exact(gateway)
    assert [line[:-1] for line in billed(bill(simulators[0]))] == [
        line[:-1] for line in booked(gateway, "sim")
    ]


def test_streams_that_are_broken_are_told_so_and_paid_for(
    gateway: GatewayProcess, simulators: tuple[SimulatorProcess, SimulatorProcess]
) -> None:
    order = {"provider": "sim", "fault": "cut", "after": 3, "everyone": True}
    drill = msgspec.json.decode(_call(gateway, "POST", "/v1/drills", order).body, type=Report)
    body = post(
        chat("both", stream=True, simulate={"tokens": 40, "gap_ms": 5}, max_tokens=64), key=gateway.key
    )
    reply = run(exchange(port_of(gateway.url), body))
    assert reply.stream_error == "upstream_truncated"
    assert not reply.complete
    until(lambda: _report(gateway, drill.id).numbers.cut == 1, "it was counted")
    _call(gateway, "DELETE", f"/v1/drills/{drill.id}")
    settle(gateway, *simulators)
    (line,) = gateway.query("select state, cost_nusd > 0 from lines where provider = 'sim'")
    assert line == ("settled", 1), "the stream was real, and so is its cost"


def test_it_ends_by_itself_and_the_command_shows_what_it_came_to(gateway: GatewayProcess) -> None:
    arguments = ("drill", "--provider", "sim", "--fault", "429", "--for", "2s", "--yes", "--json")
    process = subprocess.Popen(gateway.command(*arguments), stdout=subprocess.PIPE)

    def running() -> bool:
        listed = msgspec.json.decode(_call(gateway, "GET", "/v1/drills").body)["data"]
        return any(one["state"] == "running" for one in listed)

    until(running, "the rehearsal runs")
    first = _ask_all(gateway, 1, gateway.key)[0]
    assert first.complete
    out, _ = process.communicate(timeout=60)
    told = msgspec.json.decode(out, type=Report)
    assert process.returncode == 0
    assert (told.state, told.end, told.lost) == ("ended", "time", 0)
    assert told.numbers.answered == told.numbers.requests
    assert _ask_all(gateway, 1, gateway.key)[0].headers["x-waypost-provider"] == "sim"


def test_ctrl_c_ends_it_and_the_report_is_still_written(gateway: GatewayProcess) -> None:
    process = subprocess.Popen(
        gateway.command("drill", "--provider", "sim", "--for", "1h", "--yes", "--json"),
        stdout=subprocess.PIPE,
    )

    def listed() -> list[dict[str, object]]:
        found: list[dict[str, object]] = msgspec.json.decode(_call(gateway, "GET", "/v1/drills").body)["data"]
        return found

    until(lambda: bool(listed()), "the rehearsal runs")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    told = msgspec.json.decode(out, type=Report)
    assert (told.state, told.end, process.returncode) == ("ended", "stopped", 0)
    assert (gateway.data / "drills" / f"{told.id}.md").is_file()


def test_a_gateway_that_stops_writes_the_report_and_a_restart_ends_the_rehearsal(
    gateway: GatewayProcess,
) -> None:
    order = {"provider": "sim", "fault": "503", "everyone": True, "duration": "1h"}
    drill = msgspec.json.decode(_call(gateway, "POST", "/v1/drills", order).body, type=Report)
    assert gateway.stop() == 0
    kept = msgspec.json.decode((gateway.data / "drills" / f"{drill.id}.json").read_bytes(), type=Report)
    assert (kept.state, kept.end) == ("ended", "shutdown")
    gateway.start()
    assert _report(gateway, drill.id) == kept, "reports are found after a restart"
    assert _ask_all(gateway, 1, gateway.key)[0].headers["x-waypost-provider"] == "sim"


def test_the_token_opens_the_desk_alone_and_others_need_an_operators_key(gateway: GatewayProcess) -> None:
    running = read_running(gateway.data)
    assert running is not None
    assert running.token.startswith("wp-control-")
    refused = run(exchange(port_of(gateway.url), post(chat("both"), key=running.token)))
    assert (refused.status, refused.code) == (401, "invalid_api_key")
    assert _call(gateway, "GET", "/v1/models", key=running.token).status == 401
    assert _call(gateway, "GET", "/v1/drills", key=gateway.key).code == "permission_denied"
    assert _call(gateway, "GET", "/v1/drills", key="nobody").status == 401
    operator = gateway.create_key("--name", "ops", "--operator")
    assert _call(gateway, "GET", "/v1/drills", key=operator).status == 200
    assert running.token not in gateway.log_file.read_text()
    gateway.stop()
    gateway.start()
    again = read_running(gateway.data)
    assert again is not None
    assert again.token != running.token
    assert _call(gateway, "GET", "/v1/drills", key=running.token).status == 401
