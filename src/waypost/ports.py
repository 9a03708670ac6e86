"""The small Protocols between the gateway's logic and what it runs on. One purpose each.

The pipeline knows these; `app.py` alone knows which adapter stands behind each. Methods that are not `async` are
on the hot path: they never wait, never touch a disk page that is not in the page cache, never raise anything that
is not in `errors.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from waypost.core.batch import Batch
from waypost.core.encoding import Encoding
from waypost.core.file import Page, StoredFile
from waypost.core.key import Key
from waypost.core.origin import Deadlines, Origin
from waypost.core.record import Checkpoint, DispatchMark, Exchange
from waypost.core.replay import Replay
from waypost.core.stored import StoredResponse


class Clock(Protocol):
    """Time, injected. Wall time stamps records; monotonic time measures."""

    def wall(self) -> float:
        """Unix time in seconds, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment, never going back."""
        ...


# --- who asks -------------------------------------------------------------------------------------------------


class Keys(Protocol):
    """Virtual keys by digest, with what is in memory apart from what needs the database."""

    def cached(self, digest: bytes) -> Key | None:
        """The key, if it is in memory. None says nothing about whether it exists."""
        ...

    async def lookup(self, digest: bytes) -> Key | None:
        """The key from the database, now in memory too; None if there is none. Raises StoreUnavailable."""
        ...


# --- money ----------------------------------------------------------------------------------------------------


class Hold(Protocol):
    """Money set aside for one exchange over all of its accounts. Closed exactly once, by `Ledger.settle`."""

    @property
    def amount_nusd(self) -> int: ...

    @property
    def accounts(self) -> tuple[str, ...]:
        """Account ids; empty when no budget applies."""
        ...

    @property
    def closed(self) -> bool: ...


class Ledger(Protocol):
    """Reserve, mark, settle. The synchronous methods are the hot path."""

    def try_reserve(self, key: Key, amount_nusd: int, at: float) -> Hold | None:
        """Set `amount_nusd` aside on every account of the key, or on none.

        None means an account of this window is not in memory yet: await `load` and call again.
        Raises BudgetExceeded, naming the scope and when its window ends.
        """
        ...

    async def load(self, key: Key, at: float) -> None:
        """Bring the key's accounts for the window at `at` into memory. Raises StoreUnavailable."""
        ...

    def dispatch(self, mark: DispatchMark) -> None:
        """Append the mark to the intents file. Raises StoreUnavailable when it can not be written."""
        ...

    async def durable(self) -> None:
        """With `durability: fsync`, wait until every mark appended so far is on the disk; else return at once."""
        ...

    def extend(self, hold: Hold, key: Key, more_nusd: int, at: float) -> None:
        """Add to an open hold, on all of its accounts or on none; `at` is when it was reserved. Raises
        BudgetExceeded."""
        ...

    def left(self, key: Key, at: float) -> int | None:
        """Nano-dollars that the key's budgets have left; None where it has none, or they are not in memory."""
        ...

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Append what a running stream has used so far."""
        ...

    def settle(self, hold: Hold | None, exchange: Exchange) -> None:
        """Close the hold, post every attempt's cost, append and queue the record. Once per exchange; never raises
        for a full disk or a lost database: it keeps the record in memory and the ledger turns unready instead."""
        ...

    @property
    def ready(self) -> str | None:
        """None, or what keeps new work from being admitted safely (for `/readyz` and a 503)."""
        ...


class Journal(Protocol):
    """The durable side of the ledger, in SQL. Called by recovery and by the ledger's writer process: plain
    blocking calls."""

    def posted(self, account_ids: Sequence[str]) -> dict[str, int]:
        """Nano-dollars posted so far to each account that exists."""
        ...

    def post(self, segment: str, upto: int, exchanges: Sequence[Exchange]) -> None:
        """In one transaction: insert the exchanges, their attempts, one immutable line per billed attempt, add to
        the accounts, and remember that `segment` of the intents is applied up to record number `upto`."""
        ...

    def applied(self) -> dict[str, int]:
        """Per intents segment, the last record number applied."""
        ...

    def repost(self, exchanges: Sequence[Exchange]) -> int:
        """Like `post`, for recovery: skips every attempt id that already has its line. Returns lines written."""
        ...

    def forget(self, segment: str) -> None:
        """A segment that is wholly applied was deleted."""
        ...


class Responses(Protocol):
    """Answers of the Responses dialect that clients asked to keep. Raises StoreUnavailable."""

    async def put(self, stored: StoredResponse) -> None:
        """Keep it, in place of what was kept under its id. It is durable when this returns."""
        ...

    async def get(self, response_id: str, key_id: str, at: float) -> StoredResponse | None:
        """The answer, if it is this key's and has not expired at Unix time `at`."""
        ...

    async def delete(self, response_id: str, key_id: str) -> bool:
        """Forget it; False when this key has none of that id."""
        ...


class Replays(Protocol):
    """Answers kept for requests that come again under the same idempotency key. Raises StoreUnavailable."""

    async def put(self, replay: Replay, total_max: int) -> None:
        """Keep it, in place of what was kept for its key and digest; durable when this returns. Where all bodies
        together exceed `total_max` bytes, those that expire first may be forgotten."""
        ...

    async def get(self, key_id: str, digest: bytes, at: float) -> Replay | None:
        """What is kept, if it has not expired at Unix time `at`."""
        ...


class Files(Protocol):
    """What is known of clients' files; their content is elsewhere. Raises StoreUnavailable."""

    async def put(self, file: StoredFile, key_max: int | None = None, total_max: int | None = None) -> bool:
        """Add a file; a file that is there already stays as it is. False, with nothing done, when its key would then
        have more than `key_max` bytes, or all keys together more than `total_max`."""
        ...

    async def get(self, file_id: str, key_id: str | None, at: float) -> StoredFile | None:
        """The file, if it is this key's (None: whoever's it is) and has not expired at Unix time `at`."""
        ...

    async def page(self, page: Page, at: float) -> Sequence[StoredFile]:
        """Files that have not expired, in the order of their making; none behind an id that is not there."""
        ...

    async def delete(self, file_id: str) -> bool:
        """Forget it; False when there is none."""
        ...

    async def used(self, key_id: str) -> tuple[int, int]:
        """Bytes of a key's files, and of all."""
        ...


class Batches(Protocol):
    """Batches, over and under way. Raises StoreUnavailable."""

    async def put(self, batch: Batch, kept_until: float | None = None) -> None:
        """Add it, or replace it; durable when this returns. `kept_until`: when it may be forgotten."""
        ...

    async def get(self, batch_id: str, key_id: str | None) -> Batch | None:
        """The batch, if it is this key's (None: whoever's it is)."""
        ...

    async def page(self, page: Page) -> Sequence[Batch]:
        """Batches, newest first; none behind an id that is not there."""
        ...

    async def unfinished(self) -> Sequence[Batch]:
        """Those that are not over, oldest first."""
        ...

    async def working_on(self, file_id: str) -> str | None:
        """The id of a batch that is not over and reads this file."""
        ...

    async def dispatched(self, exchange_id: str) -> frozenset[int]:
        """Lines of which a try was sent to a provider and may have been billed, by what their exchanges' ids begin
        with: as far as the request log has been written."""
        ...


# --- upstream -------------------------------------------------------------------------------------------------


class Answer(Protocol):
    """One HTTP response. Whole answers have `body`; streamed ones are read by `next`. Always `close` it."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    """Names in lower case, in order."""
    body: bytes | None
    """The decompressed body of a whole answer; None for a streamed one."""

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header given in lower case."""
        ...

    async def next(self) -> bytes:
        """The next decompressed piece of a streamed body, b"" at its proper end. Raises UpstreamError."""
        ...

    async def pump(
        self, deliver: Callable[[bytes], bool], frame: Callable[[bytes, int], bool] | None = None
    ) -> bool:
        """Hand each piece to `deliver` the moment it arrives, without waking the caller for it.

        A piece that came as one whole HTTP/1.1 chunk may be offered to `frame` first, as it was on the wire: the bytes
        and the place where its data begins (it ends before the last two bytes). When `frame` says True it has taken
        the piece; else it has done nothing, and the piece goes to `deliver`.

        Returns True when `deliver` said False (it wants no more for now), False at the body's proper end. Raises
        UpstreamError, and what the two raise.
        """
        ...

    def close(self) -> None:
        """Idempotent. An answer that was read to its end gives its connection back; any other one is cancelled
        by closing the connection."""
        ...


class Upstream(Protocol):
    """The HTTP client. Raises UpstreamError subclasses only."""

    async def send(
        self, origin: Origin, head: bytes, body: bytes, deadlines: Deadlines, *, stream: bool = False
    ) -> Answer:
        """Write one request and wait for its answer: for the head only when `stream` and the status is 2xx and the
        content type is that of an event stream, otherwise for the whole body (capped).

        `head` is the complete HTTP/1.1 request head, ending in an empty line, with its `content-length`.
        A request is repeated by itself only on a reused connection that closed before any response byte.
        """
        ...


class Ended(msgspec.Struct, frozen=True):
    """How a WebSocket ended. `by_peer`: the other side closed it properly, with `code` (1005: it said none). Otherwise
    the connection broke (1006), or this side refused what came (1002, 1007, 1009)."""

    code: int
    reason: str = ""
    by_peer: bool = False


class Socket(Protocol):
    """An open WebSocket. What happens on it is told by calls; nothing waits."""

    heard: bool
    """Set whenever anything arrives; whoever watches for silence resets it."""

    @property
    def ended(self) -> bool: ...

    def listen(
        self,
        on_message: Callable[[bytes, bool], None],
        on_end: Callable[[Ended], None],
        on_pressure: Callable[[bool], None],
    ) -> None:
        """Whom to call, which must not raise: with each whole message (and whether it is text); once at the end; and
        when what is sent piles up (True) and has gone (False). Messages that came before are told now."""
        ...

    def send(self, message: bytes, text: bool) -> None:
        """Send one message. Goes nowhere once the socket has ended."""
        ...

    def ping(self) -> None:
        """Ask for a sign of life."""
        ...

    def rest(self, resting: bool) -> None:
        """Stop reading, or go on."""
        ...

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye and end; `on_end` is not called for it. Idempotent."""
        ...


class Opening(Protocol):
    """What became of a request for a WebSocket: `socket`, or the answer that refused it."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    """Names in lower case, in order."""
    body: bytes
    socket: Socket | None


class Sockets(Protocol):
    """The WebSocket client. Raises UpstreamError subclasses only."""

    async def connect(self, origin: Origin, head: bytes, deadlines: Deadlines) -> Opening:
        """Ask for a WebSocket. `head` is the request's head without the lines of the handshake and the empty line."""
        ...


class TokenCounter(Protocol):
    """Counts tokens as a public tokenizer makes them."""

    async def count(self, encoding: Encoding, texts: Sequence[str]) -> int | None:
        """Tokens of the texts together, each for itself; None: they can not be counted now. Never raises."""


# --- the client's side ----------------------------------------------------------------------------------------


class Client(Protocol):
    """The one who asked, as the pipeline sees it: written by the edge."""

    @property
    def gone(self) -> bool:
        """The connection is closed; whatever is written goes nowhere."""
        ...

    def on_gone(self, call: Callable[[], None]) -> None:
        """Call back once when the connection closes before the answer is complete; at once if it has."""
        ...

    async def reply(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """A whole answer; sets content-length."""
        ...

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Begin a streamed answer."""
        ...

    async def write(self, chunk: bytes) -> None:
        """One piece; waits while the client is slow, up to the write-stall limit, after which `gone` is set."""
        ...

    def try_write(self, chunk: bytes) -> bool:
        """Write one piece if that needs no waiting. False, with nothing written, when `write` has to be awaited."""
        ...

    def framed(self) -> Callable[[bytes], bool] | None:
        """Like `try_write`, for a piece that is framed as an HTTP/1.1 chunk already; None when this answer is not sent
        in such chunks. For the answer that has been started only."""
        ...

    async def finish(self) -> None:
        """End a streamed answer."""
        ...


class SocketClient(Client, Protocol):
    """One who asked for a WebSocket. Until `accept` it can be refused by `reply`; after it, `write` sends an event and
    `finish` closes with `close_code`."""

    close_code: int

    def accept(self, headers: list[tuple[bytes, bytes]]) -> Socket:
        """Take up the upgrade. Raises Disconnected when the client has left."""
        ...
