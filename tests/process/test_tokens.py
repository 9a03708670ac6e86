"""A gateway whose database and whose Valkey are asked over TLS, with passwords that run out (as IAM's tokens do)."""

from __future__ import annotations

import shlex
import stat
from pathlib import Path

import pytest

from forwarded import Forwarder
from gateway import GatewayProcess, config_for
from postgres_server import PostgresServer
from process.books import metrics, settle, simulating, until
from process.talk import Reply, chat, exchange, port_of, post, run
from secured import Authority
from valkey_server import valkey
from waypost.stores.sql.variables import COMMAND, UNSAFE, URL

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

HERE = "127.0.0.1"


class Issuer:
    """Prints a token, and writes down that it was asked for one."""

    def __init__(self, folder: Path, name: str) -> None:
        self._token, self._asked = folder / f"{name}.token", folder / f"{name}.asked"
        self._script = folder / f"{name}.sh"
        self._script.write_text(f"#!/bin/sh\necho x >> {self._asked}\ncat {self._token}\n")
        self._script.chmod(stat.S_IRWXU)
        self.command = shlex.quote(str(self._script))

    def issue(self, token: str) -> None:
        """From now on it prints this one."""
        self._token.write_text(token + "\n")

    @property
    def asked(self) -> int:
        return self._asked.read_text().count("x") if self._asked.exists() else 0


def test_tokens_that_run_out(tmp_path: Path, postgres: PostgresServer) -> None:
    trust = Authority(tmp_path / "trust", "ours")
    context = trust.server(HERE)
    database, store = Issuer(tmp_path, "database"), Issuer(tmp_path, "store")
    where = postgres.new_database()
    name = where[URL].rpartition("/")[2]

    with postgres.connection() as connection:
        connection.run("CREATE ROLE iam LOGIN PASSWORD 'token-1'")
        connection.run(f"ALTER DATABASE {name} OWNER TO iam")
    with (
        valkey() as server,
        Forwarder(postgres.port, tls=context, postgres=True) as to_database,
        Forwarder(server.port, tls=context) as to_store,
        simulating() as simulator,
    ):
        with server.client() as client:
            client.execute_command("ACL", "SETUSER", "iam", "on", ">token-1", "~*", "&*", "+@all")
        for issuer in (database, store):
            issuer.issue("token-1")
        url = f"postgresql://iam@{HERE}:{to_database.port}/{name}?sslmode=verify-full&sslrootcert={trust.pem}"
        shared = (
            f"shared: {{url: 'rediss://iam@{HERE}:{to_store.port}', ca: {trust.pem}, "
            f'password_command: "{store.command}"}}\n'
        )
        environ = {URL: url, COMMAND: database.command, UNSAFE: "1"}
        config = config_for(simulator.url).replace("discovery:", shared + "discovery:", 1)
        with GatewayProcess(tmp_path, config, environ) as gateway:
            key = gateway.create_key("--name", "rich", "--budget", "1000", "--per", "month")
            assert _ask(gateway, key).status == 200
            settle(gateway)
            until(lambda: _connected(gateway), "Valkey is asked with the first token")
            before = database.asked, store.asked

            with postgres.connection() as connection:
                connection.run("ALTER ROLE iam PASSWORD 'token-2'")
            with server.client() as client:
                client.execute_command("ACL", "SETUSER", "iam", "resetpass", ">token-2")
            assert _ask(gateway, key).status == 200, "what is open goes on"
            to_database.drop()
            to_store.drop()
            until(lambda: not _connected(gateway), "the first token is refused")
            for issuer in (database, store):
                issuer.issue("token-2")
            until(lambda: _connected(gateway), "Valkey is asked with the second token")
            until(lambda: _ask(gateway, key).status == 200, "so is the database")
            settle(gateway)
            another = gateway.create_key("--name", "another")
            until(lambda: _ask(gateway, another).status == 200, "a key that nobody has seen yet")
            settle(gateway)
            assert database.asked > before[0]
            assert store.asked > before[1]
            assert gateway.stop() == 0
        said = gateway.log_file.read_text()
    assert "token-" not in said


def _ask(gateway: GatewayProcess, key: str) -> Reply:
    return run(exchange(port_of(gateway.url), post(chat("sim-fast", max_tokens=20), key=key)))


def _connected(gateway: GatewayProcess) -> bool:
    now = metrics(gateway)
    return bool(now["waypost_shared_connected"]) and bool(now["waypost_shared_limits_connected"])
