"""One answer per `idempotency-key`: requests under way at the same time share it, later ones get it again.

Two requests are the same when key, `idempotency-key` and fingerprint are. The first of them is answered as any other;
its client is wrapped, and what that client is told is passed on to the others as it is told. Nobody else holds money,
asks a provider or is billed. Which of several processes has the first of them: `claiming.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256

from waypost.core.limit import Need
from waypost.core.replay import Replay
from waypost.errors import GatewayError, InvalidRequest, NotFound, Overloaded, Truncated
from waypost.pipeline.claiming import Claiming, reused
from waypost.pipeline.exchange import Call, Failing, LiveExchange
from waypost.pipeline.headers import Headers, retold
from waypost.pipeline.retelling import Retelling
from waypost.pipeline.settle import Settle
from waypost.pipeline.shared import Listener, Recorder, Shared
from waypost.ports import Clock, Limits, Replays
from waypost.telemetry.logs import Log

HEADER = b"idempotency-key"

_LONGEST = 255
#: Request headers that decide what is answered, beside those that the dialect hands on to a provider.
_DECIDING = (b"x-waypost-", b"x-portkey-config")
#: Differs from one try of the same request to the next.
_TRACING = b"x-client-request-id"
_NO_NEED = Need()


class Once:
    """Owns the answers that are being made for idempotency keys, each until its exchange is over."""

    def __init__(
        self,
        replays: Replays | None,
        clock: Clock,
        limits: Limits,
        settle: Settle,
        log: Log,
        tell: Callable[[LiveExchange], None],
        claiming: Claiming | None = None,
    ) -> None:
        """`replays`: where complete answers are kept; None: nowhere. `tell`: `Admission.tell`. `claiming`: None where
        no other process could have the same request."""
        self._claiming = claiming
        self._tell_limits = tell
        self._replays = replays
        self._clock = clock
        self._limits = limits
        self._settle = settle
        self._log = log
        self._under_way: dict[tuple[str, bytes], Shared] = {}

    @property
    def under_way(self) -> int:
        """Answers that others could share now."""
        return len(self._under_way)

    async def join(self, live: LiveExchange, gone: Callable[[], None]) -> bool:
        """Answer with what another exchange is told, or was; False: this one is the first, and is to go on.

        `gone` is called when its client has left and nobody else waits for its answer. Raises InvalidRequest,
        KeyReused, RateLimited, Overloaded, StoreUnavailable, and Truncated when a stream ended without an end.
        """
        key = live.key
        assert key is not None  # noqa: S101 - stage 2 set it or raised
        scope = (key.key_id, digest(live.call.headers))
        fingerprint = fingerprint_of(live.call)
        while True:
            shared = self._under_way.get(scope) or await self._begin(live, scope, fingerprint, gone)
            if shared is None:
                if live.taken is not None:  # the one it had waited for ended without an answer
                    live.taken.end((), False, self._clock.monotonic())
                    live.taken = None
                return False
            if shared.fingerprint != fingerprint:
                raise reused()
            if live.taken is None and live.standing is not None:
                paces = [pace for pace in live.standing.rules.paces if pace.limit.unit == "requests"]
                limits, now = self._limits, self._clock.monotonic()
                if paces:
                    live.taken = limits.take(paces, _NO_NEED, now) or await limits.ask(paces, _NO_NEED, now)
                self._tell_limits(live)
            if await self._follow(live, shared):
                return True

    def end(self, live: LiveExchange) -> None:
        """This exchange is over: nobody can join it any more."""
        shared, live.shared = live.shared, None
        if shared is not None:
            self._over(shared)
            if shared.claim is not None and self._claiming is not None:
                self._claiming.release(shared.claim)

    def retell(self, scope: tuple[str, bytes], exchange_id: str) -> Retelling:
        """Tell another process of the answer that this exchange makes. Raises NotFound when it does not, Overloaded."""
        shared = self._under_way.get(scope)
        if shared is None or not shared.here or shared.original != exchange_id:
            raise NotFound("This answer is not made here any more.")
        if shared.dying:
            return Retelling(shared, None)
        listener = shared.attach()
        if listener is None:
            raise _too_long()
        return Retelling(shared, listener)

    async def stop(self) -> None:
        """Hear nothing more of other processes."""
        if self._claiming is not None:
            await self._claiming.stop()

    async def _begin(
        self, live: LiveExchange, scope: tuple[str, bytes], fingerprint: bytes, gone: Callable[[], None]
    ) -> Shared | None:
        """Take the place of the first. An answer that is kept comes back as one that has been given already; one that
        another process makes, as one that is under way."""
        shared = Shared(scope, fingerprint, live)
        self._under_way[scope] = live.shared = shared
        # First, because who claimed it before may keep an answer up to the moment of letting it go.
        if self._claiming is not None and not await self._claiming.claim(live, shared, self._over):
            live.shared = None
            return shared
        settings = live.snapshot.settings
        keeps = self._replays if settings.replay_s > 0 else None
        found = None if keeps is None else await keeps.get(*scope, self._clock.wall())
        if found is not None:
            if found.fingerprint != fingerprint:
                raise reused()
            shared.fill(found)
            self.end(live)
            return shared
        client = live.call.client
        live.call.client = recorder = Recorder(client, live, shared, self._keep)
        recorder.on_gone(gone)
        return None

    def _over(self, shared: Shared) -> None:
        """Nobody can join it any more."""
        if self._under_way.get(shared.scope) is shared:
            del self._under_way[shared.scope]
        shared.end()

    async def _keep(self, live: LiveExchange, shared: Shared) -> None:
        """Keep a complete answer, before the last of it goes out: who saw the end can have it again."""
        settings = live.snapshot.settings
        body = shared.whole()
        if (
            self._replays is None
            or settings.replay_s <= 0
            or body is None
            or len(body) > settings.replay_max_bytes
        ):
            return
        key_id, key_digest = shared.scope
        replay = Replay(
            key_id=key_id,
            digest=key_digest,
            fingerprint=shared.fingerprint,
            exchange_id=shared.original,
            status=shared.status,
            headers=shared.headers,
            body=body,
            streamed=shared.streamed,
            expires_at=self._clock.wall() + settings.replay_s,
        )
        try:
            await self._replays.put(replay, settings.replay_total_bytes)
            shared.claim = None  # let go with it
        except GatewayError as error:
            self._log.warning(
                "an answer could not be kept for its idempotency key", why=error.message, id=shared.original
            )

    async def _follow(self, live: LiveExchange, shared: Shared) -> bool:
        """Tell this client what the first one is told. False: that one ended before it was told anything."""
        if shared.dying:
            await shared.wait()
            return False
        listener = shared.attach()
        if listener is None:
            raise _too_long()
        try:
            return await self._tell(live, shared, listener)
        finally:
            shared.detach(listener)

    async def _tell(self, live: LiveExchange, shared: Shared, listener: Listener) -> bool:
        live.replay_of = shared.original
        while not (shared.over or (shared.streamed and shared.status)):
            await self._hear(live, listener)
        if shared.over and not shared.complete:
            return False
        if shared.streamed:
            await self._stream(live, shared, listener)
        else:
            body = listener.take()
            self._book(live, shared, body)
            await live.call.client.reply(shared.status, self._headers(live, shared), body)
        return True

    async def _stream(self, live: LiveExchange, shared: Shared, listener: Listener) -> None:
        client = live.call.client
        live.status, live.streaming, live.relay = shared.status, True, shared.failing
        live.first_token = self._clock.monotonic()
        await client.start(shared.status, self._headers(live, shared))
        kept: list[bytes] | None = [] if self._settle.keeps_content(live) else None
        while True:
            over, piece = shared.over, listener.take()
            if kept is not None:
                kept.append(piece)
            if over and shared.complete:
                self._book(live, shared, None if kept is None else b"".join(kept))
            if piece:
                await client.write(piece)
            elif over:
                break
            else:
                await self._hear(live, listener)
        if not shared.complete:
            live.relay = live.relay or _failing(live, shared)
            raise Truncated("The request whose answer this one shares ended before its end. Ask again.")
        await client.finish()

    async def _hear(self, live: LiveExchange, listener: Listener) -> None:
        began = self._clock.monotonic()
        await listener.heard()
        live.waited += self._clock.monotonic() - began

    def _book(self, live: LiveExchange, shared: Shared, body: bytes | None) -> None:
        """Close the books before the last bytes go out, as those of every exchange are."""
        live.status, live.outcome, live.error = shared.status, shared.outcome, shared.error
        live.finish_reason, live.response_body = shared.finish_reason, body
        self._settle.settle(live)

    def _headers(self, live: LiveExchange, shared: Shared) -> Headers:
        return [*retold(live.call.exchange_id, shared.original, shared.headers), *live.told]


def _failing(live: LiveExchange, shared: Shared) -> Failing | None:
    """What writes an error into a stream whose maker is gone, with another process: it has read what was told."""
    asked, told = live.asked, shared.whole()
    if asked is None or told is None:
        return None
    relay = live.call.dialect.stream_relay(asked, lambda _usage, _tier: None)
    relay.feed(told)
    return relay


def digest(headers: Mapping[bytes, bytes]) -> bytes:
    """Of the `idempotency-key` that a request has. Raises InvalidRequest."""
    said = headers[HEADER]
    if not 0 < len(said) <= _LONGEST or not said.isascii() or not said.decode().isprintable():
        raise InvalidRequest(
            f"The header {HEADER.decode()} has to be 1 to {_LONGEST} printable ASCII characters.",
            param=HEADER.decode(),
        )
    return sha256(said).digest()


def fingerprint_of(call: Call) -> bytes:
    """SHA-256 over all that decides what is answered. Each piece goes in with its length, so that no two requests
    write the same bytes."""
    path, headers = call.path, call.headers
    deciding = [
        line
        for line in headers.items()
        if line[0].startswith(_DECIDING) or (line[0] in call.dialect.forwarded and line[0] != _TRACING)
    ]
    where = (call.dialect.name, path.model, str(path.stream), path.form)
    hashed = sha256()
    for piece in (
        *(word.encode() for word in where),
        path.query,
        *(piece for line in sorted(deciding) for piece in line),
        call.body,
    ):
        hashed.update(b"%d:" % len(piece))
        hashed.update(piece)
    return hashed.digest()


def _too_long() -> Overloaded:
    return Overloaded(
        "The first request with this idempotency-key is still being answered, and its answer is too long "
        "for others to join it by now. Ask again when it has ended."
    )
