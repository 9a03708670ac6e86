"""The configuration as a command without a gateway sees it: file, environment, and what the database remembers."""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from waypost.catalog.discovery import ListedModel
    from waypost.config.load import Loaded
    from waypost.config.snapshot import Snapshot
    from waypost.core.deed import Deed
    from waypost.stores.sql.engine import Database


#: The command that is under way, such as `keys create`.
COMMAND: ContextVar[str] = ContextVar("command", default="")
_STAND_IN = "a-secret-that-is-not-here"


def load_config(config: Path | None) -> Loaded:
    """The chosen file, or the defaults when there is none. Raises ConfigInvalid."""
    from waypost.config.load import load_defaults, load_file

    return load_defaults() if config is None else load_file(config)


def resolve_config(
    loaded: Loaded,
    discovered: dict[str, tuple[ListedModel, ...]] | None = None,
    *,
    stand_ins: bool = False,
) -> Snapshot:
    """Resolved against this process's environment. Raises ConfigInvalid.

    Nothing is asked over the network: servers of this machine count where a target names them, or where their models
    are remembered in `discovered`. With `stand_ins`, secrets that are not there are taken as if they were, for what
    never calls a provider.
    """
    from waypost.app.found import LOCAL_MODEL, from_environment, local_model
    from waypost.app.prices import GatewayCatalog, free_tariff, local_names
    from waypost.catalog.catalog import load
    from waypost.config.credentials import read_whole_file
    from waypost.config.resolve import Surroundings, resolve
    from waypost.dialects.registry import DIALECTS
    from waypost.providers.environment import find_in_environment
    from waypost.providers.registry import all_providers

    remembered = discovered or {}
    discovery = loaded.config.discovery
    found = from_environment(find_in_environment(os.environ), os.environ) if discovery.environment else []
    if discovery.local_model == "on" or LOCAL_MODEL in remembered:
        # Its port is chosen when it starts; here only its name matters.
        found.append(local_model(1))
    around = Surroundings(
        environ=_with_stand_ins(loaded) if stand_ins else os.environ,
        presets={spec.name: spec for spec in all_providers()},
        dialects=DIALECTS,
        catalog=GatewayCatalog(load(), free_tariff(), lambda: local_names(found, loaded.config)),
        found=found,
        discovered=remembered,
        read_file=_read_or_stand_in if stand_ins else read_whole_file,
    )
    return resolve(loaded, around, version=0)


def _with_stand_ins(loaded: Loaded) -> dict[str, str]:
    """The environment, and a stand-in for each secret that the configuration names and the environment lacks."""
    import msgspec

    from waypost.providers.registry import all_providers

    presets = {spec.name: spec for spec in all_providers()}
    named = set(re.findall(r"env:([A-Za-z_][A-Za-z0-9_]*)", msgspec.json.encode(loaded.config).decode()))
    for provider in loaded.config.providers:
        spec = presets.get(provider.preset or "")
        named.update(() if spec is None else spec.env)
    return {**dict.fromkeys(named, _STAND_IN), **os.environ}


def _read_or_stand_in(path: str) -> bytes:
    from waypost.config.credentials import read_whole_file

    try:
        return read_whole_file(path)
    except OSError:
        return _STAND_IN.encode()


def open_database(data: Path, *, create: bool) -> Database | None:
    """The database of a data folder, brought up to date; None when there is none and none is to be made.

    Raises StoreUnavailable and ConfigError.
    """
    from waypost.app.clock import SystemClock
    from waypost.stores.sql import opening

    opened = opening.open_database(data, os.environ, create=create)
    if opened is None:
        return None
    opened.wall = SystemClock.wall
    return opened.by(deed())


def deed() -> Deed:
    """Who works on the command line, and with which command, for the audit log."""
    import pwd

    from waypost.core.deed import Deed

    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user may have no name
        name = str(os.getuid())
    return Deed(actor="operator", via=f"cli:{name}", action=COMMAND.get())
