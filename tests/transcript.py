"""A pipeline with a scripted upstream, a fake clock and a client that writes down what it receives.

A test reads as a transcript: what the targets will do, what the client asks, what went over each wire, what was
booked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from io import StringIO
from typing import cast

import msgspec

from boards import OpenBoard, Plans
from waypost.config.snapshot import Route, Settings, Snapshot
from waypost.config.targets import Credential, Provider, Target
from waypost.core.asked import PathAsk
from waypost.core.facts import ModelFacts
from waypost.core.key import Key
from waypost.core.limit import LimitUnit, Need, Shown
from waypost.core.objects import KIND_OF, Change, Object
from waypost.core.origin import Deadlines, Origin
from waypost.core.price import Tariff, UnitRates
from waypost.core.record import Attempt, Checkpoint, DispatchMark, Exchange
from waypost.core.rules import FreeShare, Pace, Rules
from waypost.core.stored import StoredResponse
from waypost.core.usage import Usage
from waypost.dialects.dialect import NO_PATH
from waypost.dialects.lane import Lanes
from waypost.dialects.registry import DIALECTS
from waypost.errors import BudgetExceeded, StoreUnavailable
from waypost.ledger.accounts import Accounts
from waypost.ledger.purse import Purse, PurseHold
from waypost.pipeline.entrance import Entrance
from waypost.pipeline.exchange import Call
from waypost.pipeline.queue import Waiting
from waypost.pipeline.run import Pipeline
from waypost.pipeline.settle import Settle
from waypost.policy.authenticate import Authenticate
from waypost.policy.directory import Directory
from waypost.policy.limits import Limits
from waypost.ports import Hold, Taken, TokenCounter
from waypost.ports import Limits as LimitsPort
from waypost.routing.limiter import Limiter
from waypost.routing.own import OwnKeys
from waypost.stores.memory import MemoryReplays
from waypost.telemetry.logs import Log
from waypost.telemetry.metrics import Metrics

KEY_TEXT = b"transcript-key"


class FakeClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def wall(self) -> float:
        return 1_790_000_000.0 + self.now

    def monotonic(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class FlatTariff:
    """Input costs 1 nano-dollar per token, output 10."""

    version = "flat-1"
    flat = None

    def cost(self, usage: Usage, at: float, tier: str | None = None) -> int:
        return usage.input + 10 * usage.output

    def ceiling(self, input_tokens: int, output_tokens: int, *_: object) -> int:
        return input_tokens + 10 * output_tokens

    def unit_rates(self, at: float) -> UnitRates | None:
        return None


class NoCatalog:
    def find(self, provider: str, model: str) -> tuple[Tariff | None, ModelFacts]:
        return None, ModelFacts()


class FakeKeys:
    def __init__(self, keys: Sequence[Key]) -> None:
        self.rows = {key.digest: key for key in keys}
        self.loaded: dict[bytes, Key] = {}
        self.lookups = 0

    def cached(self, digest: bytes) -> Key | None:
        return self.loaded.get(digest)

    async def lookup(self, digest: bytes) -> Key | None:
        self.lookups += 1
        key = self.rows.get(digest)
        if key is not None:
            self.loaded[digest] = key
        return key


class FakeResponses:
    """Keeps answers in memory, or is away."""

    def __init__(self) -> None:
        self.rows: dict[str, StoredResponse] = {}
        self.away = False

    async def put(self, stored: StoredResponse) -> None:
        if self.away:
            raise StoreUnavailable("The database does not answer.")
        self.rows[stored.response_id] = stored

    async def get(self, response_id: str, key_id: str, at: float) -> StoredResponse | None:
        found = self.rows.get(response_id)
        return found if found and found.key_id == key_id and found.expires_at > at else None

    async def delete(self, response_id: str, key_id: str) -> bool:
        return self.rows.pop(response_id, None) is not None


class FakeHold:
    def __init__(self, amount: int) -> None:
        self.amount_nusd = amount
        self.accounts: tuple[str, ...] = ("key:k1:total",)
        self.closed = False


class FakeLedger:
    """Writes down every call; refuses a second settlement."""

    def __init__(self, limit: int | None = None) -> None:
        self.ready: str | None = None
        self.limit = limit
        self.no_more = False
        self.holds: list[FakeHold] = []
        self.marks: list[DispatchMark] = []
        self.checkpoints: list[Checkpoint] = []
        self.settled: list[Exchange] = []

    def try_reserve(self, rules: Rules, amount_nusd: int, at: float, *, free: bool = False) -> Hold | None:
        if self.limit is not None and amount_nusd > self.limit:
            raise BudgetExceeded("The budget is spent.")
        hold = FakeHold(amount_nusd)
        self.holds.append(hold)
        return hold

    def extend(self, hold: Hold, rules: Rules, more_nusd: int, at: float) -> None:
        assert isinstance(hold, FakeHold)
        assert not hold.closed
        if self.no_more or (self.limit is not None and hold.amount_nusd + more_nusd > self.limit):
            raise BudgetExceeded("The budget is spent.")
        hold.amount_nusd += more_nusd

    async def enlarge(
        self, hold: Hold, rules: Rules, more_nusd: int, at: float, *, wait: bool = True
    ) -> None:
        self.extend(hold, rules, more_nusd, at)

    def keep_ahead(self, hold: Hold) -> None: ...

    def left(self, rules: Rules, at: float) -> int | None:
        return self.limit

    def left_free(self, share: FreeShare, at: float) -> int | None:
        return None

    async def load(self, rules: Rules, at: float, amount_nusd: int = 0) -> None:
        raise AssertionError("nothing to load")

    def dispatch(self, mark: DispatchMark) -> None:
        self.marks.append(mark)

    async def durable(self) -> None:
        return None

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        self.checkpoints.append(checkpoint)

    def settle(self, hold: Hold | None, exchange: Exchange) -> None:
        if isinstance(hold, FakeHold):
            assert not hold.closed, "settled twice"
            hold.closed = True
        assert exchange.exchange_id not in {done.exchange_id for done in self.settled}, "settled twice"
        self.settled.append(exchange)


class PurseLedger(FakeLedger):
    """The same with a real purse; what was posted before is in `posted`."""

    def __init__(self) -> None:
        super().__init__()
        self.purse = Purse()
        self.specs = Accounts()
        self.posted: dict[str, int] = {}

    def try_reserve(self, rules: Rules, amount_nusd: int, at: float, *, free: bool = False) -> Hold | None:
        hold = self.purse.reserve(self.specs.of(rules, at), amount_nusd, at, free=free)
        if hold is not None:
            self.holds.append(hold)  # type: ignore[arg-type]
        return hold

    def extend(self, hold: Hold, rules: Rules, more_nusd: int, at: float) -> None:
        self.purse.extend(cast(PurseHold, hold), self.specs.of(rules, at), more_nusd, at)

    def keep_ahead(self, hold: Hold) -> None: ...

    def left(self, rules: Rules, at: float) -> int | None:
        return self.purse.left(self.specs.of(rules, at))

    def left_free(self, share: FreeShare, at: float) -> int | None:
        (spec,) = self.specs.of(share.only, at)
        return self.purse.left_of(spec)

    async def load(self, rules: Rules, at: float, amount_nusd: int = 0) -> None:
        for spec in self.purse.missing(self.specs.of(rules, at)):
            self.purse.open(spec, self.posted.get(spec.account_id, 0), at)

    def settle(self, hold: Hold | None, exchange: Exchange) -> None:
        super().settle(hold, exchange)
        if hold is not None:
            cost = sum(attempt.cost_nusd or 0 for attempt in exchange.attempts)
            self.purse.close(cast(PurseHold, hold), cost, exchange.attempts)


class ScriptedAnswer:
    def __init__(
        self,
        status: int,
        body: bytes | None,
        steps: Sequence[bytes | BaseException | Callable[[], Awaitable[None]]] = (),
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        self.status = status
        self.body = body
        self.headers = list(headers)
        self.steps = list(steps)
        self.closed = False

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.headers if key == name), None)

    async def next(self) -> bytes:
        while self.steps:
            step = self.steps.pop(0)
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, bytes):
                return step
            await step()
        return b""

    async def pump(
        self, deliver: Callable[[bytes], bool], frame: Callable[[bytes, int], bool] | None = None
    ) -> bool:
        while chunk := await self.next():
            size = b"%x\r\n" % len(chunk)
            if frame is not None and frame(size + chunk + b"\r\n", len(size)):
                continue
            if not deliver(chunk):
                return True
        return False

    def close(self) -> None:
        self.closed = True


class ScriptedUpstream:
    """Answers requests from a list, in order, or from one list per provider, and keeps what was sent."""

    def __init__(self, script: Sequence[object] | Mapping[str, Sequence[object]]) -> None:
        each = isinstance(script, Mapping)
        self.script = [] if each else list(script)
        self.scripts = {name: list(steps) for name, steps in script.items()} if each else {}
        self.sent: list[tuple[Origin, bytes, bytes]] = []
        self.answers: list[ScriptedAnswer] = []

    async def send(
        self, origin: Origin, head: bytes, body: bytes, deadlines: Deadlines, *, stream: bool = False
    ) -> ScriptedAnswer:
        self.sent.append((origin, head, body))
        script = self.scripts.get(origin.host.partition(".")[0], self.script)
        step = script.pop(0)
        if callable(step):
            await step()
            step = script.pop(0)
        if isinstance(step, BaseException):
            raise step
        assert isinstance(step, ScriptedAnswer)
        self.answers.append(step)
        return step


class RecordingClient:
    """Receives; hangs up before write number `leaves_at` (0: before anything is sent). A `patient` one is slow: every
    write to it has to be awaited. One that takes `frames` counts the pieces that came framed in `frames_taken`."""

    def __init__(self, leaves_at: int | None = None, *, patient: bool = False, frames: bool = False) -> None:
        self.patient = patient
        self.frames = frames
        self.frames_taken = 0
        self.leaves_at = leaves_at
        self.gone = False
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.chunks: list[bytes] = []
        self.finished = False
        self.replies = 0
        self._call: Callable[[], None] | None = None

    def on_gone(self, call: Callable[[], None]) -> None:
        self._call = call
        if self.gone:
            call()

    def leave(self) -> None:
        if not self.gone:
            self.gone = True
            if self._call is not None:
                self._call()

    def _tick(self) -> bool:
        if self.leaves_at is not None and len(self.chunks) >= self.leaves_at:
            self.leave()
        return not self.gone

    async def reply(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.replies += 1
        assert self.replies == 1, "two replies"
        if self._tick():
            self.status, self.headers, self.finished = status, headers, True
            self.chunks.append(body)

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.replies += 1
        assert self.replies == 1, "two replies"
        self.status, self.headers = status, headers

    async def write(self, chunk: bytes) -> None:
        if self._tick():
            self.chunks.append(chunk)

    def try_write(self, chunk: bytes) -> bool:
        if self.patient:
            return False
        if self._tick():
            self.chunks.append(chunk)
        return True

    def framed(self) -> Callable[[bytes], bool] | None:
        return self._take_frame if self.frames else None

    def _take_frame(self, frame: bytes) -> bool:
        if self.patient or not self._tick():
            return False
        self.frames_taken += 1
        self.chunks.append(frame[frame.index(b"\r\n") + 2 : -2])
        return True

    async def finish(self) -> None:
        self.finished = True

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.headers if key == name), None)


def provider(name: str = "p1", **changes: object) -> Provider:
    made = Provider(
        name=name,
        dialects=("openai_chat", "openai_completions"),
        origin=Origin("https", f"{name}.example", 443),
        path="/v1",
        credential=Credential(b"authorization: Bearer upstream-secret\r\n"),
    )
    return msgspec.structs.replace(made, **changes)


def target(served_by: Provider, model: str = "m1", **changes: object) -> Target:
    return msgspec.structs.replace(Target(provider=served_by, model=model, tariff=FlatTariff()), **changes)


def later(seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, call)


class AskedLimits:
    """Limits that somebody else counts: nobody knows before asking."""

    def __init__(self) -> None:
        self.counted = Limits()
        self.asked = 0

    def take(self, _paces: Sequence[Pace], _need: Need, _now: float) -> None:
        return None

    async def ask(self, paces: Sequence[Pace], need: Need, now: float) -> Taken:
        self.asked += 1
        await asyncio.sleep(0)
        return self.counted.take(paces, need, now)

    def shown(self, paces: Iterable[Pace], now: float) -> Mapping[LimitUnit, Shown]:
        return self.counted.shown(paces, now)

    def prune(self, now: float) -> int:
        return self.counted.prune(now)


@dataclass
class Stage:
    """Everything around one pipeline."""

    script: Sequence[object] | Mapping[str, Sequence[object]] = ()
    targets: tuple[Target, ...] = ()
    settings: Settings = field(default_factory=Settings)
    key: Key = field(
        default_factory=lambda: Key(
            key_id="k1", name="app", digest=sha256(KEY_TEXT).digest(), hint="sk-wp-…", created_at=0.0
        )
    )
    limit: int | None = None
    limits: LimitsPort = field(default_factory=Limits)
    purse: bool = False
    """Budgets are those of the directory, in a real purse."""
    keeps: bool = False
    counter: TokenCounter | None = None
    """Whether answers of the Responses dialect are kept."""
    make_board: Callable[[], OpenBoard] = OpenBoard

    def __post_init__(self) -> None:
        self.targets = self.targets or (target(provider()),)
        self.clock = FakeClock()
        self.keys = FakeKeys([self.key])
        self.ledger = PurseLedger() if self.purse else FakeLedger(self.limit)
        self.upstream = ScriptedUpstream(self.script)
        self.directory = Directory()
        self.slept: list[float] = []
        self.sleeps: Callable[[], Awaitable[None]] | None = None
        self.log = StringIO()
        self.metrics = Metrics()
        self.snapshot = Snapshot(
            version=7,
            providers={each.provider.name: each.provider for each in self.targets},
            routes={"fast": Route(name="fast", targets=self.targets)},
            aliases={"quick": "fast"},
            settings=self.settings,
            catalog=NoCatalog(),
        )
        self.responses = FakeResponses()
        self.replays = MemoryReplays()
        self.board = self.make_board()
        self.own = OwnKeys()
        self.planner = Plans()
        self.limiter = Limiter()
        self.waiting = Waiting(
            self.limiter, self.clock.monotonic, later, lambda: self.settings.overload, lambda: 0.5
        )
        self.entrance = Entrance(self.limiter, self.waiting)
        self.pipeline = Pipeline(
            responses=self.responses if self.keeps else None,
            replays=self.replays,
            counter=self.counter,
            lanes=Lanes(DIALECTS),
            board=self.board,
            planner=self.planner,
            entrance=self.entrance,
            own=self.own,
            snapshot=lambda: self.snapshot,
            clock=self.clock,
            random=lambda: 0.25,
            sleep=self._sleep,
            authenticate=Authenticate(self.keys, self.clock, self.directory),
            directory=self.directory,
            limits=self.limits,
            ledger=self.ledger,
            upstream=self.upstream,
            settle=Settle(self.clock, self.ledger, self.metrics),
            log=Log(self.log, self.clock.wall),
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.sleeps is not None:
            await self.sleeps()
        self.clock.advance(seconds)

    def rule(self, *objects: Object) -> None:
        """Put budgets, limits and whom they are for into the directory."""
        changes = [Change(KIND_OF[type(each)], each) for each in objects]
        self.directory.apply(changes, self.directory.version + 1)

    def call(
        self,
        body: object,
        client: RecordingClient | None = None,
        key: bytes | None = KEY_TEXT,
        headers: dict[bytes, bytes] | None = None,
        number: int = 1,
        dialect: str = "openai_chat",
        path: PathAsk = NO_PATH,
    ) -> Call:
        return Call(
            dialect=DIALECTS[dialect],
            path=path,
            body=body if isinstance(body, bytes) else msgspec.json.encode(body),
            headers=headers or {},
            key=key,
            exchange_id=f"x{number}",
            received=self.clock.monotonic(),
            client=client or RecordingClient(),
        )

    async def ask(
        self,
        body: object,
        client: RecordingClient | None = None,
        key: bytes | None = KEY_TEXT,
        headers: dict[bytes, bytes] | None = None,
        number: int = 1,
        dialect: str = "openai_chat",
        path: PathAsk = NO_PATH,
    ) -> RecordingClient:
        client = client or RecordingClient()
        await self.pipeline.run(self.call(body, client, key, headers, number, dialect, path))
        assert self.pipeline.active == 0
        assert all(hold.closed for hold in self.ledger.holds), "a hold was left open"
        busy = any(self.board.under_way.values())
        assert self.planner.shadows or not busy, "the board waits for an attempt to end"
        return client

    @property
    def exchange(self) -> Exchange:
        assert len(self.ledger.settled) == 1
        return self.ledger.settled[0]

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return self.exchange.attempts


CHAT: dict[str, object] = {"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}
STREAM: dict[str, object] = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}


def completion(text: str = "Hello", prompt: int = 9, output: int = 3, **extra: object) -> ScriptedAnswer:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output},
        **extra,
    }
    return ScriptedAnswer(200, msgspec.json.encode(body), headers=[(b"openai-processing-ms", b"12")])


def chunk(delta: dict[str, object], finish: str | None = None) -> bytes:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "model": "m1",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        "usage": None,
    }
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


ROLE = chunk({"role": "assistant", "content": ""})
USAGE = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","model":"m1","choices":[],'
    b'"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}\n\n'
)
DONE = b"data: [DONE]\n\n"


def events(words: Sequence[str] = ("one", "two", "three")) -> list[bytes]:
    return [ROLE, *(chunk({"content": word}) for word in words), chunk({}, "stop"), USAGE, DONE]


def streamed(steps: Sequence[bytes | BaseException | Callable[[], Awaitable[None]]]) -> ScriptedAnswer:
    return ScriptedAnswer(200, None, steps)


def error_code(body: bytes) -> str:
    decoded: dict[str, dict[str, str]] = msgspec.json.decode(body)
    return decoded["error"]["code"]
