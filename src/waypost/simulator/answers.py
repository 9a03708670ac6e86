"""What a model answers: content by the token, decided by the seed, with no wire format in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from waypost.simulator.ask import Ask, Refused, Tool
from waypost.simulator.cache import COLD, Cached
from waypost.simulator.dice import Dice, mix
from waypost.simulator.instances import WORDS, instance
from waypost.simulator.models import Behaviour

#: Purposes of a request's draws; choices take blocks of 16 from `CHOICE` on.
LATENCY, CHANCE, REQUEST_ID, ANSWER_ID, CHOICE = 1, 2, 4, 8, 64

#: Tokens of all choices together.
MAX_OUTPUT = 1_000_000

Form = Literal["text", "reasoning", "refusal", "call", "arguments", "audio"]

#: Reasoning tokens of a model that does not reason by itself, when a client asks for them.
THOUGHT = 8

_WORD = re.compile(r"\s*\S+|\s+")
_EMPTY_OBJECT: dict[str, object] = {"type": "object", "properties": {"answer": {"type": "string"}}}


class Token(msgspec.Struct, frozen=True, gc=False):
    """One generated token: the text it adds. `call`: the text is the function's name; `at` numbers the calls."""

    form: Form
    text: str
    at: int = 0


class Choice(msgspec.Struct, frozen=True):
    """One answer. `hidden` reasoning tokens come before `tokens` and have no text.

    `finish` is `stop`, `length`, `tool_calls`, `stop_sequence` (then `stopped` is that sequence), or whatever the
    parameter `finish` says. `seed` is for what a dialect still has to choose.
    """

    tokens: Sequence[Token]
    finish: str = "stop"
    hidden: int = 0
    call_ids: tuple[str, ...] = ()
    stopped: str = ""
    seed: int = 0

    @property
    def output(self) -> int:
        return self.hidden + len(self.tokens)

    def text(self, form: Form, at: int = 0) -> str:
        """The text of all tokens of a form (and call), joined."""
        return "".join([token.text for token in self.tokens if token.form == form and token.at == at])

    def count(self, form: Form) -> int:
        return sum(1 for token in self.tokens if token.form == form)


class Answer(msgspec.Struct, frozen=True):
    """Everything that is known before the first byte is written."""

    choices: Sequence[Choice]
    prompt: int
    cached: int
    audio_input: int
    first_s: float
    """Due time of the first token."""
    gap_s: float
    """Between two tokens of one choice."""
    cache_write: int = 0
    """Prompt tokens written to the five-minute cache; `cached`, this, the next one and the audio never overlap."""
    cache_write_1h: int = 0

    @property
    def output(self) -> int:
        return sum(choice.output for choice in self.choices)

    @property
    def reasoning(self) -> int:
        return sum(choice.hidden + choice.count("reasoning") for choice in self.choices)

    @property
    def audio(self) -> int:
        return sum(choice.count("audio") for choice in self.choices)

    @property
    def last_s(self) -> float:
        """Due time of the last token of the longest choice."""
        longest = max((choice.output for choice in self.choices), default=0)
        return self.first_s + max(0, longest - 1) * self.gap_s


def compose(ask: Ask, behaviour: Behaviour, dice: Dice, cache: Cached = COLD) -> Answer:
    """Decide the whole answer; `cache` is what the marks of the request found and wrote.

    Raises Refused when it would have more than `MAX_OUTPUT` tokens.
    """
    if ask.choices * (behaviour.tokens + behaviour.reasoning + behaviour.audio) > MAX_OUTPUT:
        raise Refused(
            400, f"An answer of more than {MAX_OUTPUT} tokens is not simulated.", code="invalid_value"
        )
    prompt = ask.prompt_tokens if behaviour.prompt_tokens is None else behaviour.prompt_tokens
    audio_input = min(ask.audio_input, prompt)
    cached = max(behaviour.cached, prompt * behaviour.cached_percent // 100, cache.read)
    cached = min(cached, prompt - audio_input)
    write = min(max(behaviour.cache_write, cache.write), prompt - audio_input - cached)
    write_1h = min(max(behaviour.cache_write_1h, cache.write_1h), prompt - audio_input - cached - write)
    return Answer(
        choices=[_choice(ask, behaviour, dice, place) for place in range(ask.choices)],
        prompt=prompt,
        cached=cached,
        audio_input=audio_input,
        first_s=behaviour.latency_s(dice.unit(LATENCY)),
        gap_s=1 / behaviour.tps if behaviour.tps else 0.0,
        cache_write=write,
        cache_write_1h=write_1h,
    )


def _choice(ask: Ask, behaviour: Behaviour, dice: Dice, place: int) -> Choice:
    seed = dice.draw(CHOICE + place * 16)
    tokens, finish, call_ids = _content(ask, behaviour, dice, place, seed)
    tokens, stopped = until_stop(tokens, ask.stop)
    if stopped:
        finish = "stop_sequence"
    if behaviour.audio and ask.audible and not call_ids:
        tokens += [Token("audio", f"{mix(seed + i):016x}") for i in range(behaviour.audio)]
    hidden = reasoning = _reasoning(ask, behaviour)
    if (behaviour.show if ask.shown is None else ask.shown) and not behaviour.redact:
        hidden = 0
        tokens = [Token("reasoning", text) for text in prose(reasoning, seed ^ 1)] + tokens
    limit = ask.max_output
    if limit is not None and hidden + len(tokens) > limit:
        hidden = min(hidden, limit)
        tokens = tokens[: limit - hidden]
        finish, stopped = "length", ""
    return Choice(tokens, behaviour.finish or finish, hidden, call_ids, stopped, seed)


def _reasoning(ask: Ask, behaviour: Behaviour) -> int:
    if ask.think is None:
        return behaviour.reasoning
    return (behaviour.reasoning or THOUGHT) if ask.think else 0


def until_stop(tokens: list[Token], stops: Sequence[str]) -> tuple[list[Token], str]:
    """The tokens before the first stop sequence in their text, and that sequence; all and "" without one."""
    if not stops:
        return tokens, ""
    text = "".join([token.text for token in tokens if token.form == "text"])
    found = [(text.index(stop), stop) for stop in stops if stop and stop in text]
    if not found:
        return tokens, ""
    left, stopped = min(found)
    kept: list[Token] = []
    for token in tokens:
        if token.form == "text":
            part = token.text[:left]
            left -= len(part)
            if part:
                kept.append(Token("text", part))
            if not left:
                break
        else:
            kept.append(token)
    return kept, stopped


def _content(
    ask: Ask, behaviour: Behaviour, dice: Dice, place: int, seed: int
) -> tuple[list[Token], str, tuple[str, ...]]:
    tools = _called(ask, behaviour)
    if tools:
        ids = tuple("call_" + dice.name(CHOICE + place * 16 + 2 * at + 2) for at in range(len(tools)))
        count = ask.preface if behaviour.preface is None else behaviour.preface
        said = [Token("text", text) for text in prose(count, seed ^ 2)]
        return said + _calls(tools, seed), "tool_calls", ids
    if ask.schema is not None or behaviour.act == "json":
        made = instance(ask.schema or _EMPTY_OBJECT, seed)
        return [Token("text", part) for part in fragments(msgspec.json.encode(made).decode())], "stop", ()
    if behaviour.act == "refuse":
        return [Token("refusal", text) for text in prose(behaviour.tokens, seed)], "stop", ()
    if behaviour.act == "echo":
        return [Token("text", text) for text in words(ask.last_text)], "stop", ()
    return [Token("text", text) for text in prose(behaviour.tokens, seed)], "stop", ()


def _called(ask: Ask, behaviour: Behaviour) -> Sequence[Tool]:
    """The tools that this answer calls: those demanded, or for `sim-tools` the first few."""
    choice = ask.tool_choice
    if choice == "none" or not ask.tools:
        return ()
    if choice.startswith("="):
        return [tool for tool in ask.tools if tool.name == choice[1:]]
    if choice != "required" and behaviour.act != "tools":
        return ()
    return ask.tools[: behaviour.calls if ask.parallel else 1]


def _calls(tools: Sequence[Tool], seed: int) -> list[Token]:
    """A call is its name (one token) and then its arguments in fragments (one token each)."""
    tokens: list[Token] = []
    for at, tool in enumerate(tools):
        tokens.append(Token("call", tool.name, at))
        if tool.free:
            tokens += [Token("arguments", part, at) for part in prose(8, mix(seed + at))]
            continue
        arguments = msgspec.json.encode(instance(tool.schema or {"type": "object"}, mix(seed + at))).decode()
        tokens += [Token("arguments", part, at) for part in fragments(arguments)]
    return tokens


def prose(count: int, seed: int) -> list[str]:
    """That many words, each with its leading space but the first."""
    size = len(WORDS)
    made = [" " + WORDS[mix(seed + i) % size] for i in range(count)]
    if made:
        made[0] = made[0][1:].capitalize()
    return made


def words(text: str) -> list[str]:
    """Split so that joining gives the text back: one token per word, with the space before it."""
    return _WORD.findall(text)


def fragments(text: str) -> list[str]:
    """Pieces of at most four characters."""
    return [text[i : i + 4] for i in range(0, len(text), 4)]


def vector(data: bytes, dimensions: int, seed: int) -> list[float]:
    """A unit vector for this input: the same input and seed give the same vector, other inputs another one."""
    state = seed & ((1 << 64) - 1)
    for start in range(0, len(data), 8):
        state = mix(state ^ int.from_bytes(data[start : start + 8], "little"))
    raw = [(mix(state + i) >> 11) / (1 << 52) - 1.0 for i in range(dimensions)]
    length = sum(value * value for value in raw) ** 0.5 or 1.0
    return [value / length for value in raw]
