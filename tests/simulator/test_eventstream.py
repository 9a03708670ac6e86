import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulated import amazon
from waypost.simulator.eventstream import damaged, event, exception, message


def test_a_message_byte_by_byte() -> None:
    # From the documentation: 16 bytes beside headers and payload; the CRC of an empty message is known.
    assert message({}, b"") == bytes.fromhex("0000001000000000 05c248eb 7d98c8ff")


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abc"), st.text(alphabet=st.characters(codec="utf-8"))), max_size=4
    )
)
def test_what_is_written_can_be_read(given_data: list[dict[str, str]]) -> None:
    whole = b"".join([event("x", data) for data in given_data]) + exception("y", {"message": "é"})
    assert amazon(whole) == [*[("x", data) for data in given_data], ("y", {"message": "é"})]


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_damage_is_seen(cut: int) -> None:
    good = event("x", {})
    assert amazon(damaged(good) + good) == [("x", {})]
    assert amazon(good + good[:-cut]) == [("x", {})]
