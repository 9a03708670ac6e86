"""Routes with a tree, asked of the real process: what each node does with real traffic, and what is told of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from gateway import GatewayProcess
from process.books import bill, booked, one_row_each, settle, simulating, sums_exact, until
from process.talk import Reply, chat, each, exchange, head, port_of, post, run
from simulated import SimulatorProcess

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

_PRICES = 'prices: {input: "0.25", cache_read: "0.025", output: "2.00"}'
CONFIG = """
providers:
  - {{name: slow, base_url: {slow}, dialects: [openai_chat], api_key: env:SIMULATED, discover: false}}
  - {{name: fast, base_url: {fast}, dialects: [openai_chat], api_key: env:SIMULATED, discover: false, region: eu}}
models:
  - {{name: crawling, targets: [{{provider: slow, model: "sim-fast?ttft_ms=20000"}}], {prices}}}
routes:
  - name: hedged
    hedge:
      fallback:
        - {{target: crawling}}
        - {{target: fast/sim-fast, {prices}}}
    after: 50ms
  - name: shadowed
    shadow: {{target: slow/sim-fast, {prices}}}
    main: {{target: fast/sim-fast, {prices}}}
    percent: 100
  - name: tried
    canary: {{target: slow/fault-500, retries: 0, {prices}}}
    stable: {{target: fast/sim-fast, {prices}}}
    percent: 50
    least: 4
  - name: chosen
    conditional:
      - when: request.input_tokens > 50
        then: {{target: slow/sim-echo, {prices}}}
      - when: '"x-stick" in headers'
        then:
          weighted:
            - {{target: fast/sim-fast, weight: 1, {prices}}}
            - {{target: fast/sim-echo, weight: 1, {prices}}}
          sticky: [user]
    otherwise:
      need: {{regions: [eu]}}
      fallback: [{{target: slow/sim-fast, {prices}}}, {{target: fast/sim-fast, {prices}}}]
resilience: {{breaker: {{consecutive_failures: 1000, least_requests: 100000}}}}
discovery: {{environment: false, local: false, local_model: "off"}}
"""
CASES = """
cases:
  - name: long
    request: {model: route/chosen, messages: [{role: user, content: "LONG"}]}
    expect: {order: [slow/sim-echo]}
  - name: short
    request: {model: route/chosen}
    expect: {order: [fast/sim-fast], excluded: {slow/sim-fast: region}}
  - name: nobody is left
    request: {model: route/chosen}
    parked: [fast]
    expect: {error: all_targets_down}
""".replace("LONG", "word " * 100)


class Stage(msgspec.Struct, frozen=True):
    gateway: GatewayProcess
    slow: SimulatorProcess
    fast: SimulatorProcess

    def ask(self, request: bytes) -> Reply:
        return run(exchange(port_of(self.gateway.url), request))

    def ask_all(self, model: str, count: int) -> list[Reply]:
        """That many, every other one streamed."""
        replies: list[Reply] = []

        async def one(number: int) -> None:
            body = chat(model, stream=bool(number % 2))
            replies.append(await exchange(port_of(self.gateway.url), post(body, key=self.gateway.key)))

        run(each(count, 8, one))
        return replies

    def told(self, reply: Reply) -> dict[str, object]:
        """`GET /v1/generations/{id}`, once it is written."""
        request = head(f"/v1/generations/{reply.exchange_id}", key=self.gateway.key, method="GET")
        until(lambda: self.ask(request).status == 200, "it is in the log")
        told: dict[str, object] = msgspec.json.decode(self.ask(request).body)
        return told


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with ExitStack() as stack:
        slow, fast = stack.enter_context(simulating(1)), stack.enter_context(simulating(2))
        made = CONFIG.format(slow=slow.url, fast=fast.url, prices=_PRICES)
        folder = tmp_path_factory.mktemp("routes")
        gateway = stack.enter_context(GatewayProcess(folder, made, {"SIMULATED": "any"}))
        yield Stage(gateway, slow, fast)
        settle(gateway, slow, fast)
        one_row_each(gateway)
        sums_exact(gateway)
        assert len(bill(fast).entries) == len(booked(gateway, "fast"))


def test_a_hedge_answers_from_the_fast_one_and_both_are_in_the_books(stage: Stage) -> None:
    count = 40
    replies = stage.ask_all("route/hedged", count)
    assert [reply for reply in replies if not reply.complete] == []
    assert {reply.headers["x-waypost-provider"] for reply in replies} == {"fast"}
    assert max(reply.seconds for reply in replies) < 15, "nobody waited for the slow one"
    settle(stage.gateway, stage.slow, stage.fast)
    legs = stage.gateway.query(
        "select a.provider, a.role, a.state, l.usage_source, count(*) from attempts a "
        "join exchanges e on e.exchange_id = a.exchange_id left join lines l on l.attempt_id = a.attempt_id "
        "where e.asked_model = 'route/hedged' group by 1, 2, 3, 4 order by 1"
    )
    # The one that was cancelled was at work: it is booked, and not more than its input.
    assert legs == [
        ("fast", "hedge", "settled", "reported", count),
        ("slow", "first", "unknown", "estimated", count),
    ]
    assert bill(stage.slow).entries == [], "it had not said a word"


def test_a_shadow_is_asked_beside_recorded_and_paid_by_no_key(stage: Stage) -> None:
    count = 20
    before = bill(stage.slow).requests
    replies = stage.ask_all("route/shadowed", count)
    assert {(reply.complete, reply.headers["x-waypost-provider"]) for reply in replies} == {(True, "fast")}
    settle(stage.gateway, stage.slow, stage.fast)
    until(lambda: bill(stage.slow).requests - before == count, "each was sent to the shadow too")
    settle(stage.gateway, stage.slow, stage.fast)
    rows = stage.gateway.query(
        "select e.key_id is null, a.role, a.state, count(*) from exchanges e join attempts a "
        "on a.exchange_id = e.exchange_id where a.provider = 'slow' and a.role = 'shadow' group by 1, 2, 3"
    )
    assert rows == [(1, "shadow", "settled", count)]
    assert len(stage.gateway.query("select 1 from exchanges where exchange_id like '%-shadow%'")) == count


def test_a_canary_that_fails_is_taken_back_by_itself(stage: Stage) -> None:
    before = bill(stage.slow).requests

    def rolled_back() -> bool:
        replies = stage.ask_all("route/tried", 16)
        assert {(reply.complete, reply.headers["x-waypost-provider"]) for reply in replies} == {
            (True, "fast")
        }
        (last,) = stage.ask_all("route/tried", 1)
        decision = stage.told(last).get("decision") or {}
        return "rolled_back" in msgspec.json.encode(decision).decode()

    until(rolled_back, "the canary is rolled back", 30)
    calls = bill(stage.slow).requests
    assert calls > before
    assert {reply.headers["x-waypost-attempts"] for reply in stage.ask_all("route/tried", 40)} == {"1"}
    assert bill(stage.slow).requests == calls, "it gets nothing any more"


def test_conditions_needs_and_sticky_draws_are_told_before_and_after(stage: Stage) -> None:
    key = stage.gateway.key
    long = chat("route/chosen", messages=[{"role": "user", "content": "word " * 100}])
    reply = stage.ask(post(long, key=key))
    assert (reply.status, reply.headers["x-waypost-provider"]) == (200, "slow")
    assert (stage.told(reply)["provider"], stage.told(reply)["model"]) == ("slow", "sim-echo")

    short = chat("route/chosen")
    reply = stage.ask(post(short, key=key))
    assert reply.headers["x-waypost-provider"] == "fast"
    after = msgspec.json.encode(stage.told(reply)["decision"]).decode()
    explained = msgspec.json.decode(stage.ask(post(short, "/v1/route/explain", key=key)).body)
    assert [each["target"] for each in explained["candidates"]] == ["fast/sim-fast"]
    excluded = {(each["target"], each["reason"]) for each in explained["excluded"]}
    assert excluded >= {("slow/sim-fast", "region"), ("slow/sim-echo", "branch"), ("fast/sim-echo", "branch")}
    assert "slow/sim-fast" in after
    assert "region" in after

    drawn: dict[str, set[str]] = {}
    for user in map(str, range(12)):
        for _ in range(2):
            body = msgspec.json.encode(chat("route/chosen", user=user))
            request = head(key=key, length=len(body), more=("x-stick: 1",)) + body
            drawn.setdefault(user, set()).add(stage.ask(request).headers["x-waypost-model"])
    assert {len(models) for models in drawn.values()} == {1}, "the same for the same user"
    assert set.union(*drawn.values()) == {"sim-fast", "sim-echo"}


def test_the_commands_tell_the_same(stage: Stage, tmp_path: Path) -> None:
    command = stage.gateway.command("route", "explain", "--model", "route/chosen", "--json")
    done = subprocess.run(command, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert [each["target"] for each in msgspec.json.decode(done.stdout)["candidates"]] == ["fast/sim-fast"]
    cases = tmp_path / "cases.yaml"
    cases.write_text(CASES)
    waypost = stage.gateway.command()[:-2]
    done = subprocess.run(
        [*waypost, "routes", "test", str(cases), "--config", str(stage.gateway.config), "--json"],
        capture_output=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    decoder = msgspec.json.Decoder(dict[str, object])
    assert [case["passed"] for case in decoder.decode_lines(done.stdout)] == [True, True, True]
