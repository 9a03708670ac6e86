import hashlib
import itertools

from hypothesis import given
from hypothesis import strategies as st

from waypost.core.keytext import digest, issue, looks_valid


def counting():
    numbers = itertools.cycle(range(256))
    return lambda n: bytes(next(numbers) for _ in range(n))


def test_an_issued_key_has_its_shape_digest_and_hint():
    issued = issue(counting())

    assert issued.text.startswith(f"sk-wp-{issued.key_id}_")
    assert [len(part) for part in issued.text.removeprefix("sk-wp-").split("_")] == [8, 32, 6]
    assert issued.digest == hashlib.sha256(issued.text.encode()).digest() == digest(issued.text.encode())
    assert issued.hint == f"sk-wp-{issued.key_id}…{issued.text[-4:]}"
    assert looks_valid(issued.text)


def test_neither_repr_nor_hint_shows_the_secret():
    issued = issue(counting())
    secret = issued.text.split("_")[1]

    assert secret not in repr(issued)
    assert secret not in issued.hint


def test_a_rotated_key_keeps_its_id():
    assert issue(counting(), "AbCd1234").text.startswith("sk-wp-AbCd1234_")


def test_bytes_that_would_make_digits_unequally_likely_are_thrown_away():
    assert issue(lambda n: b"\xf8\xff\x01" * n).key_id == "1" * 8


@given(st.binary(min_size=64, max_size=64), st.integers(0, 53), st.sampled_from("0123456789abcXYZ_- é"))
def test_one_changed_character_is_noticed(seed: bytes, place: int, other: str):
    source = itertools.cycle([*seed, 7])
    text = issue(lambda n: bytes(next(source) for _ in range(n))).text
    place %= len(text)
    changed = text[:place] + other + text[place + 1 :]

    assert looks_valid(changed) == (changed == text)


@given(st.text(max_size=60))
def test_any_text_is_judged_without_an_error(text: str):
    assert looks_valid(text) is False
