from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from waypost.app.ids import exchange_ids


@given(times=st.lists(st.floats(1e9, 4e9, allow_nan=False), min_size=1, max_size=50))
def test_ids_differ_even_within_one_millisecond_and_sort_by_time(times: list[float]) -> None:
    clock = iter(sorted(times))
    make = exchange_ids(lambda: next(clock), lambda size: b"\x01" * size)
    made = [make() for _ in times]
    assert len(set(made)) == len(made)
    assert [name.split("-")[1] for name in made] == sorted(name.split("-")[1] for name in made)


def test_two_processes_never_make_the_same_id() -> None:
    one = exchange_ids(lambda: 1e9, lambda size: b"\x01" * size)
    other = exchange_ids(lambda: 1e9, lambda size: b"\x02" * size)
    assert one() != other()


def test_an_id_can_stand_in_a_header() -> None:
    made = exchange_ids(lambda: 1.7e9, lambda size: b"\xff" * size)()
    assert made.isascii()
    assert made.replace("-", "").isalnum()
    assert made.startswith("wp-")
