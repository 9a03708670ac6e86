"""The configuration in force: one snapshot, swapped whole; a bad file leaves the old one serving."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from waypost.app.found import LOCAL_MODEL
from waypost.app.prices import GatewayCatalog, local_names
from waypost.catalog.discovery import ListedModel
from waypost.config.load import Loaded, load_defaults, load_file
from waypost.config.org_routes import Conditions
from waypost.config.resolve import Surroundings, resolve
from waypost.config.schema import Config, DiscoveryConfig
from waypost.config.snapshot import Catalog, OrgRoutes, Snapshot
from waypost.config.targets import Provider
from waypost.config.watch import Watch
from waypost.core.price import Tariff
from waypost.dialects.registry import DIALECTS
from waypost.errors import ConfigError, ConfigInvalid
from waypost.providers.auth.authorizer import Authorizer
from waypost.providers.registry import all_providers
from waypost.telemetry.logs import Log


class LiveConfig:
    """Holds what was written, what was found and what was discovered; `snapshot` is all of it, resolved."""

    def __init__(
        self,
        file: Path | None,
        environ: Mapping[str, str],
        catalog: Catalog,
        free: Tariff,
        log: Log,
        workers: int = 1,
    ) -> None:
        """Reads the file. `workers`: how many share what it lets the gateway take. Raises ConfigError."""
        self._workers = workers
        self.file = file
        self._environ = environ
        self._log = log
        self._loaded = self._read()
        self._watch = Watch(file) if file is not None else None
        self._found: tuple[Provider, ...] = ()
        self._discovered: dict[str, Sequence[ListedModel]] = {}
        self._local: frozenset[str] = frozenset()
        self._catalog = GatewayCatalog(catalog, free, self._local_names)
        self._version = 0
        self._conditions = Conditions()
        self._snapshot: Snapshot | None = None
        #: Called with the snapshot before and the one that is in force now, and whether the file is another one: else
        #: only the surroundings are.
        self.on_swap: Callable[[Snapshot | None, Snapshot, bool], None] = lambda *_: None
        #: Called with the file's content before and now, whenever it was read again; None: it was refused.
        self.on_reload: Callable[[Config, Config | None], None] = lambda *_: None
        #: Called after that.
        self.then: Callable[[], None] = lambda: None

    @property
    def config(self) -> Config:
        """The file's content, with defaults."""
        return self._loaded.config

    def snapshot(self) -> Snapshot:
        """What requests are served from."""
        assert self._snapshot is not None, "asked before `resolve`"  # noqa: S101 - a fault of the wiring
        return self._snapshot

    def resolve(
        self,
        *,
        found: Sequence[Provider] | None = None,
        discovered: Mapping[str, Sequence[ListedModel]] | None = None,
    ) -> None:
        """Put into force what was read, with what is newly known of the surroundings. Raises ConfigError."""
        self._swap(self._loaded, found, discovered)

    def put_own(self, own: Mapping[str, OrgRoutes]) -> None:
        """From now on organizations have these routes of their own."""
        self._snapshot = msgspec.structs.replace(self.snapshot(), own=own)

    def reload(self) -> bool:
        """Read the file again. False, with the reasons in the log, when it is wrong: the old configuration stays."""
        if self._watch is not None:
            self._watch.changed()  # what is read now is no news to the poller
        try:
            loaded = self._read()
            self._swap(loaded)
        except ConfigInvalid as error:
            self._log.error(
                "the new configuration is wrong; the old one stays in force",
                problems=[str(problem) for problem in error.problems],
            )
            self.on_reload(self.config, None)
            return False
        except ConfigError as error:
            self._log.error(
                "the new configuration can not be read; the old one stays in force", reason=error.message
            )
            self.on_reload(self.config, None)
            return False
        self.on_reload(self.config, loaded.config)
        self._loaded = loaded
        self._log.info("configuration in force", version=self._version, file=str(self.file or "defaults"))
        return True

    def reload_if_changed(self) -> bool:
        """For a poller: reload when the file is another one than before. True when a new one is in force."""
        return self._watch is not None and self._watch.changed() and self.reload()

    def _read(self) -> Loaded:
        return load_defaults() if self.file is None else load_file(self.file)

    def _swap(
        self,
        loaded: Loaded,
        found: Sequence[Provider] | None = None,
        discovered: Mapping[str, Sequence[ListedModel]] | None = None,
    ) -> None:
        before = (self._found, self._discovered, self._local)
        self._found = self._found if found is None else tuple(found)
        self._discovered = self._discovered if discovered is None else dict(discovered)
        self._local = local_names(self._found, loaded.config)
        around = Surroundings(
            environ=self._environ,
            presets={spec.name: spec for spec in all_providers()},
            dialects=DIALECTS,
            catalog=self._catalog,
            found=[each for each in self._found if _wants(loaded.config.discovery, each)],
            discovered=self._discovered,
            conditions=self._conditions,
            workers=self._workers,
            standing=_standing(self._snapshot),
        )
        old = self._snapshot
        try:
            self._snapshot = resolve(loaded, around, self._version + 1)
        except ConfigError:
            self._found, self._discovered, self._local = before
            raise
        self._version += 1
        if old is not None and old.own:
            self.put_own(old.own)
        self.on_swap(old, self._snapshot, loaded is not self._loaded)
        self.then()

    def _local_names(self) -> frozenset[str]:
        return self._local


def _standing(snapshot: Snapshot | None) -> dict[str, Authorizer]:
    """The authorizers in force, by provider and key."""
    providers = () if snapshot is None else snapshot.every_provider()
    made = {one.label: one.credential.authorizer for one in providers}
    return {label: authorizer for label, authorizer in made.items() if authorizer is not None}


def _wants(discovery: DiscoveryConfig, found: Provider) -> bool:
    """Whether a provider that was found may be used by the file that is now in force."""
    if found.name == LOCAL_MODEL:
        return discovery.local_model != "off"
    return discovery.environment if found.origin_label == "environment" else discovery.local
