from __future__ import annotations

from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Protocol

from waypost.ports import Ended
from waypost.upstream.websocket import WebSocket


class Side:
    """A socket with a wire that writes down, and the other end's frames."""

    def __init__(self, max_size: int = 1000, listen: bool = True) -> None:
        self.out = b""
        self.shuts = 0
        self.resting: list[bool] = []
        self.messages: list[tuple[bytes, bool]] = []
        self.ends: list[Ended] = []
        self.pressure: list[bool] = []
        self.socket = WebSocket(Protocol(SERVER, max_size=max_size), self)
        self.peer = Protocol(CLIENT)
        if listen:
            self.listen()

    def listen(self) -> None:
        self.socket.listen(
            lambda message, text: self.messages.append((message, text)),
            self.ends.append,
            self.pressure.append,
        )

    def write(self, data: bytes) -> None:
        self.out += data

    def shut(self) -> None:
        self.shuts += 1

    def rest(self, resting: bool) -> None:
        self.resting.append(resting)

    def feed(self, *frames: Frame) -> None:
        self.socket.feed_data(b"".join(frame.serialize(mask=True) for frame in frames))

    def received(self) -> list[Frame]:
        data, self.out = self.out, b""
        self.peer.receive_data(data)
        return [event for event in self.peer.events_received() if isinstance(event, Frame)]


def test_messages_both_ways() -> None:
    side = Side()
    side.feed(Frame(Opcode.TEXT, b"hi"), Frame(Opcode.BINARY, b"\x00"))
    assert side.messages == [(b"hi", True), (b"\x00", False)]
    side.socket.send(b"ho", True)
    side.socket.send(b"\x01", False)
    assert [(frame.opcode, frame.data) for frame in side.received()] == [
        (Opcode.TEXT, b"ho"),
        (Opcode.BINARY, b"\x01"),
    ]


def test_fragments_are_told_as_one_message() -> None:
    side = Side()
    side.feed(
        Frame(Opcode.BINARY, b"a", fin=False), Frame(Opcode.PING, b"p"), Frame(Opcode.CONT, b"b", fin=False)
    )
    assert side.messages == []
    side.feed(Frame(Opcode.CONT, b"c"), Frame(Opcode.TEXT, b"d"))
    assert side.messages == [(b"abc", False), (b"d", True)]
    assert [frame.opcode for frame in side.received()] == [Opcode.PONG]


def test_a_goodbye_is_answered_and_told() -> None:
    side = Side()
    side.feed(Frame(Opcode.CLOSE, b"\x03\xe8bye"), Frame(Opcode.TEXT, b"late"))
    assert side.ends == [Ended(1000, "bye", by_peer=True)]
    assert (side.messages, side.shuts, side.socket.ended) == ([], 1, True)
    assert side.received()[0].opcode is Opcode.CLOSE
    side.socket.send(b"nobody", True)
    side.socket.close(1000)
    side.socket.lost()
    assert (side.out, side.shuts, len(side.ends)) == (b"", 1, 1)


def test_a_message_over_the_limit_closes_with_1009_also_in_fragments() -> None:
    whole = (Frame(Opcode.TEXT, b"x" * 11),)
    parts = (Frame(Opcode.TEXT, b"x" * 6, fin=False), Frame(Opcode.CONT, b"x" * 6))
    for frames in (whole, parts):
        side = Side(max_size=10)
        side.feed(*frames)
        assert side.ends == [Ended(1009)]
        assert side.messages == []
        assert side.received()[0].data[:2] == (1009).to_bytes(2, "big")


def test_a_broken_frame_closes_with_1002() -> None:
    side = Side()
    side.socket.feed_data(b"\xff\xff\xff\xff")
    assert side.ends == [Ended(1002)]


def test_a_lost_connection() -> None:
    side = Side()
    side.socket.lost()
    assert side.ends == [Ended(1006)]


def test_our_goodbye_is_not_told_to_ourselves() -> None:
    side = Side()
    side.socket.close(1012, "é" * 100)
    assert (side.ends, side.shuts) == ([], 1)
    (frame,) = side.received()
    assert frame.data[:2] == (1012).to_bytes(2, "big")
    assert len(frame.data) <= 125
    side.feed(Frame(Opcode.TEXT, b"late"))
    assert side.messages == []


def test_what_came_early_waits_for_who_listens() -> None:
    side = Side(listen=False)
    side.feed(Frame(Opcode.TEXT, b"early"), Frame(Opcode.CLOSE, b"\x03\xe8"))
    assert side.resting == [True]
    side.listen()
    assert side.messages == [(b"early", True)]
    assert side.ends == [Ended(1000, by_peer=True)]


def test_pings_of_one_who_does_not_read_are_not_answered() -> None:
    side = Side()
    side.socket.pressed(True)
    side.feed(*[Frame(Opcode.PING, b"x")] * 50)
    assert (side.out, side.pressure) == (b"", [True])
    side.socket.pressed(False)
    side.feed(Frame(Opcode.PING, b"y"))
    assert [frame.data for frame in side.received()] == [b"y"]


def test_signs_of_life() -> None:
    side = Side()
    side.socket.heard = False
    side.socket.ping()
    assert side.received()[0].opcode is Opcode.PING
    side.feed(Frame(Opcode.PONG, b""))
    assert side.socket.heard
