import msgspec
from hypothesis import given
from hypothesis import strategies as st

from waypost.simulator.answers import Answer, Choice, Token, compose
from waypost.simulator.ask import Ask, Tool
from waypost.simulator.dice import Dice
from waypost.simulator.models import Behaviour
from waypost.simulator.stream import beats, blocks, group, sse


@given(
    n=st.integers(1, 3),
    tokens=st.integers(0, 6),
    reasoning=st.integers(0, 4),
    show=st.booleans(),
    tps=st.sampled_from([0.0, 10.0]),
)
def test_beats_come_in_time_and_bill_everything(
    n: int, tokens: int, reasoning: int, show: bool, tps: float
) -> None:
    behaviour = Behaviour(tokens=tokens, reasoning=reasoning, show=show, tps=tps, ttft_ms=100)
    answer = compose(Ask("chat", "sim-fast", 1, choices=n), behaviour, Dice(1, 1))
    made = list(beats(answer))
    assert [beat.due_s for beat in made] == sorted(beat.due_s for beat in made)
    assert sum(beat.made.output for beat in made) == answer.output == made[-1].total
    assert sum(beat.made.reasoning for beat in made) == answer.reasoning
    assert sum(1 for beat in made if beat.token is None) == n
    assert made[-1].due_s == answer.last_s


def test_blocks() -> None:
    ask = Ask("chat", "sim-tools", 1, tools=(Tool("f", {}), Tool("g", {}, free=True)), preface=2)
    behaviour = Behaviour(act="tools", reasoning=3, show=True)
    (choice,) = compose(ask, behaviour, Dice(1, 1)).choices
    made = blocks(choice)
    assert [(block.form, block.at) for block in made] == [
        ("reasoning", 0),
        ("text", 0),
        ("call", 0),
        ("call", 1),
    ]
    assert [block.text for block in made[2:]] == ["f", "g"]
    assert made[2].arguments == "{}"
    assert len(made[3].arguments.split()) == 8
    text = "".join([token.text for token in choice.tokens])
    assert "".join([block.text + block.arguments for block in made]) == text
    assert blocks(Answer([Choice([])], 1, 0, 0, 0, 0).choices[0]) == []


def test_a_refusal_is_text() -> None:
    assert group(Token("refusal", "no")) == ("text", 0)


def test_events() -> None:
    assert sse({"a": "é"}) == 'data: {"a":"é"}\n\n'.encode()
    assert sse([], "x") == b"event: x\ndata: []\n\n"
    assert msgspec.json.decode(sse({"b": 1}).removeprefix(b"data: ")) == {"b": 1}
