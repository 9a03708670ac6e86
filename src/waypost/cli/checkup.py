"""The checks of `waypost doctor`, each a function from what it looks at to findings."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Literal

import msgspec
from sqlalchemy import func, select, text

from waypost.app.clock import SystemClock
from waypost.cli.link import GatewayLink
from waypost.cli.output import show_usd
from waypost.cli.surroundings import load_config, resolve_config
from waypost.config.problems import problems_of
from waypost.config.snapshot import Snapshot
from waypost.config.targets import Provider
from waypost.errors import ConfigError, GatewayError, StoreUnavailable, Unavailable
from waypost.ports import Upstream
from waypost.providers.environment import find_in_environment
from waypost.providers.smollm import local_model_available
from waypost.stores.lock import read_running
from waypost.stores.sql.engine import Database
from waypost.stores.sql.journals import AnyJournal, open_journal
from waypost.stores.sql.opening import open_database
from waypost.stores.sql.tables import ACCOUNTS, LINES
from waypost.stores.sql.variables import URL
from waypost.stores.writer_process import read_writer

FREE_MIN = 512 * 1024 * 1024


class Finding(msgspec.Struct, frozen=True):
    """The outcome of one check. `note`: worth knowing, nothing is broken."""

    name: str
    state: Literal["ok", "note", "wrong"]
    message: str
    advice: str | None = None


def examine(data: Path, config: Path | None, url: str, online: bool) -> list[Finding]:
    """Run every check."""
    findings = [check_python(), *check_folder(data), *check_database(data)]
    snapshot, about_config = check_config(config)
    findings += [about_config, *check_keys(snapshot), check_local_model()]
    findings += [*check_writer(data), *check_shared(snapshot)]
    findings += asyncio.run(
        _check_network(data, url, list(snapshot.every_provider()) if online and snapshot else [])
    )
    return findings


def check_python() -> Finding:
    """The interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.implementation.name != "cpython":
        return Finding(
            "python", "note", f"{sys.implementation.name} {version}", "Waypost is tested on CPython."
        )
    return Finding("python", "ok", version)


def check_folder(data: Path) -> list[Finding]:
    """The data folder: rights and space."""
    if not data.exists():
        return [Finding("data folder", "note", f"{data} does not exist yet", "waypost serve makes it.")]
    if not data.is_dir() or not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        return [
            Finding(
                "data folder",
                "wrong",
                f"{data} can not be written",
                "Give it to the user that runs Waypost: chown.",
            )
        ]
    found = [Finding("data folder", "ok", f"{data} can be read and written")]
    if data.stat().st_mode & 0o077:
        found = [
            Finding("data folder", "note", f"other users of this machine can see {data}", f"chmod 700 {data}")
        ]
    free = shutil.disk_usage(data).free
    size = f"{free / 1024**3:.1f} GiB free"
    if free < FREE_MIN:
        return [*found, Finding("disk", "wrong", size, "Make room: requests stop when the disk is full.")]
    return [*found, Finding("disk", "ok", size)]


def check_database(data: Path, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """The database, and whether accounts and journal agree to the nano-dollar."""
    try:
        database = open_database(data, environ, create=False)
        if database is None:
            advice = "It is made by the first start or the first key."
            return [Finding("database", "note", "there is none yet", advice)]
        with closing(database), closing(open_journal(data, environ)) as journal:
            return [*_check_pages(database), *_check_books(database, journal)]
    except GatewayError as error:
        return [Finding("database", "wrong", error.message)]


def _check_pages(database: Database) -> list[Finding]:
    with database.read() as connection:
        if database.engine.dialect.name != "sqlite":
            version = str(connection.scalar(text("SHOW server_version")))
            return [Finding("database", "ok", f"PostgreSQL {version} answers; this is node {database.node}")]
        said = str(connection.scalar(text("PRAGMA quick_check")))
    if said == "ok":
        return [Finding("database", "ok", "its pages are whole")]
    return [Finding("database", "wrong", "its pages are damaged", "Restore the last backup of the folder.")]


def _check_books(database: Database, journal: AnyJournal) -> list[Finding]:
    off = journal.drift()
    with database.read() as connection:
        accounts = connection.scalar(select(func.count()).select_from(ACCOUNTS)) or 0
        lines = connection.scalar(select(func.count()).select_from(LINES)) or 0
        total = connection.scalar(select(func.sum(LINES.c.cost_nusd))) or 0
    if off:
        message = (
            f"{len(off)} of {accounts} accounts differ from their journal lines: {', '.join(sorted(off)[:3])}"
        )
        return [Finding("ledger", "wrong", message, "Keep a copy of the database and report this.")]
    message = f"{lines:,} lines, {show_usd(int(total))}, {accounts} accounts, sums exact"
    return [Finding("ledger", "ok", message)]


def check_writer(data: Path) -> list[Finding]:
    """The process that posts to the database, where a gateway serves from the folder."""
    running, writer = read_running(data), read_writer(data)
    if running is None and writer is None:
        return []
    if running is None:
        message = f"process {writer} still posts for a gateway that has ended"
        return [Finding("writer", "note", message, "It ends by itself; the next start waits for it.")]
    if writer is None:
        advice = "The gateway starts it again by itself: its log says why it ended. Nothing settled is lost."
        return [Finding("writer", "wrong", f"gateway {running.pid} has no writer now", advice)]
    return [Finding("writer", "ok", f"process {writer} posts for gateway {running.pid}")]


def check_config(config: Path | None) -> tuple[Snapshot | None, Finding]:
    """The configuration file, against this environment."""
    try:
        snapshot = resolve_config(load_config(config))
    except ConfigError as error:
        problems = problems_of(error)
        first = f"{len(problems)} problem(s), first: {problems[0].path or problems[0].file}: {problems[0].message}"
        return None, Finding("configuration", "wrong", first, f"waypost check {config or ''}".strip())
    message = f"{config} is valid" if config else "no file: all defaults"
    return snapshot, Finding("configuration", "ok", message)


def check_keys(snapshot: Snapshot | None) -> list[Finding]:
    """Providers with their keys, and variables that look like keys and are not."""
    found: list[Finding] = []
    for provider in snapshot.every_provider() if snapshot else ():
        has = "with a key" if provider.credential else "without a key"
        found.append(Finding(f"provider {provider.label}", "ok", f"{has}, from {provider.origin_label}"))
    for ignored in find_in_environment(os.environ).ignored:
        message = f"{ignored.variable} is not used: {ignored.reason}"
        found.append(
            Finding(f"provider {ignored.spec.name}", "note", message, f"Set {ignored.variable} to a key.")
        )
    if not found and snapshot is not None:
        advice = "Set a key such as OPENAI_API_KEY, start Ollama, or use the local model."
        found.append(
            Finding("providers", "note", "none is configured, and no key is in the environment", advice)
        )
    return found


def check_shared(snapshot: Snapshot | None, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """The store over which health and limits are shared, where one is configured."""
    store = snapshot.shared if snapshot is not None else None
    if store is None:
        return []
    from waypost.stores.valkey.limit_link import check_limits
    from waypost.stores.valkey.link import Patience, check_store

    limits = store.limits and URL in environ
    try:
        count = asyncio.run(check_store(store, Patience()))
        if limits:
            asyncio.run(check_limits(store))
    except StoreUnavailable as error:
        advice = (
            "Each gateway goes on with what it knows. Check `shared` in the configuration, and the server."
        )
        return [Finding("shared store", "wrong", f"{store.label}: {error.message}", advice)]
    message = f"{store.label} answers; {count} changes of the last minutes in namespace {store.namespace}"
    if limits:
        message += "; limits are counted there"
    return [Finding("shared store", "ok", message)]


def check_local_model() -> Finding:
    """The packages of the built-in model."""
    missing = local_model_available()
    if missing is None:
        return Finding("local model", "ok", "its packages are installed")
    return Finding("local model", "note", missing)


async def _check_network(data: Path, url: str, providers: list[Provider]) -> list[Finding]:
    findings = [await _check_gateway(data, url)]
    if providers:
        findings += await _check_providers(providers)
    return findings


async def _check_gateway(data: Path, url: str) -> Finding:
    link = GatewayLink(url)
    running = read_running(data)
    try:
        status, _ = await link.get("/readyz")
    except Unavailable:
        if running is not None:
            message = f"process {running.pid} serves {data} on port {running.port}, and {url} is silent"
            return Finding(
                "gateway", "note", message, f"waypost doctor --url http://127.0.0.1:{running.port}"
            )
        return Finding("gateway", "note", f"nothing answers at {url}; the port is free", "waypost serve")
    except GatewayError:
        advice = "Stop that program, or choose another port: waypost serve --port 4101"
        return Finding("gateway", "wrong", f"something that is not HTTP answers at {url}", advice)
    finally:
        await link.aclose()
    if status == 200:
        return Finding("gateway", "ok", f"it is ready at {url}")
    if status == 503:
        return Finding(
            "gateway", "wrong", f"it runs at {url} and is not ready", f"curl {url}/readyz says why."
        )
    advice = "Stop that program, or choose another port: waypost serve --port 4101"
    return Finding("gateway", "wrong", f"another program answers at {url}", advice)


async def _renew(upstream: Upstream, provider: Provider) -> None:
    from waypost.app.renew import renew
    from waypost.config.credentials import read_whole_file

    authorizer = provider.credential.authorizer
    if authorizer is not None and authorizer.renewal is not None:
        await renew(authorizer.renewal, provider.origin, upstream, read_whole_file, SystemClock.wall())


async def _check_providers(providers: list[Provider]) -> list[Finding]:
    from waypost.upstream.client import HttpUpstream
    from waypost.upstream.listing import fetch_models

    upstream = HttpUpstream(asyncio.get_running_loop())

    async def ask(provider: Provider) -> Finding:
        name = f"provider {provider.label} online"
        if provider.models_path is None:
            return Finding(name, "note", "it has no list of models to ask for")
        try:
            await _renew(upstream, provider)
            models = await fetch_models(upstream, provider, SystemClock.wall())
        except GatewayError as error:
            return Finding(
                name, "wrong", error.message, "Check its key, its URL and the network of this machine."
            )
        return Finding(name, "ok", f"{len(models)} models")

    try:
        return list(await asyncio.gather(*map(ask, providers)))
    finally:
        await upstream.aclose()
