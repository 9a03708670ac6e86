"""What every client SDK is told it used, what the ledger has and what the provider bills are one and the same."""

from __future__ import annotations

import urllib.request

import pytest

from gateway import GatewayProcess
from process.books import bill, billed, one_row_each, settle, sums_exact
from sdk.speakers.talk import Said, Speaker, Wishes
from sdk.targets import SPEAKERS, TARGETS
from simulated import SimulatorProcess
from waypost.core.money import parse_usd

pytestmark = pytest.mark.process

#: In the order of the bill's lines.
KINDS = (
    "input_tokens, cache_read_tokens, audio_input_tokens, output_tokens, reasoning_tokens, audio_output_tokens, "
    "cache_write_tokens, cache_write_1h_tokens, cost_nusd"
)
REASONING = 4
#: They do not say how many of the tokens were reasoning; those cost what others cost.
MUTE = ("bed", "coh")


def lines_of(gateway: GatewayProcess, target: str) -> dict[object, tuple[int, ...]]:
    """By attempt."""
    found = gateway.query(f"select attempt_id, {KINDS} from lines where provider = ?", target)
    return {attempt: tuple(int(str(value or 0)) for value in line) for attempt, *line in found}


def a_bit_of_everything(speaker: Speaker, target: str) -> list[Said]:
    said = [speaker.talk(f"{target}-echo").say("one two three")]
    said.append(speaker.talk(f"{target}-echo", streams=True).say("one two three four"))
    talk = speaker.talk(f"{target}-tools", Wishes(tools=("weather", "time")), streams=True)
    said.append(talk.say("hello there"))
    talk.model = f"{target}-thinks"
    said.append(talk.answer([(call, "fine") for call in said[-1].calls]))
    said.append(speaker.talk(f"{target}-cached").say("some words that were there before"))
    said.append(speaker.talk(f"{target}-cached", streams=True).say("some words that were there before"))
    return said


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", SPEAKERS)
def test_the_books_agree(
    crossing: GatewayProcess, many: SimulatorProcess, speakers: dict[str, Speaker], name: str, target: str
) -> None:
    settle(crossing, many)
    before = lines_of(crossing, target)
    urllib.request.urlopen(
        urllib.request.Request(f"{many.root}/bill/reset", method="POST"), timeout=20
    ).close()
    said = a_bit_of_everything(speakers[name], target)
    settle(crossing, many)

    page = bill(many)
    after = lines_of(crossing, target)
    expected, found = billed(page), sorted(after[attempt] for attempt in after.keys() - before.keys())
    if target in MUTE:
        expected = sorted((*line[:REASONING], 0, *line[REASONING + 1 :]) for line in expected)
    assert found == expected
    assert len(found) == len(said) == 6

    # In the order in which they were asked: the client's own figures, line by line.
    for line, answer in zip(page.entries, said, strict=True):
        assert (answer.counted.input, answer.counted.output) == (line.tokens.prompt, line.tokens.completion)
        if answer.counted.cached is not None:
            assert answer.counted.cached == line.tokens.cached
        if answer.counted.reasoning is not None and target not in MUTE:
            assert answer.counted.reasoning == line.tokens.reasoning
        if "x-waypost-cost" in answer.headers:
            assert parse_usd(answer.headers["x-waypost-cost"]) == line.nusd
    assert sum("x-waypost-cost" in answer.headers for answer in said) == 2


def test_every_exchange_has_one_row_and_the_sums_are_exact(
    crossing: GatewayProcess, many: SimulatorProcess
) -> None:
    """Whatever the tests before this one did to this gateway, faults included."""
    settle(crossing, many)
    one_row_each(crossing)
    sums_exact(crossing)
