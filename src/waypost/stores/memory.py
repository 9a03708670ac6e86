"""Stores that forget everything at the end of the process: for tests and for trying things out."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from waypost.core.batch import OVER, Batch
from waypost.core.file import Page, StoredFile
from waypost.core.key import Key
from waypost.core.record import Attempt, Exchange
from waypost.core.replay import Claim, Replay
from waypost.core.scope import counted, posted_to
from waypost.errors import Bug
from waypost.ports import Telling


class MemoryJournal:
    """`ports.Journal` in dicts. Same rules as the SQL one, in one page: what the contract suite compares it with."""

    def __init__(self) -> None:
        self.exchanges: dict[str, Exchange] = {}
        self.attempts: dict[str, Attempt] = {}
        self.lines: dict[str, Attempt] = {}
        self.accounts: dict[str, int] = {}
        self.contents: dict[str, tuple[bytes | None, bytes | None]] = {}
        self._applied: dict[str, int] = {}

    def posted(self, account_ids: Sequence[str]) -> dict[str, int]:
        """See `ports.Journal`."""
        return {account: self.accounts[account] for account in account_ids if account in self.accounts}

    def post(self, segment: str, upto: int, exchanges: Sequence[Exchange]) -> None:
        """See `ports.Journal`. Raises Bug, and writes nothing, when one of them is there already."""
        ids = [exchange.exchange_id for exchange in exchanges]
        attempt_ids = [attempt.attempt_id for exchange in exchanges for attempt in exchange.attempts]
        twice = len(set(ids)) < len(ids) or len(set(attempt_ids)) < len(attempt_ids)
        if twice or self.exchanges.keys() & ids or self.attempts.keys() & attempt_ids:
            raise Bug("The database refused a row that is there already.")
        self.repost(exchanges)
        self._applied[segment] = upto

    def applied(self) -> dict[str, int]:
        """See `ports.Journal`."""
        return dict(self._applied)

    def repost(self, exchanges: Sequence[Exchange]) -> int:
        """See `ports.Journal`."""
        lines = 0
        for exchange in exchanges:
            self.exchanges.setdefault(exchange.exchange_id, exchange)
            if exchange.request_body is not None or exchange.response_body is not None:
                self.contents.setdefault(
                    exchange.exchange_id, (exchange.request_body, exchange.response_body)
                )
            again = False
            for attempt in exchange.attempts:
                before, again = again, again or attempt.counts
                if attempt.attempt_id in self.attempts or attempt.attempt_id in self.lines:
                    continue
                self.attempts[attempt.attempt_id] = attempt
                if not attempt.billed:
                    continue
                self.lines[attempt.attempt_id] = attempt
                lines += 1
                for account in counted(
                    exchange.accounts, attempt.provider, attempt.model, again=before, own=attempt.own
                ):
                    amount = posted_to(account, attempt.cost_nusd or 0)
                    self.accounts[account] = self.accounts.get(account, 0) + amount
        return lines

    def forget(self, segment: str) -> None:
        """See `ports.Journal`."""
        self._applied.pop(segment, None)


class MemoryKeys:
    """`ports.Keys` over a dict; `put` adds a key or replaces the one with the same digest."""

    def __init__(self, keys: Sequence[Key] = ()) -> None:
        self._keys = {key.digest: key for key in keys}

    def put(self, key: Key) -> None:
        self._keys[key.digest] = key

    def cached(self, digest: bytes) -> Key | None:
        """See `ports.Keys`."""
        return self._keys.get(digest)

    async def lookup(self, digest: bytes) -> Key | None:
        """See `ports.Keys`."""
        return self._keys.get(digest)


class MemoryReplays:
    """`ports.Replays` over a dict, in the order of putting."""

    def __init__(self, claims: MemoryClaims | None = None) -> None:
        """`claims`: which are in the same store."""
        self._claims = claims
        self.rows: dict[tuple[str, bytes], Replay] = {}

    async def put(self, replay: Replay, total_max: int) -> None:
        """See `ports.Replays`."""
        if self._claims is not None:
            self._claims.let_go((replay.key_id, replay.digest), replay.exchange_id)
        self.rows.pop((replay.key_id, replay.digest), None)
        self.rows[replay.key_id, replay.digest] = replay
        total = sum(len(each.body) for each in self.rows.values())
        for each in sorted(self.rows.values(), key=lambda each: each.expires_at):
            if total <= total_max:
                return
            total -= len(self.rows.pop((each.key_id, each.digest)).body)

    async def get(self, key_id: str, digest: bytes, at: float) -> Replay | None:
        """See `ports.Replays`."""
        found = self.rows.get((key_id, digest))
        return found if found is not None and found.expires_at > at else None


class MemoryClaims:
    """`ports.Claims` of one process over a dict that others may have too."""

    def __init__(self, node: str = "", rows: dict[tuple[str, bytes], Claim] | None = None) -> None:
        self.node = node
        self.rows: dict[tuple[str, bytes], Claim] = {} if rows is None else rows

    async def take(self, claim: Claim, *, void: str | None = None) -> Claim | None:
        """See `ports.Claims`."""
        scope = claim.key_id, claim.digest
        found = self.rows.get(scope)
        lasting = found is not None and found.expires_at > claim.made_at
        if found is not None and lasting and found.node != self.node and found.exchange_id != void:
            return found
        self.rows[scope] = msgspec.structs.replace(claim, node=self.node)
        return None

    async def held(self, claim: Claim, at: float) -> bool:
        """See `ports.Claims`."""
        found = self.rows.get((claim.key_id, claim.digest))
        return found is not None and found.exchange_id == claim.exchange_id and found.expires_at > at

    def release(self, claim: Claim) -> None:
        """See `ports.Claims`."""
        self.let_go((claim.key_id, claim.digest), claim.exchange_id)

    def let_go(self, scope: tuple[str, bytes], exchange_id: str) -> None:
        """What this exchange has claimed."""
        found = self.rows.get(scope)
        if found is not None and found.exchange_id == exchange_id:
            del self.rows[scope]

    async def follow(self, _: Claim) -> Telling | None:
        """See `ports.Claims`: nobody is near enough."""
        return None


class MemoryFiles:
    """`ports.Files` in a dict."""

    def __init__(self) -> None:
        self.rows: dict[str, StoredFile] = {}

    async def put(self, file: StoredFile, key_max: int | None = None, total_max: int | None = None) -> bool:
        """See `ports.Files`."""
        if file.file_id in self.rows:
            return True
        mine, everybodys = await self.used(file.key_id)
        if key_max is not None and mine + file.size > key_max:
            return False
        if total_max is not None and everybodys + file.size > total_max:
            return False
        self.rows[file.file_id] = file
        return True

    async def get(self, file_id: str, key_id: str | None, at: float) -> StoredFile | None:
        """See `ports.Files`."""
        return next((one for one in self._lasting(at, key_id) if one.file_id == file_id), None)

    async def page(self, page: Page, at: float) -> Sequence[StoredFile]:
        """See `ports.Files`."""
        ids = [one for one, row in self.rows.items() if page.key_id in (None, row.key_id)]
        if page.newest_first:
            ids.reverse()
        if page.after:
            ids = ids[ids.index(page.after) + 1 :] if page.after in ids else []
        lasting = {one.file_id: one for one in self._lasting(at, page.key_id)}
        found = [lasting[one] for one in ids if one in lasting]
        return [one for one in found if page.purpose in (None, one.purpose)][: page.limit]

    async def delete(self, file_id: str) -> bool:
        """See `ports.Files`."""
        return self.rows.pop(file_id, None) is not None

    async def used(self, key_id: str) -> tuple[int, int]:
        """See `ports.Files`."""
        rows = self.rows.values()
        return sum(one.size for one in rows if one.key_id == key_id), sum(one.size for one in rows)

    def _lasting(self, at: float, key_id: str | None) -> list[StoredFile]:
        return [
            one
            for one in self.rows.values()
            if (one.expires_at is None or one.expires_at > at) and key_id in (None, one.key_id)
        ]


class MemoryBatches:
    """`ports.Batches` in a dict."""

    def __init__(self) -> None:
        self.rows: dict[str, Batch] = {}
        self.kept_until: dict[str, float | None] = {}
        #: By what the exchanges of a batch begin with, the lines that were dispatched.
        self.lines: dict[str, frozenset[int]] = {}

    async def put(self, batch: Batch, kept_until: float | None = None) -> None:
        """See `ports.Batches`."""
        self.rows[batch.batch_id] = batch
        self.kept_until[batch.batch_id] = kept_until

    async def get(self, batch_id: str, key_id: str | None) -> Batch | None:
        """See `ports.Batches`."""
        found = self.rows.get(batch_id)
        return found if found is not None and key_id in (None, found.key_id) else None

    async def page(self, page: Page) -> Sequence[Batch]:
        """See `ports.Batches`."""
        found = [one for one in reversed(self.rows.values()) if page.key_id in (None, one.key_id)]
        if page.after:
            ids = [one.batch_id for one in found]
            found = found[ids.index(page.after) + 1 :] if page.after in ids else []
        return found[: page.limit]

    async def unfinished(self) -> Sequence[Batch]:
        """See `ports.Batches`."""
        return [one for one in self.rows.values() if one.status not in OVER]

    async def working_on(self, file_id: str) -> str | None:
        """See `ports.Batches`."""
        found = [one for one in await self.unfinished() if one.input_file_id == file_id]
        return found[0].batch_id if found else None

    async def dispatched(self, exchange_id: str) -> frozenset[int]:
        """See `ports.Batches`."""
        return self.lines.get(exchange_id, frozenset())
