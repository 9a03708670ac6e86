from fractions import Fraction
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from waypost.simulator.bill import SIMULATED_PRICES, Bill, Tokens, charge
from waypost.simulator.models import MODELS

COUNT = st.integers(0, 10_000)


@st.composite
def tokens(draw: st.DrawFn) -> Tokens:
    text, cached, sound, out, reasoning, spoken, short, long = (draw(COUNT) for _ in range(8))
    units = [draw(COUNT) for _ in range(5)]
    prompt = text + cached + sound + short + long
    return Tokens(prompt, cached, sound, out + reasoning + spoken, reasoning, spoken, short, long, *units)


def test_every_model_has_a_price() -> None:
    assert set(SIMULATED_PRICES) == set(MODELS)


def test_a_price_by_hand() -> None:
    # 100 at 0.25, 50 cached at 0.025, 10 at 2.00 dollars per million.
    assert charge(SIMULATED_PRICES["sim-fast"], Tokens(prompt=150, cached=50, completion=10)) == 46_250


@given(tokens(), st.sampled_from(sorted(SIMULATED_PRICES)))
def test_a_line_is_the_exact_sum_rounded_up_once(used: Tokens, model: str) -> None:
    price = SIMULATED_PRICES[model]
    exact = (
        Fraction(used.prompt - used.cached - used.audio_input - used.cache_write - used.cache_write_1h)
        * price.input
        + used.cache_write * price.cache_write
        + used.cache_write_1h * price.cache_write_1h
        + used.cached * price.cached
        + used.audio_input * price.audio_input
        + (used.completion - used.reasoning - used.audio_output) * price.output
        + used.reasoning * price.reasoning
        + used.audio_output * price.audio_output
        + used.characters * price.characters
        + used.images * price.image
        + used.hd_images * price.hd_image
        + used.searches * price.search
    ) / 1_000_000 + Fraction(used.audio_ms * price.audio, 3_600_000 * 1)
    assert charge(price, used) == ceil(exact)


@given(
    st.lists(st.tuples(tokens(), st.sampled_from(["sim-fast", "sim-slow?tps=1", "fault-429"])), max_size=30)
)
def test_the_bill_is_the_sum_of_its_lines(used: list[tuple[Tokens, str]]) -> None:
    bill = Bill(keep=10)
    lines = [bill.add(f"req_{i}", model, "chat", "done", one) for i, (one, model) in enumerate(used)]
    assert bill.total_nusd == sum(line.nusd for line in lines)
    assert bill.count == len(lines)
    assert list(bill.lines) == lines[-10:]
    shown = bill.show(open_requests=0)
    by_model = shown["by_model"]
    assert isinstance(by_model, dict)
    assert sum(part["total_nusd"] for part in by_model.values()) == bill.total_nusd
    assert shown["tokens"] == Tokens(
        *[sum(getattr(line.tokens, name) for line in lines) for name in Tokens.__struct_fields__]
    )
    bill.reset()
    assert (bill.total_nusd, bill.count, len(bill.lines)) == (0, 0, 0)
