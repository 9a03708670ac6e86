"""When each token of an answer is due, in the order they are written, and the framing of server-sent events."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import msgspec

from waypost.simulator.answers import Answer, Choice, Token
from waypost.simulator.wire import Made


class Beat(msgspec.Struct, frozen=True, gc=False):
    """One token of a choice, or (`token` None) its end. `made` is what exists once it is written; hidden reasoning
    is counted with the first beat of its choice. `total` counts the output tokens so far."""

    due_s: float
    place: int
    at: int
    token: Token | None
    made: Made
    total: int


def beats(answer: Answer) -> Iterator[Beat]:
    """All choices, interleaved by when their tokens are due."""
    total = 0
    for due, at, place in heapq.merge(*[_slots(answer, place) for place in range(len(answer.choices))]):
        choice = answer.choices[place]
        hidden = choice.hidden if at == 0 else 0
        if at == len(choice.tokens):
            total += hidden
            yield Beat(due, place, at, None, Made(hidden, hidden), total)
            continue
        token = choice.tokens[at]
        total += 1 + hidden
        made = Made(1 + hidden, hidden + (token.form == "reasoning"), int(token.form == "audio"))
        yield Beat(due, place, at, token, made, total)


def _slots(answer: Answer, place: int) -> Iterator[tuple[float, int, int]]:
    """When each token of a choice is due; hidden reasoning takes its time too. The last slot is the end."""
    choice = answer.choices[place]
    for at in range(len(choice.tokens)):
        yield answer.first_s + (choice.hidden + at) * answer.gap_s, at, place
    yield answer.first_s + max(0, choice.output - 1) * answer.gap_s, len(choice.tokens), place


class Block(msgspec.Struct, frozen=True):
    """Tokens of a choice that belong together: its reasoning, its text, or one call."""

    form: str
    text: str
    """Of a call: the name."""
    at: int = 0
    arguments: str = ""


def group(token: Token) -> tuple[str, int]:
    """Which block a token is part of: `reasoning`, `text` (refusals too) or `call`, and the number of the call."""
    if token.form in ("call", "arguments"):
        return "call", token.at
    return ("reasoning" if token.form == "reasoning" else "text"), 0


def blocks(choice: Choice) -> list[Block]:
    """A choice's tokens, joined into blocks."""
    made: list[Block] = []
    last: tuple[str, int] | None = None
    for token in choice.tokens:
        key = group(token)
        if key != last:
            made.append(Block(key[0], "", key[1]))
            last = key
        block = made[-1]
        if token.form == "arguments":
            made[-1] = msgspec.structs.replace(block, arguments=block.arguments + token.text)
        else:
            made[-1] = msgspec.structs.replace(block, text=block.text + token.text)
    return made


def sse(data: object, event: str = "") -> bytes:
    """One server-sent event."""
    body = b"data: " + msgspec.json.encode(data) + b"\n\n"
    return b"event: " + event.encode() + b"\n" + body if event else body
