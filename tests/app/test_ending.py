from __future__ import annotations

import asyncio

from waypost.app.ending import end_all


async def test_a_task_that_loses_cancellations_is_asked_again() -> None:
    lost: list[str] = []

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if len(lost) == 3:
                    raise
                lost.append("once more")

    async def faulty() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("at its end")

    async def ended() -> None: ...

    tasks = [asyncio.create_task(work()) for work in (stubborn, faulty, ended)]
    await asyncio.sleep(0)
    await end_all(tasks, again_s=0.0)
    assert (len(lost), [task.done() for task in tasks]) == (3, [True, True, True])
    assert isinstance(tasks[1].exception(), ValueError)


async def test_nothing_to_end() -> None:
    await end_all(())
