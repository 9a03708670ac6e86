"""Keeps the lists of models current: asks every provider in the background, remembers the answers in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from waypost.catalog.discovery import ListedModel
from waypost.config.targets import Provider
from waypost.errors import GatewayError
from waypost.telemetry.logs import Log

_TOGETHER = 8

Fetch = Callable[[Provider], Awaitable[Sequence[ListedModel]]]
Remember = Callable[[str, Sequence[ListedModel]], Awaitable[None]]


class Discovery:
    """One refresh at a time. A provider that does not answer keeps the models it had."""

    def __init__(
        self,
        fetch: Fetch,
        remember: Remember,
        log: Log,
        known: Mapping[str, Sequence[ListedModel]],
    ) -> None:
        self._fetch = fetch
        self._remember = remember
        self._log = log
        self.known: dict[str, Sequence[ListedModel]] = dict(known)
        #: Per provider, why its list could not be read the last time; absent when it could.
        self.problems: dict[str, str] = {}
        self._one = asyncio.Lock()

    async def refresh(self, providers: Sequence[Provider]) -> bool:
        """Ask all of them. True when something is known now that was not before."""
        async with self._one:
            limit = asyncio.Semaphore(_TOGETHER)
            asked = [provider for provider in providers if provider.models_path is not None]
            changes = await asyncio.gather(*(self._ask(provider, limit) for provider in asked))
        return any(changes)

    async def take(self, name: str, models: Sequence[ListedModel]) -> bool:
        """Note a provider's list that was read elsewhere. True when it is news."""
        self.problems.pop(name, None)
        if tuple(models) == tuple(self.known.get(name, ())):
            return False
        self._log.info("models listed", provider=name, models=len(models))
        self.known[name] = models
        try:
            await self._remember(name, models)
        except GatewayError as error:
            self._log.warning("listed models could not be stored", provider=name, why=error.message)
        return True

    async def _ask(self, provider: Provider, limit: asyncio.Semaphore) -> bool:
        name = provider.name
        async with limit:
            try:
                models = tuple(await self._fetch(provider))
            except GatewayError as error:
                if self.problems.get(name) != error.message:
                    self._log.warning(
                        "a provider's models could not be listed", provider=name, why=error.message
                    )
                self.problems[name] = error.message
                return False
        return await self.take(name, models)
