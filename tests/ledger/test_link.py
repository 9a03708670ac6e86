import asyncio
import socket

from waypost.ledger.link import Link
from waypost.ledger.messages import Applied, Drop, Taken, render, to_writer


class Ends:
    """A link and the other end of it."""

    def __init__(self) -> None:
        ours, self.theirs = socket.socketpair()
        self.heard: list[object] = []
        self.lost = asyncio.Event()
        self.arrived = asyncio.Event()
        self.link = Link(asyncio.get_running_loop(), ours, self._hear, self.lost.set)

    def _hear(self, message: object) -> None:
        self.heard.append(message)
        self.arrived.set()


async def test_what_the_other_end_says_is_heard_in_order():
    ends = Ends()
    said = [Applied(1, 2, 0, False, False), Taken(3, False)]
    ends.theirs.sendall(b"".join(map(render, said)))
    await asyncio.wait_for(ends.arrived.wait(), 5)
    assert ends.heard == said
    await ends.link.close()
    assert ends.theirs.recv(1) == b""
    assert not ends.lost.is_set(), "who closes it does not lose it"
    ends.theirs.close()


async def test_more_than_the_socket_takes_is_kept_and_sent_when_it_can_be():
    ends = Ends()
    names = [f"{number}" * 1000 for number in range(3000)]
    for name in names:
        ends.link.send(render(Drop(name)))
    ends.theirs.setblocking(False)
    closing = asyncio.ensure_future(ends.link.close())
    frames, found = to_writer(), []
    loop = asyncio.get_running_loop()
    while data := await asyncio.wait_for(loop.sock_recv(ends.theirs, 65_536), 5):
        found += frames.feed(data)
    await closing
    assert [message.segment for message in found] == names
    ends.theirs.close()


async def test_the_other_ends_death_is_told_once_and_nothing_raises_after():
    ends = Ends()
    ends.theirs.close()
    ends.link.send(render(Drop("1")))
    await asyncio.wait_for(ends.lost.wait(), 5)
    ends.link.send(render(Drop("2")))
    await ends.link.close()
    await ends.link.close()


async def test_closing_does_not_wait_for_one_that_reads_nothing(monkeypatch):
    monkeypatch.setattr("waypost.ledger.link._CLOSE_S", 0.01)
    ends = Ends()
    ends.link.send(render(Drop("x" * 5_000_000)))
    await asyncio.wait_for(ends.link.close(), 5)
    ends.theirs.close()
