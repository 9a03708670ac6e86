from hypothesis import given
from hypothesis import strategies as st

from waypost.simulator.dice import Dice, mix

INT = st.integers(min_value=0, max_value=2**64 - 1)


def test_mix_is_splitmix64() -> None:
    # The first outputs of the reference generator for seed 1234567.
    step = 0x9E3779B97F4A7C15
    assert [mix(1234567), mix((1234567 + step) % 2**64)] == [6457827717110365317, 3203168211198807973]


@given(INT, INT, INT)
def test_a_draw_depends_on_seed_number_and_purpose_alone(seed: int, number: int, purpose: int) -> None:
    assert Dice(seed, number).draw(purpose) == Dice(seed, number).draw(purpose)
    assert Dice(seed, number).draw(purpose) != Dice(seed, number + 1).draw(purpose)
    assert 0 <= Dice(seed, number).unit(purpose) < 1
    assert len(Dice(seed, number).name(purpose)) == 24


def test_units_are_even() -> None:
    units = [Dice(7, number).unit(1) for number in range(4000)]
    for tenth in range(10):
        assert 320 < sum(1 for unit in units if tenth <= unit * 10 < tenth + 1) < 480
