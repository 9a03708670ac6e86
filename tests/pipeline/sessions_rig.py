"""A pipeline of sessions with both sides scripted: `FakeSocket`s that write down, and tell what a test makes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from transcript import KEY_TEXT, RecordingClient, Stage, provider, target
from waypost.config.targets import Target
from waypost.core.asked import PathAsk
from waypost.core.origin import Deadlines, Origin
from waypost.dialects.lane import Lanes
from waypost.dialects.registry import DIALECTS
from waypost.pipeline.exchange import Call
from waypost.pipeline.sessions import Sessions
from waypost.pipeline.settle import Settle
from waypost.policy.authenticate import Authenticate
from waypost.ports import Ended, Opening, Socket
from waypost.telemetry.logs import Log


class FakeSocket:
    def __init__(self) -> None:
        self.heard = True
        self.ended = False
        self.sent: list[bytes] = []
        self.resting: list[bool] = []
        self.closed: tuple[int, str] | None = None
        self.pings = 0
        self.listening = asyncio.Event()

    def listen(
        self,
        on_message: Callable[[bytes, bool], None],
        on_end: Callable[[Ended], None],
        on_pressure: Callable[[bool], None],
    ) -> None:
        self.tell, self.end, self.press = on_message, on_end, on_pressure
        self.listening.set()

    def send(self, message: bytes, text: bool) -> None:
        if not self.ended:
            self.sent.append(message)

    def ping(self) -> None:
        self.pings += 1

    def rest(self, resting: bool) -> None:
        self.resting.append(resting)

    def close(self, code: int, reason: str = "") -> None:
        if not self.ended:
            self.ended, self.closed = True, (code, reason)

    def leave(self, ended: Ended) -> None:
        self.ended = True
        self.end(ended)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(message) for message in self.sent]


class FakeClient(RecordingClient):
    def __init__(self) -> None:
        super().__init__()
        self.socket = FakeSocket()
        self.close_code = 0
        self.accepted: list[tuple[bytes, bytes]] = []

    def accept(self, headers: list[tuple[bytes, bytes]]) -> Socket:
        self.accepted = headers
        return self.socket

    async def write(self, chunk: bytes) -> None:
        self.socket.send(chunk, True)

    async def finish(self) -> None:
        self.socket.close(self.close_code)


class Opened:
    def __init__(self, status: int = 101, body: bytes = b"") -> None:
        self.status, self.body = status, body
        self.headers = [(b"openai-version", b"1"), (b"openai-organization", b"org")]
        self.socket: Any = FakeSocket() if status == 101 else None


class FakeSockets:
    def __init__(self, script: list[Opened | Exception]) -> None:
        self.script = script
        self.heads: list[tuple[Origin, bytes]] = []

    async def connect(self, origin: Origin, head: bytes, deadlines: Deadlines) -> Opening:
        self.heads.append((origin, head))
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


class Talk:
    """One pipeline of sessions. `async with talk.session():` is one that has begun."""

    def __init__(self, *script: Opened | Exception, targets: tuple[Target, ...] = (), **stage: Any) -> None:
        talks = provider(dialects=("openai_realtime",))
        self.stage = Stage(targets=targets or (target(talks),), **stage)
        self.opened = Opened()
        self.sockets = FakeSockets(list(script) or [self.opened])
        stage_ = self.stage
        self.sessions = Sessions(
            lanes=Lanes(DIALECTS),
            board=stage_.board,
            planner=stage_.planner,
            entrance=stage_.entrance,
            own=stage_.own,
            snapshot=lambda: stage_.snapshot,
            clock=stage_.clock,
            random=lambda: 0.25,
            sleep=stage_._sleep,
            authenticate=Authenticate(stage_.keys, stage_.clock, stage_.directory),
            directory=stage_.directory,
            limits=stage_.limits,
            ledger=stage_.ledger,
            upstream=stage_.upstream,
            settle=Settle(stage_.clock, stage_.ledger, stage_.metrics),
            log=Log(stage_.log, stage_.clock.wall),
            sockets=self.sockets,
        )
        self.client = FakeClient()

    def start(
        self, query: bytes = b"model=fast", headers: dict[bytes, bytes] | None = None
    ) -> asyncio.Task[None]:
        call = Call(
            dialect=DIALECTS["openai_realtime"],
            body=b"",
            headers=headers or {},
            key=KEY_TEXT,
            exchange_id="x1",
            received=self.stage.clock.monotonic(),
            client=self.client,
            path=PathAsk(query=query),
        )
        return asyncio.get_running_loop().create_task(self.sessions.run(call))

    async def begin(self, query: bytes = b"model=fast") -> asyncio.Task[None]:
        """A session that relays."""
        task = self.start(query)
        await self.upstream.listening.wait()
        return task

    @property
    def upstream(self) -> FakeSocket:
        socket: FakeSocket = self.opened.socket
        return socket

    def say(self, kind: str, **fields: object) -> bytes:
        """The client sends an event."""
        data = msgspec.json.encode({"type": kind, **fields})
        self.client.socket.tell(data, True)
        return data

    def answer(self, kind: str, **fields: object) -> bytes:
        """The provider sends one."""
        data = msgspec.json.encode({"type": kind, **fields})
        self.upstream.tell(data, True)
        return data

    def turn(self, input: int = 10, output: int = 5, response: str = "r") -> None:
        """The provider makes and reports one response."""
        self.answer("response.created", response={"id": response})
        usage = {"input_tokens": input, "output_tokens": output}
        self.answer("response.done", response={"id": response, "usage": usage})
