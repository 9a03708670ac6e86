"""Every fault in every dialect: what is on the wire, and what is on the bill."""

import gzip

import pytest

from simulated import FixedClock, ask, request_bytes, simulator, split_head, talk, unchunk
from simulator.dialect_cases import CASES, Case
from waypost.simulator.dialects import all_dialects
from waypost.simulator.faults import FAULTS
from waypost.simulator.run import Simulator, SimulatorSettings, start

__all__ = ["simulator"]

TOKENS, K = 16, 3
SLOW = {"pings", "drip", "slow-headers"}
#: These change what is inside the HTTP body in a way that `tokens` can not see through.
OPAQUE = {"gzip", "gzip-twice", "gzip-cut", "gzip-bomb", "bad-chunk-size", "bad-chunk-end", "early-hints"}
STATUS = {name for name, fault in FAULTS.items() if fault.summary[:1] in "45"}
#: These end their connection before the client does.
RESETS = ("fault-refuse", "fault-reset", "fault-half")
each_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def test_every_dialect_has_a_case() -> None:
    # Sounds and pictures come from no model of text, so nothing of what is tested here applies to them.
    assert {dialect.name for dialect in all_dialects(1)} - {"sounds", "media"} == {
        case.name for case in CASES
    }


async def body_of(simulator: Simulator, request: bytes) -> tuple[bytes, str]:
    ends_itself = any(name.encode() in request for name in RESETS)
    got, end = await talk(simulator.port, request, until=(lambda _: False) if ends_itself else None)
    head, _, body = got.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 1"):
        head, _, body = body.partition(b"\r\n\r\n")
    chunked = head.startswith(b"HTTP") and "transfer-encoding" in split_head(head)[1]
    return unchunk(body) if chunked and b"zz\r\n" not in body else body, end


def model_for(name: str) -> str:
    """The model of a fault, small enough to be quick."""
    return f"fault-{name}?size=5000" if "size" in FAULTS[name].params else f"fault-{name}"


@each_case
@pytest.mark.parametrize("name", sorted(set(FAULTS) - SLOW - STATUS))
async def test_faults_of_streams(simulator: Simulator, case: Case, name: str) -> None:
    body, _ = await body_of(simulator, case.request(model_for(name), True))
    await simulator.idle()
    billed = FAULTS[name].billed
    output = {"none": [], "k": [K], "all": [TOKENS]}[billed]
    assert [line.tokens.completion for line in simulator.bill.lines] == output
    if billed == "k":
        assert case.tokens(body) == K
    elif billed == "all" and name not in OPAQUE:
        assert case.tokens(body) == TOKENS + (name == "data-after-done")


@each_case
@pytest.mark.parametrize("name", sorted(set(FAULTS) - SLOW - STATUS))
async def test_faults_of_whole_answers(simulator: Simulator, case: Case, name: str) -> None:
    await body_of(simulator, case.request(model_for(name), False))
    await simulator.idle()
    billed = [] if FAULTS[name].billed == "none" or name.startswith("error-") else [TOKENS]
    assert [line.tokens.completion for line in simulator.bill.lines] == billed


@each_case
@pytest.mark.parametrize("name", sorted(STATUS))
@pytest.mark.parametrize("stream", [False, True])
async def test_error_statuses(simulator: Simulator, case: Case, name: str, stream: bool) -> None:
    status, _, body = await ask(simulator.port, case.request(f"fault-{name}", stream))
    assert case.failed(body)
    assert status >= 400 or name == "content-filter"
    assert simulator.bill.count == 0


@each_case
async def test_an_error_event_after_k_tokens(simulator: Simulator, case: Case) -> None:
    for name in ("error-stream", "error-mislabelled"):
        body, _ = await body_of(simulator, case.request(f"fault-{name}", True))
        assert case.tokens(body) == K
        assert not case.ended(body)
        assert len(body) > len((await body_of(simulator, case.request("fault-cut-clean", True)))[0])
    first, _ = await body_of(simulator, case.request("fault-error-first", True))
    assert case.tokens(first) == 0
    assert len(first) > 20


@each_case
async def test_ends(simulator: Simulator, case: Case) -> None:
    for name, ended in (("close", True), ("no-done", False), ("cut-clean", False), ("gzip", True)):
        body, _ = await body_of(simulator, case.request(f"fault-{name}", True))
        assert case.ended(gzip.decompress(body) if name == "gzip" else body) is ended, name


USAGE = {
    "usage-missing": ["missing"],
    "usage-null": [None],
    "usage-zero": [0],
    "usage-huge": [10**15],
    "usage-negative": [-7],
    "usage-twice": [TOKENS, TOKENS],
    "usage-growing": [*range(1, TOKENS + 1), TOKENS],
    "usage-falling": [*range(TOKENS, 0, -1), 1],
}


@each_case
@pytest.mark.parametrize("name", USAGE)
async def test_usage(simulator: Simulator, case: Case, name: str) -> None:
    body, _ = await body_of(simulator, case.request(f"fault-{name}", True))
    assert case.told(body, True)[-len(USAGE[name]) :] == USAGE[name]
    _, _, whole = await ask(simulator.port, case.request(f"fault-{name}", False))
    assert case.told(whole, False) == USAGE[name][-1:]


@each_case
async def test_pings_come_and_nothing_else(simulator: Simulator, case: Case) -> None:
    request = case.request("fault-pings?gap_ms=0.1", True)
    got, _ = await talk(simulator.port, request, until=lambda got: len(got) > 2000)
    assert case.tokens(unchunk(got.partition(b"\r\n\r\n")[2])) == 0
    await simulator.idle()
    assert simulator.bill.count == 0


@each_case
async def test_only_the_first_fail_and_parameters_come_by_header(simulator: Simulator, case: Case) -> None:
    request = case.request("fault-500?first=1", False)
    assert [(await ask(simulator.port, request))[0] for _ in range(2)] == [500, 200]
    body = case.request("sim-fast", False).replace(b"host: sim", b"host: sim\r\nx-simulate: tokens=4", 1)
    assert case.told((await ask(simulator.port, body))[2], False) == [4]


@each_case
async def test_a_client_that_leaves_pays_for_what_was_written(simulator: Simulator, case: Case) -> None:
    request = case.request("sim-reason?tps=1&reasoning=2&ttft_ms=1", True)
    await talk(simulator.port, request, until=lambda got: len(got) > 300, leave=True)
    await simulator.idle()
    assert simulator.bill.count <= 1
    request = case.request("fault-stall-stream?k=5", True)
    await talk(simulator.port, request)
    await simulator.idle()
    assert [line.tokens.completion for line in simulator.bill.lines][-1:] == [5]


@each_case
async def test_the_same_again_with_the_same_seed(case: Case) -> None:
    made = []
    for seed in (1, 1, 2):
        running = await start(SimulatorSettings(seed=seed), clock=FixedClock())
        try:
            made.append(
                [await talk(running.port, case.request("sim-reason?show=1", s)) for s in (True, False)]
            )
        finally:
            await running.stop()
    assert made[0] == made[1]
    assert made[0] != made[2]


@each_case
async def test_unknown_models_and_pages(simulator: Simulator, case: Case) -> None:
    status, _, body = await ask(simulator.port, case.request("gpt-5", False))
    assert status in (400, 404)
    assert case.failed(body)
    assert simulator.bill.requests == 1


@each_case
async def test_a_key_is_wanted_where_the_dialect_has_it(case: Case) -> None:
    running = await start(SimulatorSettings(key="any"), clock=FixedClock())
    try:
        request = case.request("sim-fast", False)
        assert (await ask(running.port, request))[0] == 200
        for right, wrong in ((b": any\r\n", b": other\r\n"), (b"Bearer any", b"Bearer other")):
            request = request.replace(right, wrong)
        status, _, body = await ask(running.port, request)
        assert status in (400, 401, 403)
        assert case.failed(body)
        assert running.bill.requests == 1
        bare = b"\r\n".join(line for line in request.split(b"\r\n") if b"other" not in line)
        assert (await ask(running.port, bare))[0] in (400, 401, 403)
    finally:
        await running.stop()


async def test_openai_owns_the_rest(simulator: Simulator) -> None:
    status, _, body = await ask(simulator.port, request_bytes({}, "/v1/nothing"))
    assert (status, b'"param"' in body) == (404, True)
