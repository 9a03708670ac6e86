"""Writing on time, with a loop whose time is a number."""

from collections.abc import Callable, Iterator

from waypost.simulator.bill import Bill, Tokens
from waypost.simulator.meter import Exchange, Meter
from waypost.simulator.playback import BATCH, Playback
from waypost.simulator.wire import Ending, Made, Script, Write


class Handle:
    cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """Only what a playback asks of a loop."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[..., None], tuple[object, ...]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[..., None], *args: object) -> Handle:
        self.timers.append((when, call, args))
        return Handle()

    def call_later(self, delay: float, call: Callable[..., None], *args: object) -> Handle:
        return self.call_at(self.now + delay, call, *args)

    def pass_to_next(self) -> None:
        self.timers.sort(key=lambda timer: timer[0])
        when, call, args = self.timers.pop(0)
        self.now = when
        call(*args)


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = self.eof = False
        self.after_write: Callable[[], None] = lambda: None

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self.after_write()

    def close(self) -> None:
        self.closed = True

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.eof = True


def play(writes: Iterator[Write] | list[Write], ending: Ending = "keep"):
    loop, transport, bill, done = Loop(), Transport(), Bill(), []
    meter = Meter(bill, "req", "sim-fast", "chat", Tokens(prompt=1))
    exchange = Exchange(Script(writes, ending), meter)
    playback = Playback(loop, transport, exchange, lambda: done.append(1))
    return loop, transport, bill, done, playback


ONE = Made(1)


def test_writes_leave_when_they_are_due_and_are_counted_then() -> None:
    loop, transport, bill, done, playback = play([Write(b"a"), Write(b"b", 1.0, ONE), Write(b"c", 2.5, ONE)])
    playback.run()
    assert transport.written == [b"a"]
    loop.pass_to_next()
    assert (loop.now, transport.written, bill.count) == (101.0, [b"a", b"b"], 0)
    loop.pass_to_next()
    assert (loop.now, transport.written, done) == (102.5, [b"a", b"b", b"c"], [1])
    assert [line.tokens.completion for line in bill.lines] == [2]


def test_a_late_timer_catches_up_in_one_write() -> None:
    loop, transport, _, done, playback = play([Write(b"a"), *[Write(b"b", i / 10) for i in range(1, 5)]])
    playback.run()
    loop.timers[0] = (103.0, *loop.timers[0][1:])
    loop.pass_to_next()
    assert (transport.written, done) == ([b"a", b"bbbb"], [1])


def test_leaving_bills_what_was_written() -> None:
    loop, _, bill, done, playback = play([Write(b"a", 0, ONE), Write(b"b", 1.0, ONE), Write(b"c", 2.0, ONE)])
    playback.run()
    loop.pass_to_next()
    playback.cancel()
    assert [(line.tokens.completion, line.end) for line in bill.lines] == [(2, "cancelled")]
    playback.cancel()
    assert (bill.count, done) == (1, [])


def test_a_client_that_does_not_read_holds_an_endless_script() -> None:
    taken = 0

    def endless() -> Iterator[Write]:
        nonlocal taken
        while True:
            taken += 1
            yield Write(b"x" * 1024, 0.0, ONE)

    _, transport, bill, _, playback = play(endless())
    transport.after_write = playback.pause
    playback.run()
    assert taken * 1024 <= BATCH + 2048
    transport.after_write = lambda: None if len(transport.written) < 3 else playback.pause()
    playback.resume()
    assert len(transport.written) == 3
    playback.cancel()
    assert [line.tokens.completion for line in bill.lines] == [3 * BATCH // 1024]


def test_endings() -> None:
    loop, transport, _, done, playback = play([Write(b"a")], "close")
    playback.run()
    assert (transport.closed, done) == (True, [])
    loop, transport, _, done, playback = play([Write(b"a")], "half")
    playback.run()
    assert not transport.eof
    loop.pass_to_next()
    assert (transport.eof, transport.closed, done) == (True, False, [])
    loop, transport, bill, done, playback = play([Write(b"a", 0.0, ONE)], "hang")
    playback.run()
    assert (loop.timers, transport.closed, done, bill.count) == ([], False, [], 0)
