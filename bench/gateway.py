"""The gateway as it is run for real: a config file, a key with a budget and a rate, prices and the log on."""

from __future__ import annotations

import os
import secrets
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from bench.bodies import ask, ask_anthropic
from bench.running import ROOT, NotServing, free_port, running, until_ready
from bench.subject import CHAT, MESSAGES, STATIC_MODEL, Subject
from waypost.core.keytext import issue
from waypost.stores.sql.sqlite_file import FILE_NAME

#: The command as `make setup` installs it, beside this interpreter.
_WAYPOST = str(Path(sys.executable).with_name("waypost"))
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")


class _Created(msgspec.Struct):
    key: str


def environment() -> dict[str, str]:
    """Nothing of the caller's own: a provider key in it would add targets and discovery to what is measured."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "BENCH_PROVIDER_KEY": "sk-bench"}


def render_config(direct: Subject, models: int) -> str:
    """waypost.yaml: whole requests go to the static upstream, streams to the paced one, plus `models` entries."""
    lines = ["discovery: {environment: false, local: false, local_model: 'off'}", "providers:"]
    for name, port in (("static", direct.port), ("paced", direct.stream_port)):
        lines.append(
            f"  - {{name: {name}, dialect: openai_chat, base_url: 'http://127.0.0.1:{port}/v1', "
            # Streams that the load generator leaves must not go on in the next measurement, as by default they would.
            "api_key: 'env:BENCH_PROVIDER_KEY', discover: false, on_disconnect: cancel}"
        )
    lines.append("models:")
    prices = "prices: {input: 0.25, output: 2.00}"
    for number in range(models - 1):
        target = f"{{provider: static, model: other-{number}}}"
        lines.append(f"  - {{name: other-{number}, targets: [{target}], {prices}}}")
    lines.append(
        f"  - {{name: {STATIC_MODEL}, targets: [{{provider: static, model: {STATIC_MODEL}}}], {prices}}}"
    )
    for paced in (*PACED, LATE):
        lines.append(f"  - {{name: {paced}, targets: [{{provider: paced, model: {paced}}}], {prices}}}")
    return "\n".join(lines) + "\n"


#: Models of the paced upstream that the runs ask for, as (milliseconds between events, events).
CHUNKS, HELD = (20, 1500), (1000, 600)
LATE = "late-200"
"""Its model that answers whole, and takes 200 ms for it."""
PACED = tuple(f"paced-{interval_ms}x{count}" for interval_ms, count in (CHUNKS, HELD))


def create_key(data: Path, name: str) -> str:
    """A key that nothing in the bench can exhaust, with every limit on."""
    command = [
        *(_WAYPOST, "keys", "create", "--name", name, "--data", str(data), "--json"),
        *("--budget", "1000000", "--per", "day", "--rpm", "100000000"),
    ]
    done = subprocess.run(command, capture_output=True, env=environment(), timeout=60, check=False, cwd=ROOT)
    if done.returncode:
        raise NotServing(
            f"waypost keys create ended with code {done.returncode}\n{done.stderr.decode()[-2000:]}"
        )
    return msgspec.json.decode(done.stdout, type=_Created).key


def multiply_keys(data: Path, count: int) -> list[str]:
    """Copies of the only key, each with an id and a secret of its own, written straight into the database.

    Going through `waypost keys create` a hundred thousand times would take hours. Returns 512 of the new keys.
    """
    issued = [issue(secrets.token_bytes) for _ in range(count)]
    with closing(sqlite3.connect(data / FILE_NAME)) as connection, connection:
        for table in ("keys", "key_secrets"):
            rows = connection.execute(f"SELECT * FROM {table}")
            columns = [column[0] for column in rows.description]
            first = dict(zip(columns, rows.fetchone(), strict=True))
            places = ", ".join(f":{column}" for column in columns)
            connection.executemany(
                f"INSERT INTO {table} VALUES ({places})",
                ({**first, "key_id": key.key_id, "digest": key.digest, "hint": key.hint} for key in issued),
            )
    return [key.text for key in issued[:: max(1, count // 512)]][:512]


@contextmanager
def gateway(
    direct: Subject,
    *,
    keys: int = 1,
    models: int = 1,
    name: str = "waypost",
    across: bool = False,
    owners: Sequence[str] = ("bench",),
) -> Iterator[Subject]:
    """The gateway before the given upstream, ready to serve. `across`: asked in Anthropic's dialect, so that every
    request and answer is translated. `owners`: names of its keys, whose headers are the subject's, in this order."""
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        data, config = Path(folder) / "data", Path(folder) / "waypost.yaml"
        config.write_text(render_config(direct, models), "utf-8")
        texts = [create_key(data, owner) for owner in owners]
        if keys > 1:
            texts = multiply_keys(data, keys)
        headers = [{"authorization": f"Bearer {text}"} for text in texts]
        path, asks = (MESSAGES, ask_anthropic) if across else (CHAT, ask)
        with served(data, config) as (port, process, start_s):
            yield Subject(name, port, [process.pid], path=path, headers=headers, start_s=start_s, asks=asks)


@contextmanager
def served(
    data: Path, config: Path, where: Mapping[str, str] | None = None
) -> Iterator[tuple[int, subprocess.Popen[bytes], float]]:
    """A gateway on a data folder, ready: its port, its process, and how long it took to be. `where`: the database, as
    the environment names it."""
    port = free_port()
    command = [_WAYPOST, "serve", "--data", str(data), "--config", str(config), "--port", str(port)]
    with running(command, env={**environment(), **(where or {})}) as process:
        start_s = until_ready(process, port, "/readyz", within_s=60)
        yield port, process, start_s
