"""TLS against a server with certificates made for the test."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path
from shutil import which

import pytest

from upstream.conftest import MakeClient, MakeServer
from upstream.wire import BODY, HEAD, HOLD, OK, ScriptedServer, until
from waypost.core.origin import Deadlines, Origin, Proxy, TlsFiles
from waypost.errors import Unavailable, Untrusted
from waypost.upstream.client import HttpUpstream
from waypost.upstream.tls import TlsContexts

pytestmark = pytest.mark.skipif(
    which("openssl") is None, reason="certificates are made with the openssl command"
)


_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def issue(folder: Path, name: str, host: str, days: int) -> None:
    openssl(
        folder, "req", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr",
        "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{host}",
    )  # fmt: skip
    openssl(
        folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", str(days), "-copy_extensions", "copy", "-out", f"{name}.pem",
    )  # fmt: skip


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pems")
    openssl(
        folder, "req", "-x509", *_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA", "-days", "2",
        "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
    )  # fmt: skip
    issue(folder, "good", "lab.example", 2)
    issue(folder, "expired", "lab.example", -1)
    issue(folder, "client", "client.example", 2)
    return folder


def server_context(pems: Path, name: str, *, asks: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pems / f"{name}.pem", pems / f"{name}.key")
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pems / "ca.pem")
    return context


class Loopback:
    async def resolve(self, host: str, port: int) -> Sequence[str]:
        return ("127.0.0.1",)


def lab(server: ScriptedServer, pems: Path, host: str = "lab.example", **files: str) -> Origin:
    names = {name: str(pems / file) for name, file in {"ca": "ca.pem", **files}.items()}
    return server.origin(scheme="https", host=host, tls=TlsFiles(**names))


async def refused(upstream: HttpUpstream, origin: Origin, server: ScriptedServer, says: str) -> None:
    with pytest.raises(Untrusted, match=says) as caught:
        await upstream.send(origin, HEAD, BODY, Deadlines())
    assert not caught.value.may_have_billed
    assert server.requests == []
    assert server.connections <= 1
    await until(lambda: upstream.stats()[0].open == 0)


async def test_a_verified_connection_is_kept(client: MakeClient, serve: MakeServer, pems: Path) -> None:
    server = await serve(["request", OK, "request", OK, HOLD], ssl=server_context(pems, "good"))
    upstream = client(resolver=Loopback())
    for _ in range(2):
        assert (await upstream.send(lab(server, pems), HEAD, BODY, Deadlines())).body == b"hi"
    assert server.connections == 1


async def test_a_large_request_over_tls(client: MakeClient, serve: MakeServer, pems: Path) -> None:
    body = b"x" * 1_000_000
    head = HEAD.replace(b"length: 2", b"length: 1000000")
    server = await serve(["request", OK, HOLD], ssl=server_context(pems, "good"))
    upstream = client(resolver=Loopback())
    assert (await upstream.send(lab(server, pems), head, body, Deadlines())).body == b"hi"
    assert server.requests == [head + body]


async def test_another_name(client: MakeClient, serve: MakeServer, pems: Path) -> None:
    server = await serve(["request", OK], ssl=server_context(pems, "good"))
    await refused(
        client(resolver=Loopback()), lab(server, pems, "other.example"), server, "another host name"
    )


async def test_an_address_is_not_a_name(client: MakeClient, serve: MakeServer, pems: Path) -> None:
    server = await serve(["request", OK], ssl=server_context(pems, "good"))
    await refused(client(), lab(server, pems, "127.0.0.1"), server, "another address")


async def test_an_expired_certificate(client: MakeClient, serve: MakeServer, pems: Path) -> None:
    server = await serve(["request", OK], ssl=server_context(pems, "expired"))
    await refused(client(resolver=Loopback()), lab(server, pems), server, "expired")


async def test_an_unknown_authority(client: MakeClient, serve: MakeServer, pems: Path) -> None:
    server = await serve(["request", OK], ssl=server_context(pems, "good"))
    origin = server.origin(scheme="https", host="lab.example")
    await refused(client(resolver=Loopback()), origin, server, "not trusted")


@pytest.mark.parametrize("alert", [70, 40])  # protocol_version, handshake_failure: RFC 8446 section 6
async def test_a_handshake_refused(client: MakeClient, serve: MakeServer, pems: Path, alert: int) -> None:
    server = await serve([bytes((0x15, 3, 1, 0, 2, 2, alert)), HOLD])
    await refused(client(resolver=Loopback()), lab(server, pems), server, "could not be agreed")


async def test_a_server_without_tls(client: MakeClient, serve: MakeServer, pems: Path) -> None:
    server = await serve([b"HTTP/1.1 400 Bad\r\n\r\n", HOLD])
    await refused(client(resolver=Loopback()), lab(server, pems), server, "could not be agreed")


async def test_a_handshake_cut_short(client: MakeClient, serve: MakeServer, pems: Path) -> None:
    server = await serve(["close"])
    with pytest.raises(Unavailable) as caught:
        await client(resolver=Loopback()).send(lab(server, pems), HEAD, BODY, Deadlines())
    assert not caught.value.may_have_billed


async def test_a_client_certificate(client: MakeClient, serve: MakeServer, pems: Path) -> None:
    server = await serve(["request", OK, HOLD], ssl=server_context(pems, "good", asks=True))
    upstream = client(resolver=Loopback())
    origin = lab(server, pems, cert="client.pem", key="client.key")
    assert (await upstream.send(origin, HEAD, BODY, Deadlines())).body == b"hi"


async def test_a_missing_client_certificate(client: MakeClient, serve: MakeServer, pems: Path) -> None:
    context = server_context(pems, "good", asks=True)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    server = await serve(["request", OK], ssl=context)
    with pytest.raises(Unavailable, match="client certificate"):
        await client(resolver=Loopback()).send(lab(server, pems), HEAD, BODY, Deadlines())
    assert server.requests == []


async def test_tls_through_a_tunnel(client: MakeClient, serve: MakeServer, pems: Path) -> None:
    inner = await serve(["request", OK, HOLD], ssl=server_context(pems, "good"))
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        there = await asyncio.open_connection("127.0.0.1", inner.port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        tasks.update((loop.create_task(copy(reader, there[1])), loop.create_task(copy(there[0], writer))))

    outer = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    proxy = Proxy("127.0.0.1", outer.sockets[0].getsockname()[1])
    origin = Origin("https", "lab.example", 443, proxy=proxy, tls=TlsFiles(ca=str(pems / "ca.pem")))
    upstream = client()
    assert (await upstream.send(origin, HEAD, BODY, Deadlines())).body == b"hi"
    await upstream.aclose()
    outer.close()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_contexts_are_made_once_and_again_when_a_file_changes(pems: Path, tmp_path: Path) -> None:
    contexts = TlsContexts()
    assert contexts.load(None) is contexts.load(TlsFiles())
    ca = tmp_path / "ca.pem"
    ca.write_bytes((pems / "ca.pem").read_bytes())
    files = TlsFiles(ca=str(ca))
    first = contexts.load(files)
    assert contexts.load(files) is first
    assert first.verify_mode is ssl.CERT_REQUIRED
    assert first.check_hostname
    assert first.minimum_version is ssl.TLSVersion.TLSv1_2
    ca.touch()
    os.utime(ca, ns=(1, 1))
    assert contexts.load(files) is not first


@pytest.mark.parametrize(
    "files", [{"ca": "nowhere.pem"}, {"ca": "ca.key"}, {"cert": "good.pem", "key": "ca.key"}]
)
def test_unusable_files_are_named(pems: Path, files: dict[str, str]) -> None:
    with pytest.raises(Untrusted, match=r"tls\.ca"):
        TlsContexts().load(TlsFiles(**{name: str(pems / file) for name, file in files.items()}))
