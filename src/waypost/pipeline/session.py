"""One realtime session: two WebSockets, and the meter between them.

Events go from socket to socket as the bytes they came in, within one turn of the event loop. A side that does not read
makes the other one rest. What the provider reports is priced per report, and added up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from waypost.config.targets import Target
from waypost.core.asked import Asked
from waypost.core.markup import charged
from waypost.core.price import Tariff
from waypost.core.record import Checkpoint
from waypost.core.rules import Standing
from waypost.core.usage import Usage, sum_usage
from waypost.dialects.masking import clean_message
from waypost.dialects.openai_realtime.events import (
    Sent,
    is_asked,
    read_sent,
    render_cancel,
    render_error_event,
    with_model,
)
from waypost.dialects.openai_realtime.meter import Meter, Used
from waypost.errors import (
    Bug,
    Disconnected,
    Draining,
    Forbidden,
    Garbled,
    GatewayError,
    LimitError,
    ModelNotFound,
    OperatorError,
    TooLarge,
    Truncated,
    Unauthenticated,
)
from waypost.pipeline.exchange import LiveExchange, Trial
from waypost.pipeline.settle import Settle
from waypost.policy.admit import check_access, check_priced, cost_ceiling
from waypost.policy.authenticate import Authenticate
from waypost.ports import Clock, Ended, Ledger, Socket, SocketClient

#: A side that is silent for so long is asked for a sign of life, and given up when it gives none for as long again.
SILENCE_S = 30.0
_CHECKPOINT_S = 2.0
#: Close codes: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 and IANA's registry (2026-11-25).
_NORMAL, _GOING_AWAY, _NO_CODE, _POLICY, _TOO_BIG, _FAILED, _RESTARTS = (
    1000,
    1001,
    1005,
    1008,
    1009,
    1011,
    1012,
)
_CODES: tuple[tuple[type[GatewayError], int], ...] = (
    (Draining, _RESTARTS),
    (TooLarge, _TOO_BIG),
    (LimitError, _POLICY),
    (Unauthenticated, _POLICY),
    (Forbidden, _POLICY),
    (OperatorError, _FAILED),
)


class Desk(msgspec.Struct, frozen=True):
    """What all sessions share."""

    clock: Clock
    settle: Settle
    ledger: Ledger
    authenticate: Authenticate
    call_later: Callable[[float, Callable[[], None]], asyncio.TimerHandle]


class Session:
    """Ends once, by whichever side or rule is first; `run` returns or raises then, with everything closed."""

    def __init__(self, live: LiveExchange, trial: Trial, desk: Desk, upstream: Socket) -> None:
        self._live, self._trial, self._desk, self._upstream = live, trial, desk, upstream
        self._client: Socket | None = None
        self._face: SocketClient | None = None
        self._meter = Meter()
        self._used: Usage | None = None
        #: At the provider, of what was reported so far; None when the model has no known price.
        self._cost_nusd: int | None = None if trial.target.tariff is None else 0
        self._deltas = 0
        self._checked = desk.clock.monotonic()
        self._over: asyncio.Future[GatewayError | None] = asyncio.get_running_loop().create_future()
        self._left: Ended | None = None
        self._called_off: set[str] = set()
        self._draining = False
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._pressed: dict[str, bool] = {}

    async def run(self, face: SocketClient, lines: list[tuple[bytes, bytes]]) -> None:
        """Take up the client's upgrade and relay until the end. Raises what ended it otherwise than properly."""
        live = self._live
        try:
            client = self._client = face.accept(lines)
        except BaseException:
            self._upstream.close(_NORMAL)
            raise
        self._face = face
        live.streaming, live.status, live.relay = True, 101, self
        self._trial.sent = True
        try:
            client.listen(self._guarded(self._from_client), self._client_ended, self._client_pressed)
            self._upstream.listen(
                self._guarded(self._from_upstream), self._upstream_ended, self._upstream_pressed
            )
            self._watch()
            error = await self._over
        except asyncio.CancelledError:
            self._close(live.aborted or Disconnected("The server ended this session."))
            raise
        except BaseException:
            self._close(Bug("The session failed inside the gateway."))
            raise
        self._close(error)
        if error is not None:
            raise error

    def _guarded(self, take: Callable[[bytes, bool], None]) -> Callable[[bytes, bool], None]:
        """A fault of ours is not the transport's: it goes to `run`."""

        def guarded(message: bytes, text: bool) -> None:
            try:
                take(message, text)
            except Exception as error:  # noqa: BLE001 - raised by `run`, which waits for this
                if not self._over.done():
                    self._over.set_exception(error)

        return guarded

    def drain(self) -> None:
        """End as soon as no response is under way."""
        self._draining = True
        if not self._meter.busy:
            self._finish(_drained())

    def fail(self, error: GatewayError) -> bytes:
        """The last event; says with which code the socket is to close."""
        if self._face is not None:
            self._face.close_code = next((code for kind, code in _CODES if isinstance(error, kind)), _FAILED)
        return render_error_event(error)

    # --- the two sides -------------------------------------------------------------------------------------------

    def _from_client(self, message: bytes, text: bool) -> None:
        if self._over.done():
            return
        event_id = None
        try:
            sent = read_sent(message, self._live.snapshot.settings.json)
            event_id = sent.event_id
            data = self._checked_event(sent)
        except GatewayError as error:
            if self._client is not None:
                self._client.send(render_error_event(error, event_id), True)
            return
        self._meter.sent(sent)
        self._upstream.send(data, text)

    def _from_upstream(self, message: bytes, text: bool) -> None:
        if self._over.done():
            return
        error: GatewayError | None = None
        used = self._meter.read(message)
        if used is not None:
            error = self._account(used)
        elif self._meter.deltas != self._deltas:
            self._progress()
        if self._client is not None:
            self._client.send(message, text)
        if error is not None:
            self._finish(error)
        elif self._left is not None:
            self._call_off(self._left)
        elif self._draining and not self._meter.busy:
            self._finish(_drained())

    def _client_ended(self, ended: Ended) -> None:
        """A response that is under way is called off, and its report is waited for: the bill is exact then."""
        if self._left is not None:
            return
        self._left = ended
        provider = self._trial.target.provider
        if provider.on_disconnect == "cancel":
            self._finish(_farewell(ended))
            return
        self._upstream.rest(False)
        self._later("drain", provider.drain_s, lambda: self._finish(_farewell(ended)))
        self._call_off(ended)

    def _call_off(self, ended: Ended) -> None:
        """The client has left: nobody wants what is under way. Ends when nothing is."""
        if not self._meter.busy:
            self._finish(_farewell(ended))
        for response_id in self._meter.open:
            if response_id not in self._called_off:
                self._called_off.add(response_id)
                self._upstream.send(render_cancel(response_id), True)

    def _upstream_ended(self, ended: Ended) -> None:
        if self._left is not None:
            self._finish(_farewell(self._left))
        elif ended.by_peer and ended.code in (_NORMAL, _GOING_AWAY, _NO_CODE):
            if self._client is not None:
                self._client.close(
                    _NORMAL if ended.code == _NO_CODE else ended.code, clean_message(ended.reason)
                )
            self._finish(None)
        elif ended.code == _TOO_BIG and not ended.by_peer:
            self._finish(Garbled("The provider sent an event that is larger than 16 MiB."))
        else:
            self._finish(Truncated("The provider ended the session before its end. Open another one."))

    def _client_pressed(self, high: bool) -> None:
        self._pressed["upstream"] = high
        self._upstream.rest(high)

    def _upstream_pressed(self, high: bool) -> None:
        self._pressed["client"] = high
        if self._client is not None:
            self._client.rest(high)

    # --- rules ---------------------------------------------------------------------------------------------------

    def _checked_event(self, sent: Sent) -> bytes:
        """What goes on of a client's event. Raises GatewayError for one that does not."""
        asked, target = self._asked, self._trial.target
        if sent.transcriber is not None:
            self._check_transcriber(sent.transcriber)
        model = sent.session_model
        if model is None:
            return sent.data
        if not is_asked(asked, target.model, model):
            raise Forbidden(
                f"This session is for the model {asked.model!r}. Open another WebSocket for {model[:200]!r}.",
                param="session.model",
            )
        return sent.data if model == target.model else with_model(sent.data, target.model)

    def _check_transcriber(self, model: str) -> None:
        """The model that writes down what is heard is asked for by the client, too: the key has to be allowed it."""
        provider, live, standing = self._trial.target.provider, self._live, self._standing
        route = live.snapshot.find(f"{provider.name}/{model}")
        check_access(standing, route, model)
        param = "session.audio.input.transcription.model"
        check_priced(standing.key, live.rules, route, live.snapshot.settings, param)

    def _account(self, used: Used) -> GatewayError | None:
        """Add a report to the books; what ends the session because of it."""
        live, trial, desk = self._live, self._trial, self._desk
        self._used = used.usage if self._used is None else sum_usage(self._used, used.usage)
        cost = self._transcription_cost(used.usage) if used.transcription else self._price(used.usage)
        if self._cost_nusd is not None:
            self._cost_nusd += cost or 0
        self._checkpoint()
        if live.taken is not None:
            live.taken.used(self._used.input, self._used.output, desk.clock.monotonic())
        try:
            if live.call.key is not None:
                desk.authenticate.known(live.call.key)
            self._extend()
        except GatewayError as error:
            return error
        trial.first_token = trial.first_token or desk.clock.monotonic()
        return None

    def _extend(self) -> None:
        """Hold enough for one more response, as for a request that is new. Raises BudgetExceeded."""
        live, hold = self._live, self._live.hold
        if hold is None or not live.rules.bounds or live.route is None:
            return
        at = live.started_us / 1e6
        asked = msgspec.structs.replace(self._asked, input_estimate=self._meter.context)
        wanted = charged(self._cost_nusd or 0, self._trial.target.markup) + cost_ceiling(
            self._standing.key, live.rules, live.route, asked, live.snapshot.settings, at
        )
        if wanted > hold.amount_nusd:
            self._desk.ledger.extend(hold, live.rules, wanted - hold.amount_nusd, at)

    def _price(self, usage: Usage) -> int | None:
        return self._desk.settle.price(self._live, self._trial, usage, None)

    def _transcription_cost(self, usage: Usage) -> int:
        """By that model's own prices; nothing where they are not known, which a key with a budget can not choose."""
        model, target = self._meter.transcriber, self._trial.target
        tariff = None if model is None else self._tariff_of(target, model)
        cost = None if tariff is None else tariff.cost(usage, self._live.started_us / 1e6)
        return cost or 0

    def _tariff_of(self, target: Target, model: str) -> Tariff | None:
        try:
            route = self._live.snapshot.find(f"{target.provider.name}/{model}")
        except ModelNotFound:
            return None
        return route.targets[0].tariff

    @property
    def _asked(self) -> Asked:
        asked = self._live.asked
        assert asked is not None  # noqa: S101 - stage 3 set it
        return asked

    @property
    def _standing(self) -> Standing:
        standing = self._live.standing
        assert standing is not None  # noqa: S101 - stage 2 set it
        return standing

    # --- the books and the clock ---------------------------------------------------------------------------------

    def _progress(self) -> None:
        """Content came."""
        self._deltas = self._meter.deltas
        now = self._desk.clock.monotonic()
        if self._trial.first_token is None:
            self._trial.first_token = self._live.first_token = now
        if now - self._checked > _CHECKPOINT_S:
            self._checkpoint()

    def _checkpoint(self) -> None:
        self._checked = self._desk.clock.monotonic()
        usage, cost = self._so_far()
        if usage is not None:
            attempt_id = self._trial.attempt_id
            self._desk.ledger.checkpoint(Checkpoint(attempt_id=attempt_id, usage=usage, cost_nusd=cost))

    def _so_far(self) -> tuple[Usage | None, int | None]:
        """What was reported, and what of unreported responses can be counted."""
        partial = self._meter.partial()
        if partial is None:
            return self._used, self._cost_nusd
        total = None if self._cost_nusd is None else self._cost_nusd + (self._price(partial) or 0)
        return partial if self._used is None else sum_usage(self._used, partial), total

    def _finish(self, error: GatewayError | None) -> None:
        if not self._over.done():
            self._over.set_result(error)

    def _close(self, error: GatewayError | None) -> None:
        """Close the books, then the provider's side, then (without an error to tell) the client's."""
        for timer in self._timers.values():
            timer.cancel()
        live, client = self._live, self._client
        usage, cost = self._so_far()
        live.close_trial(self._desk.clock.monotonic(), "settled", usage or Usage(), cost, error)
        self._upstream.close(_NORMAL)
        if error is None:
            live.outcome = "ok"
            self._desk.settle.settle(live)
            if client is not None:
                client.close(_NORMAL)

    def _later(self, name: str, delay_s: float, call: Callable[[], None]) -> None:
        before = self._timers.pop(name, None)
        if before is not None:
            before.cancel()
        self._timers[name] = self._desk.call_later(delay_s, call)

    def _watch(self) -> None:
        """Give up a side that gave no sign of life since it was asked for one."""
        if self._over.done() or self._client is None:
            return
        # Who is not read can not be heard; and a client that does not read is the business of its connection.
        excused = (any(self._pressed.values()), self._pressed.get("upstream", False))
        ended = (self._client_ended, self._upstream_ended)
        for socket, silent, end in zip((self._client, self._upstream), excused, ended, strict=True):
            if not socket.ended and not socket.heard and not silent:
                end(Ended(1006))
                if self._over.done():
                    return
            socket.heard = False
            socket.ping()
        self._later("watch", SILENCE_S, self._watch)


def _drained() -> Draining:
    return Draining("The gateway is shutting down and ends this session. Open another one.")


def _farewell(ended: Ended) -> GatewayError | None:
    """What the client's leaving comes to: nothing, when it said goodbye."""
    if ended.by_peer:
        return None
    if ended.code == _TOO_BIG:
        return TooLarge("An event was larger than 16 MiB. Send less at once.")
    return Disconnected("The client's connection ended without a goodbye.")
