"""uvicorn's httptools protocol, hardened: ambiguous requests, floods and stalls end here, before any application code.

Timing is by the server's sweep over all connections, about once a second, and not by timers: a request costs none.
What is overridden of uvicorn 0.54 is listed in `tests/edge/test_protocol_contract.py`, which fails when an update of
uvicorn changes what this file relies on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Any, cast

import httptools

from waypost.config.snapshot import Settings
from waypost.edge import head
from waypost.edge.connection import TABLE
from waypost.edge.intake import EdgeConfig, refused_by_parser
from waypost.edge.outlet import Outlet
from waypost.edge.replies import raw_refusal
from waypost.edge.turnstile import Turnstile, write_held
from waypost.edge.upgrade import RestOfBody
from waypost.errors import GatewayError, InvalidRequest, Overloaded, TooSlow

#: Bytes waiting in the transport for a slow client before writers wait.
WRITE_BUFFER_BYTES = 128 * 1024
#: Whole requests that may wait behind the one under way; further ones are not read, and the connection ends after
#: those that are.
PIPELINED_MAX = 16
#: Seconds in which a refused client may go on sending, unread, so that the refusal reaches it and not a reset.
LINGER_S = 5.0


class Phase(Enum):
    """Where the parser stands on the connection."""

    BETWEEN = "between"
    HEAD = "head"
    BODY = "body"


class EdgeProtocol(Outlet):
    """One client connection. Also the `Connection` of the exchange that runs on it."""

    __slots__ = (
        *(
            "_blocked_bytes",
            "_blocked_since",
            "_chunk",
            "_connections_max",
            "_deaf",
            "_head_chunks",
            "_head_first",
        ),
        *(
            "_host",
            "_idle_bytes",
            "_idle_since",
            "_parting",
            "_phase",
            "_refusal",
            "_served",
            "_since",
            "_turnstile",
        ),
        *("held", "let_in", "on_gone", "refused_at"),
    )

    def __init__(self, config: EdgeConfig, *given: Any, **named: Any) -> None:
        super().__init__(config, *given, **named)
        self._connections_max = config.connections_max
        self._turnstile = config.turnstile
        self.let_in = False
        self.on_gone: Callable[[], None] | None = None
        self._phase = Phase.BETWEEN
        self._chunk = 0
        self._head_first = 0
        self._head_chunks = 0
        self._idle_bytes = 0
        self._since = 0.0
        self._idle_since = 0.0
        self.refused_at = float("-inf")
        self.held: bytes | None = None
        self._served = False
        self._deaf = False
        self._parting: GatewayError | None = None
        self._refusal: GatewayError | None = None
        self._host: bytes | None = None
        self._blocked_since = 0.0
        self._blocked_bytes = 0

    # --- the connection's life ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self._idle_since = self.loop.time()
        over = len(self.connections) - self._connections_max
        if over > max(16, self._connections_max // 4):
            transport.abort()
        elif over > 0:
            self._part(Overloaded("The gateway has as many connections as it may. Try again in a moment."))

    def connection_lost(self, exc: Exception | None) -> None:
        running = self._running
        if running is not None and not running.response_complete:
            # uvicorn marks only the newest cycle, which with pipelining is not the one that is running.
            running.disconnected = True
            running.message_event.set()
        super().connection_lost(exc)
        self.let_worker_go()
        self._gone()

    def _gone(self) -> None:
        self.gone = True
        call, self.on_gone = self.on_gone, None
        if call is not None:
            call()

    def shutdown(self) -> None:
        """The server drains: an idle connection closes now, a busy one with its answer."""
        write_held(self)
        running = self._running
        if running is None or running.response_complete:
            self.transport.close()
        else:
            running.keep_alive = False

    def _close_softly(self) -> None:
        """Close our side, and read and drop what still comes for a while, lest a reset overtakes the answer."""
        self._deaf = True
        self._since = self.loop.time()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _part(self, error: GatewayError) -> None:
        self.transport.write(raw_refusal(error))
        self._close_softly()

    # --- bytes in ------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if self.held is not None:
            write_held(self)  # whatever becomes of what came now, its answer is not the first
        turnstile = self._turnstile
        if turnstile is not None and turnstile.load.shedding and self._turn_away(turnstile, data):
            return
        self._chunk = len(data)
        cycle = self.cycle
        had = -1 if self._phase is not Phase.BODY else len(cycle.body)
        try:
            (self._rest or self.parser).feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._ignore_offer(data[offer.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(self._refusal or refused_by_parser(error))
            return
        if self._phase is Phase.HEAD:
            self._count_head(len(data))
        elif self._phase is Phase.BODY and had >= 0 and self.cycle is cycle and len(cycle.body) == had:
            self._count_idle(len(data))

    def _turn_away(self, turnstile: Turnstile, data: bytes) -> bool:
        """Answer a request that came whole while nothing is under way here, if it is not to be taken."""
        running = self._running
        busy = running is not None and not running.response_complete
        if busy or self._phase is not Phase.BETWEEN or self.pipeline or self.flow.write_paused:
            return False
        answer = turnstile.look(data)
        self.let_in = answer == b""
        if not answer:
            return False
        turnstile.tell(self, answer)
        self.server_state.total_requests += 1
        self._served = True
        self._idle_since = self.loop.time()
        return True

    def _count_head(self, size: int) -> None:
        """The head is not complete yet. How much of its first chunk belonged to it is not known, so that chunk is
        left out here; the complete head is measured exactly."""
        if self._head_chunks == 0:
            self._since = self.loop.time()
        elif self._head_chunks - self._head_first + size > head.HEAD_BYTES_MAX:
            self._refuse(head.oversized())
            return
        else:
            size += self._head_chunks
        self._head_first = self._head_first or size
        self._head_chunks = size

    def _count_idle(self, size: int) -> None:
        """Trailers and chunk extensions carry no body, so the body's cap does not see them. (A body that is no
        longer read, because it has been answered, is not counted here: the sweep ends it.)"""
        if self.cycle.response_complete:
            return
        self._idle_bytes += size
        if self._idle_bytes > head.HEAD_BYTES_MAX or len(self.headers) > head.HEADERS_MAX:
            self._refuse(InvalidRequest("The request's trailers or chunk extensions are too large."))

    def _ignore_offer(self, rest: bytes) -> None:
        cycle = self.cycle
        cycle.keep_alive = False
        if cycle.scope["method"] == "CONNECT":
            self._refuse(InvalidRequest("CONNECT is not spoken here: this is a gateway, not a proxy."))
            return
        table = cast("dict[str, dict[bytes, bytes]]", cycle.scope)[TABLE]
        cycle.more_body = True
        cycle.message_event.clear()
        self._phase = Phase.BODY
        self._rest = RestOfBody(table, self.on_body, self.on_message_complete)
        if rest:
            self.data_received(rest)

    def _refuse(self, error: GatewayError) -> None:
        """The connection's bytes can not be read any further: answer what was asked properly, then say so and close."""
        self._deaf = True
        running = self._running
        if self._phase is Phase.BODY and self.pipeline and self.cycle is not running:
            self.pipeline.popleft()  # the broken request waits behind others; it is never served
        if running is None or running.response_complete:
            self._part(error)
        elif not running.more_body:
            self._parting = error
        elif running.response_started:
            self.transport.abort()
        else:
            running.disconnected = True
            running.message_event.set()
            self._part(error)
            self._gone()

    # --- parser callbacks ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._phase = Phase.HEAD
        self.url = b""
        self.headers = []

    def on_headers_complete(self) -> None:
        headers = self.headers
        try:
            if len(headers) > head.HEADERS_MAX:
                raise head.too_many()
            if len(self.url) > head.TARGET_BYTES_MAX:
                raise head.target_too_long()
            if self._head_chunks + self._chunk > head.HEAD_BYTES_MAX:
                head.check_size(self.url, headers)
            table = head.table(headers)
            version = self.parser.get_http_version()
            if (
                version != "1.1"
                or b"transfer-encoding" in table
                or table.get(b"host") != self._host
                or not self._host
            ):
                head.check_head(version, table)
                self._host = table.get(b"host")
            if len(self.pipeline) >= PIPELINED_MAX:
                raise InvalidRequest("Too many requests were sent without waiting for an answer.")
        except GatewayError as error:
            self._refusal = error
            raise
        self.begin(version, table)
        self.headers = []  # trailers land here, never in the request's own headers
        self._phase = Phase.BODY
        self._head_chunks = self._head_first = 0
        self._idle_bytes = 0

    def on_message_complete(self) -> None:
        self._phase = Phase.BETWEEN
        Outlet.on_message_complete(self)

    def on_response_complete(self) -> None:
        """uvicorn's own, without its keep-alive timer."""
        self.server_state.total_requests += 1
        self.on_gone = None
        if self.transport.is_closing():
            return
        if self._deaf and self._parting is None:
            return
        self.flow.resume_reading()
        self._served = True
        self._idle_since = self.loop.time()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._parting is not None:
            self._part(self._parting)
        elif self._phase is Phase.BODY:
            self._close_softly()

    # --- time ----------------------------------------------------------------------------------------------------

    def sweep(self, now: float, settings: Settings, idle_s: float) -> None:
        """Close what has kept the gateway waiting for too long. `now` is the loop's time."""
        running = self._running
        busy = running is not None and not running.response_complete
        self._sweep_writes(now, settings.write_stall_s, busy)
        if self.transport.is_closing():
            return
        if self._deaf:
            if not busy and now - self._since > LINGER_S:
                self.transport.abort()
        elif self._phase is Phase.HEAD:
            if self.flow.read_paused:
                self._since = now  # it waits behind pipelined requests: the client can not send the rest
            elif now - self._since > settings.header_deadline_s:
                self._refuse(
                    TooSlow(
                        f"The request's headers did not arrive within {settings.header_deadline_s:g} seconds."
                    )
                )
        elif not busy and now - self._idle_since > (idle_s if self._served else settings.header_deadline_s):
            self.transport.close()

    def _sweep_writes(self, now: float, limit_s: float, busy: bool) -> None:
        """A client that reads nothing for `limit_s` is cut off, also when only the end of an answer is left.

        Looked at only while nothing is added to the buffer, so that a buffer that does not shrink is a stall."""
        waiting = self.transport.get_write_buffer_size()
        if waiting == 0 or (busy and not self.flow.write_paused):
            self._blocked_since = 0.0
        elif self._blocked_since == 0.0 or waiting < self._blocked_bytes:
            self._blocked_since, self._blocked_bytes = now, waiting
        elif now - self._blocked_since > limit_s:
            self.transport.abort()
