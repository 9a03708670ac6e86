"""No secret comes up anywhere but where it belongs: canaries in every place, every kind of error, every sink."""

from __future__ import annotations

import os
import signal
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pyotp
import pytest

from forwarded import Forwarder
from gateway import GatewayProcess, config_for
from postgres_server import PostgresServer
from process.books import get, settle, simulating, until
from process.canaries import Canaries, Parrot
from process.forked import Nursery, nursery
from process.talk import Reply, exchange, head, port_of, run
from valkey_server import valkey
from waypost.stores.sql.variables import UNSAFE, URL

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

ACME = "/api/v1/organizations/acme"
SAID = ("says-401", "says-403", "says-429", "says-400", "says-500", "says-200", "says-stream", "says-late")
CONFIG = """
  - name: parrot
    dialect: openai_chat
    base_url: {parrot}/v1
    api_key: env:PARROT_KEY
    headers: {{x-team-token: "env:PARROT_HEADER"}}
    discover: false
  - name: behind
    dialect: openai_chat
    base_url: http://10.255.255.1/v1
    api_key: env:PARROT_KEY
    proxy: env:PROXY
    discover: false
  - name: gone
    dialect: openai_chat
    base_url: http://127.0.0.1:9/v1
    api_key: env:PARROT_KEY
    discover: false
models:
  - {{name: behind, targets: [{{provider: behind, model: m}}]}}
  - {{name: gone, targets: [{{provider: gone, model: m}}]}}
"""


class Scene:
    """One gateway, and everything that it is told and says."""

    def __init__(
        self, gateway: GatewayProcess, nursery: Nursery, canaries: Canaries, environ: dict[str, str]
    ) -> None:
        self.gateway = gateway
        self.nursery = nursery
        self.canaries = canaries
        self.environ = environ
        self.body = canaries.plant("a message's text")

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str = "",
        more: tuple[str, ...] = (),
        may: tuple[str, ...] = (),
    ) -> Reply:
        """An answer, looked through."""
        data = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        length = None if body is None else len(data)
        lines = head(path, key=key, length=length, method=method, more=(*more, "connection: close"))
        reply = run(exchange(port_of(self.gateway.url), lines + data))
        self.canaries.look(f"the answer to {method} {path}", repr(reply), may=may)
        return reply

    def made(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        reply = self.ask(method, path, body, **more)
        assert 200 <= reply.status < 300, (path, reply)
        return msgspec.json.decode(reply.body) if reply.body else None

    def command(self, *words: str, may: tuple[str, ...] = ()) -> bytes:
        """What a command prints, looked through."""
        errors = self.gateway.data.parent / "errors"
        arguments = [*words, "--data", str(self.gateway.data)]
        printed = self.nursery.run(arguments, self.environ, errors)
        where = f"what `waypost {' '.join(words[:2])}` prints"
        self.canaries.look(where, printed + errors.read_bytes(), may=may)
        errors.unlink()
        return printed

    # --- people ---------------------------------------------------------------------------------------------------

    def people(self) -> None:
        """Somebody is invited, signs in with a second factor, makes a token and a key, and errs in every way."""
        canaries = self.canaries
        lock = msgspec.json.decode((self.gateway.data / "waypost.lock").read_bytes())
        control = canaries.add("the control token", lock["token"])
        password = canaries.plant("a password")
        self.made("PUT", ACME, {"title": "Acme"}, key=control)
        invited = {"email": "ann@example.com", "role": "owner"}
        link = self._shown("an invitation", "POST", f"{ACME}/invitations", invited, "token", key=control)
        wrong = {"token": canaries.plant("another invitation"), "password": password, "name": "Ann"}
        assert self.ask("POST", "/api/v1/invitations/accept", wrong).status >= 400
        self.made("POST", "/api/v1/invitations/accept", {"token": link, "password": password, "name": "Ann"})
        signed_in = self.sign_in({"email": "ann@example.com", "password": password})
        for bad in (canaries.plant("a wrong password"), "x"):
            assert (
                self.ask("POST", "/api/v1/session", {"email": "ann@example.com", "password": bad}).status
                == 401
            )
        offered = self.ask("POST", "/api/v1/me/second-factor/offer", more=signed_in)
        assert offered.status == 200, offered
        secret = canaries.add_key("a second factor", msgspec.json.decode(offered.body)["secret"], base=32)
        code = pyotp.TOTP(secret).now()
        confirmed = {"secret": secret, "code": code, "password": password}
        self.ask("PUT", "/api/v1/me/second-factor", {**confirmed, "code": "000000"}, more=signed_in)
        codes = self.made("PUT", "/api/v1/me/second-factor", confirmed, more=signed_in)["codes"]
        for each in codes:
            canaries.add("a recovery code", each)
        self.ask(
            "POST", "/api/v1/session", {"email": "ann@example.com", "password": password, "code": codes[0]}
        )
        signed_in = self.sign_in({"email": "ann@example.com", "password": password, "code": codes[1]})
        token = self._shown("an API token", "POST", f"{ACME}/tokens", {"name": "ci"}, "text", more=signed_in)
        self.made("GET", f"{ACME}/members", key=token)
        self.key = self._shown(
            "a gateway key", "POST", f"{ACME}/keys", {"name": "app"}, "text", more=signed_in
        )
        for path in (
            "/api/v1/me",
            f"{ACME}/keys",
            f"{ACME}/tokens",
            f"{ACME}/invitations",
            "/api/v1/me/sessions",
        ):
            self.ask("GET", path, more=signed_in)
        for path in (f"{ACME}/keys", f"{ACME}/teams/x", "/api/v1/me/password"):
            for body in (
                {"name": self.body, "password": password, "text": self.key},
                b"{" + password.encode(),
            ):
                assert self.ask("PUT", path, body, more=signed_in).status >= 400

    def _shown(self, name: str, method: str, path: str, body: object, field: str, **more: Any) -> str:
        """A secret that is shown once: in this answer, which is looked through before it is known."""
        return self.canaries.add(name, self.made(method, path, body, **more)[field])

    def sign_in(self, body: object) -> tuple[str, ...]:
        reply = self.ask("POST", "/api/v1/session", body)
        assert reply.status == 201, reply
        cookie = reply.headers["set-cookie"].partition(";")[0]
        self.canaries.add("a session", cookie.partition("=")[2])
        return f"cookie: {cookie}", "sec-fetch-site: same-origin"

    # --- models ---------------------------------------------------------------------------------------------------

    def models(self) -> None:
        """Requests that go well, and ones that fail in every way that a provider, a client and a network can."""
        bad = self.canaries.plant("somebody's authorization")
        ask = {"messages": [{"role": "user", "content": self.body}], "max_tokens": 5}
        models = ("sim-fast", "behind", "gone", *(f"parrot/{model}" for model in SAID))
        for key in (self.gateway.key, self.key):
            for model in models:
                for stream in (False, True):
                    body = {**ask, "model": model, "stream": stream}
                    self.ask("POST", "/v1/chat/completions", body, key=key)
        self.ask("POST", "/v1/messages", {**ask, "model": "sim-fast"}, more=(f"x-api-key: {self.key}",))
        self.ask(
            "POST", "/v1/messages", {**ask, "model": "parrot/says-401"}, more=(f"x-api-key: {self.key}",)
        )
        told = {"model": "sim-fast", "input": self.body, "store": False}
        self.ask("POST", "/v1/responses", told, key=self.key)
        self.ask("POST", "/v1/embeddings", {"model": "sim-embed", "input": self.body}, key=self.key)
        for key in (bad, self.key[:-1] + "x"):
            self.ask("POST", "/v1/chat/completions", {**ask, "model": "sim-fast"}, key=key)
        self.ask(
            "POST", "/v1/chat/completions", {**ask, "model": "x"}, key=self.key, more=(f"x-api-key: {bad}",)
        )
        self.ask("GET", "/v1/models", more=(f"authorization: Basic {bad}",))
        for path in (f"/v1beta/models/sim-fast:generateContent?key={self.key}", f"/v1/models?api_key={bad}"):
            self.ask("POST", path, {"contents": [{"parts": [{"text": self.body}]}]})
        for wrong in (
            b'{"model": "sim-fast", "messages": "' + self.body.encode(),
            {"model": "sim-fast", "messages": [{"role": self.body, "content": self.body}]},
            {"model": "sim-fast", "messages": self.body},
            {"model": "sim-fast", "messages": [], "temperature": self.body},
            {**ask, "model": "sim-fast", "tools": self.body},
        ):
            self.ask("POST", "/v1/chat/completions", wrong, key=self.key)
            self.ask("POST", "/v1/messages", wrong, key=self.key)

    def bad_configuration(self) -> None:
        """Secrets where none may be: refused with their place, and not quoted."""
        inline = self.canaries.plant("a key in the file")
        right, told = self.gateway.config.read_text(), ("--config", str(self.gateway.config))
        for old, new in (
            ("api_key: env:PARROT_KEY", f"api_key: {inline!r}"),
            ("proxy: env:PROXY", f"proxy: 'http://me:{inline.replace('/', '')}@127.0.0.1:1'"),
            ("shared:", f"shared: [{inline!r}"),
            ("password: env:VALKEY", f"passwort: {inline!r}"),
        ):
            assert old in right
            self.gateway.config.write_text(right.replace(old, new))
            before = self._refused()
            self.command("reload", *told)
            self.command("reload", "--force", "--json", *told)
            until(lambda before=before: self._refused() > before, "the gateway refused it, too")  # type: ignore[misc]
        self.gateway.config.write_text(right)
        assert b"valid" in self.command("reload", *told)

    def _refused(self) -> int:
        return self.gateway.log_file.read_text().count("waypost.yaml:")

    # --- sinks ----------------------------------------------------------------------------------------------------

    def sinks(self) -> None:
        """Everything that the gateway says of itself, while it runs."""
        canaries = self.canaries
        for path in ("/metrics", "/healthz", "/readyz", "/v1/models", "/api/openapi.json"):
            self.ask("GET", path, key=self.gateway.key if path.startswith("/v1") else "")
        self.command("doctor", "--config", str(self.gateway.config))
        self.command("doctor", "--json", "--online", "--config", str(self.gateway.config))
        assert b"acme" in self.command("export", "--org", "acme")
        for words in (
            "keys list --org acme",
            "tokens list --org acme",
            "invitations list --org acme",
            "ledger verify",
        ):
            self.command(*words.split())
        self.command("db", "status")
        tail = self.command("requests", "tail", "--json", "-n", "200")
        shown = [msgspec.json.decode(line) for line in tail.splitlines()]
        assert len(shown) > 30
        for one in shown[-40::8]:
            self.command("requests", "show", str(one["exchange_id"]))
        for process in (self.gateway.pid, *_children(self.gateway.pid)):
            canaries.look("a command line", Path(f"/proc/{process}/cmdline").read_bytes())

    def end(self) -> None:
        """What it printed, and every file that is left."""
        process = self.gateway.process
        assert process is not None
        assert process.stdout is not None
        process.send_signal(signal.SIGTERM)
        self.canaries.look("the standard output", process.stdout.read())
        assert self.gateway.stop() == 0
        self.canaries.look("the log", self.gateway.log_file.read_bytes())
        exceptions = {"root.key": "the root key", "waypost.lock": "the control token"}
        self.canaries.look_in_folder(self.gateway.data, exceptions)


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def scene(tmp_path: Path, where: dict[str, str], canaries: Canaries) -> Iterator[Scene]:
    """A gateway between a simulator, a provider and a proxy that repeat what they are told, and a Valkey."""
    secrets = {name: canaries.plant(name) for name in ("PARROT_KEY", "PARROT_HEADER")}
    of_proxy, of_valkey = canaries.plant("a proxy password"), canaries.plant("a Valkey password")
    with simulating() as simulator, valkey() as server, Parrot() as parrot, nursery() as made_by:
        with server.client() as client:
            client.execute_command("ACL", "SETUSER", "gw", "on", f">{of_valkey}", "~*", "&*", "+@all")
        environ = {
            **secrets,
            "PROXY": parrot.url.replace("//", f"//me:{quoted(of_proxy)}@"),
            "VALKEY": of_valkey,
            **where,
        }
        shared = f"shared: {{url: 'redis://gw@127.0.0.1:{server.port}', password: env:VALKEY}}\n"
        config = config_for(simulator.url).replace("\nmodels:\n", CONFIG.format(parrot=parrot.url), 1)
        config = config.replace("discovery:", shared + "discovery:", 1)
        gateway = GatewayProcess(tmp_path, config, environ)
        with gateway:
            if (gateway.data / "root.key").exists():
                canaries.add_key("the root key", (gateway.data / "root.key").read_text().strip())
            canaries.add("the first key", gateway.key)
            made = Scene(gateway, made_by, canaries, gateway._environ)
            made.people()
            made.models()
            yield made
            with server.client() as client:  # from here on the password is wrong
                client.execute_command("ACL", "SETUSER", "gw", "resetpass", ">other")
                client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            until(lambda: b"waypost_shared_connected 0" in get(gateway.url + "/metrics"), "Valkey refuses it")
            made.bad_configuration()
            made.models()
            settle(gateway)
            made.sinks()
            made.end()


def quoted(text: str) -> str:
    return quote(text, safe="")


def test_no_secret_comes_up_on_sqlite(tmp_path: Path) -> None:
    canaries = Canaries()
    with scene(tmp_path, {}, canaries) as made:
        made.gateway.kill()  # and is recovered
        made.gateway.start()
        copy = tmp_path / "copy.db"
        made.command("db", "backup", str(copy))
        canaries.look("a backup", copy.read_bytes())
    assert canaries.found == []
    assert {"root.key", "waypost.db", "the log", "a backup"} <= set(canaries.looked)


def test_no_secret_comes_up_on_postgresql(tmp_path: Path, postgres: PostgresServer) -> None:
    canaries = Canaries()
    password = canaries.plant("a database password")
    root = canaries.add_key("the root key", b64encode(os.urandom(32)).decode())
    where = postgres.new_database()
    name = where[URL].rpartition("/")[2]
    role = f"r{time.monotonic_ns()}"
    with postgres.connection() as connection:
        connection.run(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        connection.run(f"ALTER DATABASE {name} OWNER TO {role}")
    with Forwarder(postgres.port) as wire:
        url = f"postgresql://{role}:{quoted(password)}@127.0.0.1:{wire.port}/{name}"
        with scene(tmp_path, {URL: url, UNSAFE: "1", "WAYPOST_ROOT_KEY": root}, canaries) as made:
            with postgres.connection() as connection:
                connection.run(f"ALTER ROLE {role} PASSWORD 'other'")
            wire.drop()
            made.models()  # keys that are known go on; the database refuses
            made.command("keys", "list")
            made.command("db", "status")
            with postgres.connection() as connection:
                connection.run(f"ALTER ROLE {role} PASSWORD '{password}'")
            until(lambda: made.ask("GET", "/readyz").status == 200, "the database is there again")
    with postgres.connection(name) as connection:
        tables = [
            row[0] for row in connection.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
        for table in tables:
            canaries.look(f"the table {table}", repr(connection.run(f'SELECT * FROM "{table}"')))
    assert canaries.found == []
    assert "the table exchanges" in canaries.looked


def test_a_canary_that_comes_up_is_seen() -> None:
    """In each of the encodings, so that the other tests can fail."""
    for told in (
        lambda secret: secret,
        lambda secret: secret.encode().hex(),
        lambda secret: b64encode(b"user:" + secret.encode()).decode(),
        lambda secret: b64encode(b"user" + secret.encode() + b"tail").decode(),
        lambda secret: quoted(secret),
        lambda secret: msgspec.json.encode({"a": secret}).decode(),
    ):
        canaries = Canaries()
        secret = canaries.plant("one")
        canaries.look("somewhere", f"before {told(secret)} after")
        canaries.look("where it belongs", told(secret), may=["one"])
        canaries.look("elsewhere", "nothing")
        assert canaries.found == ["one is in somewhere"]
