import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.simulator.ask import Refused
from waypost.simulator.models import MODELS, Behaviour, base_name, read_fault, resolve


def test_parameters_in_the_name() -> None:
    made = resolve("sim-slow?tokens=20&ttft_ms=50&p50_ms=60&tps=100&p99_ms=800", {})
    assert (made.tokens, made.p50_ms, made.tps, made.p99_ms) == (20, 60, 100, 800)
    assert made.p90_ms == MODELS["sim-slow"].p90_ms


def test_overrides_win_over_the_name() -> None:
    assert resolve("sim-fast?tokens=20", {"tokens": 3, "show": "true"}) == Behaviour(tokens=3, show=True)


def test_fault_names() -> None:
    assert resolve("fault-reset-stream?k=5", {}) == Behaviour(fault="reset-stream", k=5)
    assert read_fault("429-date; s=30 ;first=2") == {"fault": "429-date", "s": "30", "first": "2"}
    assert base_name("fault-429?s=1") == "sim-fast"
    assert base_name("sim-echo?tokens=1") == "sim-echo"


@pytest.mark.parametrize(
    "name", ["sim-fast?speed=9", "sim-fast?tokens=-1", "sim-fast?tokens=many", "sim-fast?p=2"]
)
def test_wrong_parameters_are_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        resolve(name, {})
    assert refused.value.status == 400


def test_unknown_models_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        resolve("gpt-5", {})
    assert (refused.value.status, refused.value.code) == (404, "model_not_found")


def test_latency_meets_its_percentiles() -> None:
    made = resolve("sim-fast?p50_ms=100&p90_ms=200&p95_ms=300&p99_ms=1000", {})
    at = [(0, 0.05), (0.5, 0.1), (0.9, 0.2), (0.95, 0.3), (0.99, 1.0), (0.9999, 1.0)]
    assert [made.latency_s(unit) for unit, _ in at] == pytest.approx([value for _, value in at])


def test_ttft_alone_is_constant() -> None:
    made = resolve("sim-fast?ttft_ms=50", {})
    assert {made.latency_s(unit / 100) for unit in range(100)} == {0.05}


@given(st.floats(0, 0.999999), st.floats(0, 0.999999))
def test_latency_never_falls(one: float, other: float) -> None:
    made = MODELS["sim-slow"]
    low, high = sorted((one, other))
    assert made.latency_s(low) <= made.latency_s(high) + 1e-12 <= 2.0 + 1e-9
