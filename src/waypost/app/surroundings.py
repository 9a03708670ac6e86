"""What the gateway finds around it: keys in the environment, servers on this machine, the built-in model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from waypost.app.found import LOCAL_MODEL, LOCAL_MODEL_NAME, answering, from_environment, local_model
from waypost.catalog.discovery import ListedModel
from waypost.config.schema import Config
from waypost.config.targets import Provider
from waypost.core.facts import ModelFacts
from waypost.errors import OperatorError, UpstreamError
from waypost.ports import Upstream
from waypost.providers.environment import find_in_environment
from waypost.providers.local import local_servers
from waypost.providers.supervised import LocalModel
from waypost.telemetry.logs import Log
from waypost.upstream.listing import fetch_models


class Found(msgspec.Struct, frozen=True):
    """What was found, and what was passed over with the reason."""

    providers: tuple[Provider, ...]
    ignored: tuple[str, ...]
    local_model: str | None
    """The built-in model's name, when it serves."""
    listed: Mapping[str, Sequence[ListedModel]]
    """Lists of models that were read on the way."""


class Finder:
    """Looks around at start and again with every refresh; owns the built-in model's process."""

    def __init__(
        self,
        environ: Mapping[str, str],
        data: Path,
        upstream: Upstream,
        log: Log,
        *,
        leads: bool = True,
        shared: bool = False,
    ) -> None:
        """`leads`: the built-in model is started here; else another worker starts it, before this one. `shared`: there
        are such workers, which go on asking at the port it had."""
        self._leads = leads
        self._shared = shared
        self._environ = environ
        self._upstream = upstream
        self._log = log
        self._model = LocalModel(data)
        self._model_serves = False
        self._skip: frozenset[int] = frozenset()

    async def look(self, config: Config, skip_port: int | None = None) -> Found:
        """Everything there is now. Starts the built-in model when the configuration wants it, or when nothing else
        was found and it may."""
        if skip_port is not None:
            self._skip = frozenset((skip_port,))
        providers: list[Provider] = []
        ignored: list[str] = []
        listed: dict[str, Sequence[ListedModel]] = {}
        wanted = config.discovery
        if wanted.environment:
            scan = find_in_environment(self._environ)
            providers += from_environment(scan, self._environ)
            ignored += [f"{each.variable}: {each.reason}" for each in scan.ignored]
        if wanted.local:
            for provider in await answering(local_servers(self._skip)):
                try:
                    listed[provider.name] = await fetch_models(self._upstream, provider, 0.0)
                except UpstreamError:
                    continue  # something else listens there: it has no list of models
                providers.append(provider)
        nothing_else = not providers and not config.providers
        if wanted.local_model == "on" or (
            wanted.local_model == "auto" and (nothing_else or self._model_serves)
        ):
            try:
                providers.append(await self._own_model())
                listed[LOCAL_MODEL] = [_OWN]
            except OperatorError as error:
                ignored.append(error.message)
        return Found(
            providers=tuple(providers),
            ignored=tuple(ignored),
            local_model=LOCAL_MODEL_NAME if LOCAL_MODEL in listed else None,
            listed=listed,
        )

    async def _own_model(self) -> Provider:
        """The built-in model, started if it does not run. Raises OperatorError."""
        if not self._leads:
            return local_model(self._model.read_port())
        if not self._model_serves:
            await self._model.start(*self._kept_port())
            self._model_serves = True
        return local_model(self._model.port)

    def _kept_port(self) -> tuple[int, ...]:
        if self._shared:
            with suppress(OperatorError):
                return (self._model.read_port(),)
        return ()

    def remembered(self, stored: Mapping[str, Mapping[str, ModelFacts]]) -> dict[str, Sequence[ListedModel]]:
        """Lists of an earlier run, in the shape of new ones."""
        return {
            provider: [ListedModel(id=model, facts=facts) for model, facts in models.items()]
            for provider, models in stored.items()
        }

    async def stop(self) -> None:
        """End the built-in model's process."""
        await self._model.stop()


_OWN = ListedModel(
    id=LOCAL_MODEL_NAME.partition("/")[2],
    facts=ModelFacts(context=2048, mode="chat", modalities=("text",), features=("json_schema",)),
)
