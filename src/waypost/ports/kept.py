"""What is kept for clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from waypost.core.batch import Batch
from waypost.core.file import Page, StoredFile
from waypost.core.replay import Claim, Replay
from waypost.core.stored import StoredResponse


class Responses(Protocol):
    """Answers of the Responses dialect that clients asked to keep. Raises StoreUnavailable."""

    async def put(self, stored: StoredResponse) -> None:
        """Keep it, in place of what was kept under its id. It is durable when this returns."""
        ...

    async def get(self, response_id: str, key_id: str, at: float) -> StoredResponse | None:
        """The answer, if it is this key's and has not expired at Unix time `at`."""
        ...

    async def delete(self, response_id: str, key_id: str) -> bool:
        """Forget it; False when this key has none of that id."""
        ...


class Replays(Protocol):
    """Answers kept for requests that come again under the same idempotency key. Raises StoreUnavailable."""

    async def put(self, replay: Replay, total_max: int) -> None:
        """Keep it, in place of what was kept for its key and digest; durable when this returns. Where all bodies
        together exceed `total_max` bytes, those that expire first may be forgotten. Claims that its exchange has on it
        in the same store are let go."""
        ...

    async def get(self, key_id: str, digest: bytes, at: float) -> Replay | None:
        """What is kept, if it has not expired at Unix time `at`."""
        ...


class Telling(Protocol):
    """An answer, as the process that makes it tells it to another one."""

    async def next(self) -> bytes:
        """The next piece; b"" behind the last one."""
        ...

    def leave(self) -> None:
        """Nobody listens any more. Idempotent."""
        ...


class Claims(Protocol):
    """Which of several processes makes the answer for an idempotency key. Raises StoreUnavailable."""

    async def take(self, claim: Claim, *, void: str | None = None) -> Claim | None:
        """Claim it for a process; durable when this returns None. Else who has it already.

        Nothing holds that was claimed by the exchange `void`, by this process before, by one that has ended, or that
        has expired.
        """
        ...

    async def held(self, claim: Claim, at: float) -> bool:
        """Whether this one, another's, still holds at Unix time `at`."""
        ...

    def release(self, claim: Claim) -> None:
        """The exchange that claimed it is over. Returns at once."""
        ...

    async def follow(self, claim: Claim) -> Telling | None:
        """What another process tells of the answer that it makes; None where it is too far away to tell. Raises
        NotFound when it makes none, and what it refuses to tell it for."""
        ...


class Files(Protocol):
    """What is known of clients' files; their content is elsewhere. Raises StoreUnavailable."""

    async def put(self, file: StoredFile, key_max: int | None = None, total_max: int | None = None) -> bool:
        """Add a file; a file that is there already stays as it is. False, with nothing done, when its key would then
        have more than `key_max` bytes, or all keys together more than `total_max`."""
        ...

    async def get(self, file_id: str, key_id: str | None, at: float) -> StoredFile | None:
        """The file, if it is this key's (None: whoever's it is) and has not expired at Unix time `at`."""
        ...

    async def page(self, page: Page, at: float) -> Sequence[StoredFile]:
        """Files that have not expired, in the order of their making; none behind an id that is not there."""
        ...

    async def delete(self, file_id: str) -> bool:
        """Forget it; False when there is none."""
        ...

    async def used(self, key_id: str) -> tuple[int, int]:
        """Bytes of a key's files, and of all."""
        ...


class Batches(Protocol):
    """Batches, over and under way. Raises StoreUnavailable."""

    async def put(self, batch: Batch, kept_until: float | None = None) -> None:
        """Add it, or replace it; durable when this returns. `kept_until`: when it may be forgotten."""
        ...

    async def get(self, batch_id: str, key_id: str | None) -> Batch | None:
        """The batch, if it is this key's (None: whoever's it is)."""
        ...

    async def page(self, page: Page) -> Sequence[Batch]:
        """Batches, newest first; none behind an id that is not there."""
        ...

    async def unfinished(self) -> Sequence[Batch]:
        """Those that are not over, oldest first."""
        ...

    async def working_on(self, file_id: str) -> str | None:
        """The id of a batch that is not over and reads this file."""
        ...

    async def dispatched(self, exchange_id: str) -> frozenset[int]:
        """Lines of which a try was sent to a provider and may have been billed, by what their exchanges' ids begin
        with: as far as the request log has been written."""
        ...
