"""`/v1/batches`: what clients say of their batches, and are told."""

from __future__ import annotations

from collections.abc import Callable

from waypost.app.batch.owner import BatchOwner
from waypost.app.files import FileRoom, owner_of
from waypost.config.values import parse_duration
from waypost.core.batch import OVER, Batch
from waypost.core.key import Key
from waypost.dialects.openai_batch.batches import read_wanted, render_batch, render_batches
from waypost.dialects.openai_batch.paging import read_page
from waypost.edge.gate import Errand
from waypost.errors import InvalidRequest, NotFound
from waypost.ports import Batches, Clock

#: `limit` of a list: https://developers.openai.com/api/reference/resources/batches (2026-11-26).
_PAGE_USUAL = 20
_PAGE_MAX = 100
_WINDOW_MAX_S = 86_400.0


class BatchDesk:
    """Takes, lists, shows and cancels batches. Raises GatewayError."""

    def __init__(
        self,
        *,
        batches: Batches,
        files: FileRoom,
        owner: BatchOwner,
        clock: Clock,
        new_id: Callable[[], str],
        new_exchange: Callable[[], str],
    ) -> None:
        """`new_id` makes 32 hexadecimal digits that nobody can guess; `new_exchange` the id of an exchange."""
        self._batches = batches
        self._files = files
        self._owner = owner
        self._clock = clock
        self._new_id = new_id
        self._new_exchange = new_exchange

    async def answer(self, errand: Errand) -> bytes:
        """The purposes `batches`, `batch` and `batch_cancel`."""
        key = errand.key
        if errand.purpose == "batches":
            if errand.method == "POST":
                return render_batch(await self._create(key, errand.body))
            page = read_page(errand.query, owner_of(key), usual=_PAGE_USUAL, most=_PAGE_MAX)
            found = [self._owner.now(batch) for batch in await self._batches.page(page)]
            return render_batches(found, more=len(found) == page.limit)
        batch = await self._find(key, errand.name)
        if errand.purpose == "batch_cancel":
            if batch.status in OVER or batch.ending is not None:
                raise InvalidRequest(
                    f"This batch can not be cancelled any more: it is {batch.status}. Its lines have their results."
                )
            batch = await self._owner.cancel(batch)
        return render_batch(batch)

    async def _find(self, key: Key, batch_id: str) -> Batch:
        found = await self._batches.get(batch_id[:64], owner_of(key))
        if found is None:
            raise NotFound(f"There is no batch {batch_id[:64]!r} of this key.")
        return self._owner.now(found)

    async def _create(self, key: Key, body: bytes) -> Batch:
        self._files.check_keeps()
        wanted = read_wanted(body)
        try:
            window_s = parse_duration(wanted.window)
        except ValueError:
            window_s = 0.0
        if not 0 < window_s <= _WINDOW_MAX_S:
            raise InvalidRequest("`completion_window` has to be `24h`, or less.", param="completion_window")
        file = await self._files.find(key, wanted.input_file_id)
        if file.purpose != "batch":
            raise InvalidRequest(
                f"The file {file.file_id} is for {file.purpose!r}. Upload it with the purpose `batch`.",
                param="input_file_id",
            )
        now = self._clock.wall()
        batch = Batch(
            batch_id=f"batch_{self._new_id()}",
            key_id=key.key_id,
            endpoint=wanted.endpoint,
            input_file_id=file.file_id,
            window=wanted.window,
            created_at=now,
            expires_at=now + window_s,
            exchange_id=self._new_exchange(),
            metadata=wanted.metadata,
            output_expires_s=wanted.output_expires_s,
        )
        await self._owner.submit(batch)
        return batch
