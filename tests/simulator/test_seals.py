from hypothesis import given
from hypothesis import strategies as st

from waypost.simulator.seals import Seals

TEXTS = st.text(alphabet=st.characters(codec="utf-8"))


@given(TEXTS, TEXTS)
def test_a_signature_holds_for_its_text_only(text: str, other: str) -> None:
    seals = Seals(1)
    signature = seals.seal("a", text)
    assert seals.holds("a", text, signature)
    assert seals.holds("a", other, signature) == (text == other)
    assert not seals.holds("b", text, signature)
    assert not Seals(2).holds("a", text, signature)
    assert not seals.holds("a", text, signature[:-1])


@given(TEXTS, st.integers(0, 200))
def test_what_is_wrapped_comes_back_unless_it_was_changed(text: str, place: int) -> None:
    seals = Seals(1)
    wrapped = seals.wrap("a", text)
    assert seals.unwrap("a", wrapped) == text
    assert seals.unwrap("a", wrapped.replace("+", "-").replace("/", "_")) == text
    assert seals.unwrap("b", wrapped) is None
    assert Seals(2).unwrap("a", wrapped) is None
    at = place % 32
    changed = wrapped[:at] + ("A" if wrapped[at] != "A" else "B") + wrapped[at + 1 :]
    assert seals.unwrap("a", changed) is None


def test_nonsense_is_not_ours() -> None:
    assert [Seals(1).unwrap("a", text) for text in ("", "%%", "AAAA", "é")] == [None] * 4
