"""The real process with the real tokenizer, and stand-ins for one that fails. Each test ends what it started."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from core.written import COUNTS, TEXTS
from waypost.app.token_counter import CountingProcess
from waypost.telemetry.logs import Log

Make = Callable[..., CountingProcess]


class _Stand:
    """A process that reads a question, and then does as it is told."""

    ENDS = (sys.executable, "-c", "import sys; sys.stdin.buffer.read(4)")
    SILENT = (sys.executable, "-c", "import sys; sys.stdin.buffer.read()")
    MISSING = ("/nonexistent/counter",)


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:

        def made(**options: object) -> CountingProcess:
            counter = CountingProcess(Log(io.StringIO(), lambda: 0.0), **options)  # type: ignore[arg-type]
            stack.push_async_callback(counter.close)
            return counter

        yield made


async def test_counts_are_exact_and_one_process_makes_them(make: Make) -> None:
    counter = make(answer_s=50.0)
    assert counter.pid is None
    both = await asyncio.gather(
        counter.count("o200k_base", [TEXTS["english"], TEXTS["chinese"]]),
        counter.count("o200k_base", [TEXTS["python"]]),
    )
    assert both == [COUNTS["english"][0] + COUNTS["chinese"][0], COUNTS["python"][0]]
    pid = counter.pid
    assert await counter.count("cl100k_base", [TEXTS["hindi"]]) == COUNTS["hindi"][1]
    assert counter.pid == pid


async def test_a_client_that_leaves_disturbs_nobody(make: Make) -> None:
    counter = make(answer_s=50.0)
    assert await counter.count("o200k_base", ["x"]) == 1
    pid = counter.pid
    left = asyncio.ensure_future(counter.count("o200k_base", [TEXTS["english"] * 500]))
    other = asyncio.ensure_future(counter.count("o200k_base", [TEXTS["json"]]))
    await asyncio.sleep(0)
    left.cancel()
    assert await other == COUNTS["json"][0]
    assert counter.pid == pid


async def test_without_the_tokenizer_nothing_is_started(make: Make) -> None:
    counter = make(installed=False, command=_Stand.MISSING)
    assert await counter.count("o200k_base", ["x"]) is None
    assert counter.pid is None


async def test_it_is_looked_for_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr("waypost.app.token_counter.find_spec", looked.append)
    counter = make()
    assert [await counter.count("o200k_base", ["x"]) for _ in range(2)] == [None, None]
    assert looked == ["tiktoken"]


@pytest.mark.parametrize("command", [_Stand.MISSING, _Stand.ENDS])
async def test_one_that_does_not_work_gives_no_count(make: Make, command: tuple[str, ...]) -> None:
    counter = make(installed=True, command=command, answer_s=50.0)
    assert await counter.count("o200k_base", ["x"]) is None
    assert await counter.count("o200k_base", ["x"]) is None
    assert counter.pid is None


async def test_one_that_is_silent_is_ended(make: Make) -> None:
    counter = make(installed=True, command=_Stand.SILENT, answer_s=0.2)
    assert await counter.count("o200k_base", ["x"]) is None
    assert counter.pid is None


async def test_an_idle_one_ends_and_the_next_question_starts_another(make: Make) -> None:
    counter = make(answer_s=50.0, idle_s=0.0)
    assert await counter.count("o200k_base", ["x"]) == 1
    await asyncio.sleep(0)  # two turns of the loop, with the timer due
    await asyncio.sleep(0)
    assert counter.pid is None
    assert await counter.count("o200k_base", ["x"]) == 1


async def test_too_much_at_once_is_not_waited_for(make: Make) -> None:
    counter = make(installed=True, command=_Stand.MISSING)
    assert await counter.count("o200k_base", ["x" * 8_000_000] * 3) is None
