"""The ledger's writer: follows the intents files and posts what is settled. It runs in a process of its own.

In the gateway's process a thread that posts takes the interpreter from the event loop thousands of times a second; here
it costs the gateway nothing, because what is posted is read from files that are written anyway. Whatever happens to
this process, the files have everything: it begins again where the journal says that the files are applied.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from waypost.core.record import Exchange
from waypost.errors import GatewayError, StoreUnavailable
from waypost.ledger.messages import Applied, Ask, Carry, Drop, Posted, Taken, Wake, render, to_writer
from waypost.ledger.segments import number_of
from waypost.ledger.tail import Piece, Tail

if TYPE_CHECKING:  # the writer process is small
    from waypost.ports import Journal

#: Records per transaction.
BATCH_MAX: Final = 1024
_RECEIVE_BYTES: Final = 65_536
_PAUSE_FIRST_S: Final = 0.02
_PAUSE_MAX_S: Final = 0.5


class Poster:
    """Runs until the gateway closes its end of `link`; what was written by then is posted first.

    `delay_s` is how long the first record of a batch waits for company. `behind` is told before each stretch is posted
    whether there is more to post than that. Raises OSError when an intents file can not be
    read, and what the journal raises that is no GatewayError.
    """

    def __init__(
        self,
        folder: Path,
        journal: Journal,
        link: socket.socket,
        *,
        monotonic: Callable[[], float],
        delay_s: float,
        behind: Callable[[bool], object] = lambda _: None,
    ) -> None:
        self._folder = folder
        self._journal = journal
        self._link = link
        self._monotonic = monotonic
        self._delay_s = delay_s
        self._behind = behind
        self._frames = to_writer()
        self._tail = Tail(folder, journal.applied())
        self._piece: Piece | None = None
        self._asks: list[Ask] = []
        self._carried: dict[str, Carry] = {}
        self._drops: list[str] = []
        #: Per segment with a record that was set aside, the number before it: recovery must meet that record again.
        self._ceilings: dict[str, int] = {}
        self._stuck = 0
        self._at = (0, 0)
        self._told: Applied | None = None
        self._ended = False

    def run(self) -> None:
        """Follow the files until the gateway has ended."""
        wait_s: float | None = 0.0
        pause_s = 0.0
        while not self._ended:
            self._hear(wait_s)
            failure, worked = self._round()
            if failure is not None:
                wait_s = pause_s = min(max(_PAUSE_FIRST_S, pause_s * 2), _PAUSE_MAX_S)
                continue
            pause_s = 0.0
            wait_s = self._delay_s if worked else None
        self._round()  # what was written between the last look and the gateway's end
        self._tail.close()

    # --- what the gateway says --------------------------------------------------------------------------------

    def _hear(self, wait_s: float | None) -> None:
        """Wait, and take in what is said meanwhile; until something is said when `wait_s` is None. Whoever waits for an
        answer ends the wait."""
        if wait_s is None:
            self._tell(idle=True)
            urgent = self._receive(None)
            if urgent:
                return
            wait_s = self._delay_s  # woken: the first record waits for company
        until = self._monotonic() + wait_s
        while not self._receive(max(0.0, until - self._monotonic())) and self._monotonic() < until:
            pass

    def _receive(self, wait_s: float | None) -> bool:
        """Take in what has been said; True when somebody waits for an answer, or the gateway has ended."""
        urgent = False
        while select.select((self._link,), (), (), wait_s)[0]:
            wait_s = 0.0
            try:
                data = self._link.recv(_RECEIVE_BYTES)
            except ConnectionResetError:
                data = b""
            if not data:
                self._ended = True
                return True
            for message in self._frames.feed(data):
                if isinstance(message, Wake):
                    continue
                if isinstance(message, Drop):
                    self._drops.append(message.segment)
                    continue
                urgent = True
                if isinstance(message, Ask):
                    self._asks.append(message)
                elif isinstance(message, Carry):
                    self._carried[message.exchange.exchange_id] = message
        return urgent

    def _tell(self, *, failing: bool = False, idle: bool = False) -> None:
        told = Applied(*self._at, self._stuck, failing, idle)
        if told != self._told or failing:  # how long it fails is judged by the gateway
            self._told = told
            self._say(render(told))

    def _say(self, data: bytes) -> None:
        if self._ended:
            return  # nobody hears it
        try:
            self._link.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self._ended = True

    # --- posting ----------------------------------------------------------------------------------------------

    def _round(self) -> tuple[GatewayError | None, bool]:
        """Post what there is, then answer whoever asked. The error that stopped it, and whether there was anything."""
        asks, self._asks = self._asks, []
        worked = False
        failure: GatewayError | None = None
        try:
            more: bool | None = True
            while more:
                more = self._follow()
                worked |= more is not None
            self._post_carried()
            self._drop()
        except StoreUnavailable as error:
            failure = error
            self._tell(failing=True)
        else:
            self._tell()
        for ask in asks:
            self._answer(ask, failure)
        return failure, worked

    def _follow(self) -> bool | None:
        """Post the next stretch of the files: None when there is none, False when it was all that there was when it was
        read. What is written meanwhile waits for company: else a busy gateway would be followed in ever smaller steps,
        each of which costs the database a transaction. One that could not be posted is kept."""
        kept, piece = self._piece is not None, self._piece or self._tail.read()
        self._piece = piece
        if piece is None:
            return None
        self._behind(piece.more or kept)
        for number in piece.damaged:
            self._set_aside(piece.segment, number)
        piece.damaged = []
        while piece.settled:
            batch = piece.settled[:BATCH_MAX]
            self._post(piece.segment, batch)
            del piece.settled[: len(batch)]
            self._at = (piece.number, piece.handled - len(piece.settled))
            if piece.settled:
                self._tell()
        self._at = (piece.number, piece.handled)
        self._piece = None
        return piece.more or kept

    def _post(self, segment: str, batch: list[tuple[int, Exchange]]) -> None:
        exchanges = [self._whole(exchange) for _, exchange in batch]
        upto = batch[-1][0]
        try:
            self._journal.post(segment, min(upto, self._ceilings.get(segment, upto)), exchanges)
        except StoreUnavailable:
            raise
        except GatewayError:
            self._post_one_by_one(segment, [number for number, _ in batch], exchanges)
        for exchange in exchanges:
            self._taken(exchange.exchange_id, refused=False)

    def _post_one_by_one(self, segment: str, numbers: list[int], exchanges: list[Exchange]) -> None:
        # One record the database refuses must not stop the others. Its segment is kept, so that nothing is lost and
        # the next start meets it again. What is there already is skipped, so this can be done again from its start.
        aside: list[int] = []
        for number, exchange in zip(numbers, exchanges, strict=True):
            try:
                self._journal.repost([exchange])
            except StoreUnavailable:
                raise
            except GatewayError:
                aside.append(number)
        for number in aside:
            self._set_aside(segment, number)

    def _set_aside(self, segment: str, number: int) -> None:
        self._stuck += 1
        self._ceilings[segment] = min(number - 1, self._ceilings.get(segment, number - 1))

    def _whole(self, exchange: Exchange) -> Exchange:
        """With its content, if that was sent."""
        carry = self._carried.get(exchange.exchange_id)
        return exchange if carry is None else carry.exchange

    def _post_carried(self) -> None:
        """What was sent and is in no file, or was posted from the files before its content came."""
        for carry in tuple(self._carried.values()):
            refused = False
            try:
                self._journal.repost([carry.exchange])
            except StoreUnavailable:
                raise
            except GatewayError:
                refused = True
            self._taken(carry.exchange.exchange_id, refused=refused)

    def _taken(self, exchange_id: str, *, refused: bool) -> None:
        carry = self._carried.pop(exchange_id, None)
        if carry is not None:
            self._say(render(Taken(carry.number, refused)))

    def _drop(self) -> None:
        while self._drops:
            segment = self._drops[-1]
            if segment not in self._ceilings and number_of(segment) is not None:
                try:
                    os.unlink(self._folder / segment)
                except OSError:
                    pass  # left over: the next start finds it wholly applied and deletes it
                else:
                    self._journal.forget(segment)
            self._drops.pop()

    def _answer(self, ask: Ask, failure: GatewayError | None) -> None:
        if failure is None:
            try:
                self._say(render(Posted(ask.number, self._journal.posted(ask.account_ids))))
                return
            except GatewayError as error:
                failure = error
        self._say(render(Posted(ask.number, None, failure.message)))
