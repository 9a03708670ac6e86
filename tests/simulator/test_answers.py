import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.simulator.answers import THOUGHT, Token, compose, fragments, until_stop, vector, words
from waypost.simulator.ask import Ask, Refused, Tool
from waypost.simulator.cache import Cached
from waypost.simulator.dice import Dice
from waypost.simulator.models import Behaviour, resolve

TOOLS = tuple(
    Tool(name, {"type": "object", "properties": {"city": {"type": "string"}}}) for name in ("a", "b", "c")
)


@given(st.text())
def test_splitting_loses_nothing(text: str) -> None:
    assert "".join(words(text)) == text
    assert "".join(fragments(text)) == text
    assert all(len(part) <= 4 for part in fragments(text))


@given(
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(0, 9),
    st.integers(1, 90),
    st.booleans(),
    st.integers(1, 4),
)
def test_the_output_limit_holds_for_every_choice(
    tokens: int, reasoning: int, audio: int, limit: int, show: bool, n: int
) -> None:
    behaviour = Behaviour(tokens=tokens, reasoning=reasoning, audio=audio, show=show)
    answer = compose(Ask("chat", "sim-fast", 5, choices=n, max_output=limit), behaviour, Dice(1, 1))
    planned = tokens + reasoning + audio
    assert [choice.output for choice in answer.choices] == [min(planned, limit)] * n
    assert {choice.finish for choice in answer.choices} == {"length" if planned > limit else "stop"}
    assert answer.reasoning == n * min(reasoning, limit)


def test_tool_calls() -> None:
    answer = compose(Ask("chat", "sim-tools", 5, tools=TOOLS), resolve("sim-tools", {}), Dice(1, 1))
    choice = answer.choices[0]
    assert [token.text for token in choice.tokens if token.form == "call"] == ["a", "b"]
    assert len(set(choice.call_ids)) == 2
    assert choice.finish == "tool_calls"
    one = compose(
        Ask("chat", "sim-tools", 5, tools=TOOLS, parallel=False), resolve("sim-tools", {}), Dice(1, 1)
    )
    assert len(one.choices[0].call_ids) == 1


def test_tool_choice() -> None:
    def called(choice: str, model: str = "sim-fast") -> list[str]:
        made = compose(Ask("chat", model, 5, tools=TOOLS, tool_choice=choice), resolve(model, {}), Dice(1, 1))
        return [token.text for token in made.choices[0].tokens if token.form == "call"]

    assert called("auto") == []
    assert called("=c") == ["c"]
    assert called("required") == ["a", "b"]
    assert called("none", "sim-tools") == []


def test_cached_tokens_never_exceed_the_prompt() -> None:
    answer = compose(
        Ask("chat", "sim-cached", 30, audio_input=25), resolve("sim-cached?cached=99", {}), Dice(1, 1)
    )
    assert (answer.prompt, answer.audio_input, answer.cached) == (30, 25, 5)


def test_an_answer_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(Refused):
        compose(Ask("chat", "sim-fast", 1, choices=128), Behaviour(tokens=10_000), Dice(1, 1))


def test_vectors_are_units_and_differ() -> None:
    one, other = vector(b"one", 8, 1), vector(b"other", 8, 1)
    assert one == vector(b"one", 8, 1) != other
    assert abs(sum(value * value for value in one) - 1) < 1e-12


@given(
    st.text(alphabet="ab ", max_size=20),
    st.lists(st.text(alphabet="ab ", min_size=1, max_size=3), max_size=3),
)
def test_an_answer_ends_before_the_first_stop_sequence(text: str, stops: list[str]) -> None:
    kept, stopped = until_stop([Token("text", part) for part in words(text)], stops)
    said = "".join([token.text for token in kept])
    found = [text.index(stop) for stop in stops if stop in text]
    assert said == (text[: min(found)] if found else text)
    assert (stopped in stops and text[len(said) :].startswith(stopped)) if found else stopped == ""
    assert all(token.text for token in kept)


@pytest.mark.parametrize(
    ("think", "own", "made"),
    [(None, 0, 0), (None, 5, 5), (True, 0, THOUGHT), (True, 5, 5), (False, 5, 0)],
)
def test_who_thinks(think: bool | None, own: int, made: int) -> None:
    ask = Ask("chat", "sim-fast", 5, think=think)
    assert compose(ask, Behaviour(reasoning=own), Dice(1, 1)).reasoning == made


@pytest.mark.parametrize(
    ("shown", "show", "redact", "seen"),
    [
        (None, False, False, 0),
        (None, True, False, 3),
        (True, False, False, 3),
        (False, True, False, 0),
        (True, True, True, 0),
    ],
)
def test_who_sees_thoughts(shown: bool | None, show: bool, redact: bool, seen: int) -> None:
    ask = Ask("chat", "sim-fast", 5, shown=shown)
    (choice,) = compose(ask, Behaviour(reasoning=3, show=show, redact=redact), Dice(1, 1)).choices
    assert (choice.count("reasoning"), choice.hidden) == (seen, 3 - seen)


def test_text_before_calls_and_calls_of_free_text() -> None:
    ask = Ask("chat", "sim-tools", 5, tools=(Tool("f", {}, free=True),), preface=2)
    for behaviour, count in ((Behaviour(act="tools"), 2), (Behaviour(act="tools", preface=4), 4)):
        (choice,) = compose(ask, behaviour, Dice(1, 1)).choices
        assert choice.count("text") == count
        assert len(choice.text("arguments").split()) == 8


def test_an_end_that_was_asked_for() -> None:
    (choice,) = compose(Ask("chat", "sim-fast", 5), Behaviour(finish="odd"), Dice(1, 1)).choices
    assert choice.finish == "odd"


@given(*[st.integers(0, 60) for _ in range(7)])
def test_cached_and_written_tokens_never_exceed_the_prompt(
    prompt: int, audio: int, cached: int, write: int, write_1h: int, read: int, wrote: int
) -> None:
    behaviour = Behaviour(cached=cached, cache_write=write, cache_write_1h=write_1h)
    ask = Ask("chat", "sim-fast", prompt, audio_input=audio)
    made = compose(ask, behaviour, Dice(1, 1), Cached(read, wrote, 0))
    assert made.audio_input + made.cached + made.cache_write + made.cache_write_1h <= made.prompt
    assert made.cached == min(max(cached, read), prompt - made.audio_input)
