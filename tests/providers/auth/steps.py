"""Plays the other side of a source: says each answer in turn, and keeps what was asked."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

from waypost.errors import UpstreamError
from waypost.providers.auth.renewal import Ask, Said, Wanted

T = TypeVar("T")
NOW = 1_795_608_000.0  # 2026-11-25 12:00 UTC


def walk(
    steps: Generator[Wanted, Said, T], answers: Sequence[Said | bytes | UpstreamError]
) -> tuple[list[Wanted], T]:
    """What was wanted, in order, and what came of it."""
    wanted: list[Wanted] = []
    left = list(answers)
    try:
        step = next(steps)
        while True:
            wanted.append(step)
            answer = left.pop(0)
            if isinstance(answer, UpstreamError):
                step = steps.throw(answer)
            else:
                step = steps.send(answer if isinstance(answer, Said) else Said(200, answer))
    except StopIteration as end:
        assert not left, "more was answered than asked"
        result: T = end.value
        return wanted, result


def ask(wanted: Wanted) -> Ask:
    assert isinstance(wanted, Ask)
    return wanted
