"""The running gateway of a data folder, asked as its operator; or another one, asked with a key."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from waypost.cli.exits import Exit
from waypost.cli.link import GatewayLink, read_fault
from waypost.cli.output import fail
from waypost.errors import CallerError
from waypost.stores.lock import read_running


class Door(msgspec.Struct, frozen=True):
    """Where a gateway is asked, and with what."""

    url: str
    key: str | None

    def __repr__(self) -> str:
        return f"Door({self.url!r})"


def find_door(data: Path, url: str | None, key: str | None) -> Door:
    """The gateway that was named, else the one that runs on the data folder, whose lock file lets its owner in. Ends
    the command when there is none."""
    if url is not None:
        return Door(url, key)
    running = read_running(data)
    if running is None or not running.port:
        fail(
            f"No gateway is running on the data folder {data}.",
            Exit.UNREACHABLE,
            "Name its folder with --data, start one with `waypost serve`, or name one by --url and --key.",
        )
    host = f"[{running.host}]" if ":" in running.host else running.host
    return Door(f"http://{host}:{running.port}", key or running.token or None)


class Counter:
    """Asks one gateway, one question after the other, from code that is not asynchronous. Use as a context manager."""

    def __init__(self, door: Door) -> None:
        self._runner = asyncio.Runner()
        self._link = self._runner.run(_open(door))

    def __enter__(self) -> Counter:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._link.aclose())
        self._runner.close()

    def ask(self, method: str, path: str, body: object = None) -> bytes:
        """The JSON answer. Raises Unavailable, and CallerError with the gateway's own words."""
        status, answer = self.answer(method, path, body)
        if status != 200:
            raise CallerError(read_fault(answer))
        return answer

    def answer(
        self, method: str, path: str, body: object = None, lines: tuple[str, ...] = ()
    ) -> tuple[int, bytes]:
        """The status and the body of an answer, whatever it says. `lines`: more of the head. Raises Unavailable."""
        data = None if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
        return self._runner.run(self._link.ask(method, path, data, lines))


async def _open(door: Door) -> GatewayLink:
    return GatewayLink(door.url, door.key)
