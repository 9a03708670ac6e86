import pytest

from waypost.simulator.ask import Ask, Refused
from waypost.simulator.dialect import Lock, Request, Stamp
from waypost.simulator.openai_dialect import OpenAI, bearer, duration


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.006, b"6ms"), (-5, b"0ms"), (1, b"1s"), (59.5, b"59.5s"), (3600, b"60m0s")]
)
def test_durations(seconds: float, text: bytes) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("given", [None, b"secret", b"Bearer other", b"bearer secret"])
def test_a_wrong_key_is_refused(given: bytes | None) -> None:
    bearer(b"Bearer secret", Lock("secret"))
    bearer(given, Lock())
    with pytest.raises(Refused) as refused:
        bearer(given, Lock("secret"))
    assert refused.value.status == 401


def test_a_padded_event_has_its_size() -> None:
    assert len(OpenAI().odd(Ask("chat", "m", 1), Stamp("a", "req_1", 1, 1, 0)).padded(500)) == 500


def test_what_is_for_a_model() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'
    asked = OpenAI().parse(Request("POST", "/chat/completions", "", {}, body))
    assert asked is not None
    assert asked.model == "m"
    assert OpenAI().parse(Request("GET", "/models", "", {}, b"")) is None
