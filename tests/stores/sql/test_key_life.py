"""The life of keys, against a model: made, rotated, changed, expired, revoked, as two nodes on one database see it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from effort import examples
from transcript import FakeClock
from waypost.core.key import Key, KeyChanges
from waypost.core.keytext import digest
from waypost.errors import InvalidRequest, Unauthenticated
from waypost.policy.authenticate import Authenticate
from waypost.policy.directory import Directory
from waypost.stores.sql.engine import open_sqlite
from waypost.stores.sql.keys import KeyRows, NewKey, SqlKeys
from waypost.stores.sql.schema import prepare

SECONDS = st.sampled_from((0.0, 1.0, 10.0, 60.0))
ENDS = st.none() | st.sampled_from((5.0, 30.0, 3600.0))


class Secret:
    """What a client sends, and what becomes of it."""

    def __init__(self, text: str, key: KeyModel, ends_at: float | None = None) -> None:
        self.text = text
        self.key = key
        self.ends_at = ends_at

    def outcome(self, now: float) -> str:
        """What asking with it comes to."""
        if self.key.revoked:
            return "revoked"
        ends = [end for end in (self.ends_at, self.key.ends_at) if end is not None]
        return "expired" if ends and min(ends) <= now else "ok"


class KeyModel:
    """A key as it should be."""

    def __init__(self, key_id: str, name: str, ends_at: float | None, revoked: bool = False) -> None:
        self.key_id = key_id
        self.name = name
        self.ends_at = ends_at
        self.revoked = revoked
        self.secrets: list[Secret] = []


class Node:
    """One process with its keys in memory."""

    def __init__(self, rows: KeyRows, clock: FakeClock) -> None:
        self.keys = SqlKeys(rows, cache_max=3)
        self.authenticate = Authenticate(self.keys, clock, Directory())
        #: By text: what a secret came to when the node last took changes in, and in each state since.
        self.since: dict[str, list[tuple[str, float | None, float | None, bool]]] = {}

    async def ask(self, text: str) -> str:
        try:
            key = await self.authenticate.key_of(text.encode())
        except Unauthenticated as refused:
            return next(
                word for word in ("revoked", "expired", "mistyped", "know") if word in refused.message
            )
        assert key.digest == digest(text.encode())
        return "ok"


class KeyLives(RuleBasedStateMachine):
    """Whoever asks gets what the database says now, or said at some moment since that node last took changes in; a node
    that has just done so knows the truth. Each change is one version, and a key that is revoked never comes back."""

    keys = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.database = open_sqlite(Path(self.folder.name))
        prepare(self.database)
        self.rows, self.clock, self.runner = KeyRows(self.database), FakeClock(), asyncio.Runner()
        self.nodes = [Node(self.rows, self.clock) for _ in range(2)]
        self.model: list[KeyModel] = []
        self.random = Random(1).randbytes  # the same in each run, as hypothesis wants it
        self.version = self.rows.version()

    def teardown(self) -> None:
        for node in self.nodes:
            node.keys.close()
        self.runner.close()
        self.database.close()
        self.folder.cleanup()

    def _changed(self) -> None:
        self.version += 1
        assert self.rows.version() == self.version, "one version for each change"
        for node in self.nodes:
            for each in self.model:
                for secret in each.secrets:
                    node.since.setdefault(secret.text, []).append(self._state(secret))

    def _state(self, secret: Secret) -> tuple[str, float | None, float | None, bool]:
        return secret.text, secret.ends_at, secret.key.ends_at, secret.key.revoked

    @rule(target=keys, lasts=ENDS, name=st.sampled_from(("app", "other")))
    def make(self, lasts: float | None, name: str) -> KeyModel:
        now = self.clock.wall()
        ends_at = None if lasts is None else now + lasts
        issued, key = self.rows.create(NewKey(name, ends_at), now, self.random)
        made = KeyModel(key.key_id, name, ends_at)
        made.secrets = [Secret(issued.text, made)]
        self.model.append(made)
        self._changed()
        return made

    @rule(of=keys, overlap=SECONDS)
    def rotate(self, of: KeyModel, overlap: float) -> None:
        now = self.clock.wall()
        if of.revoked:
            with pytest.raises(InvalidRequest, match="is revoked"):
                self.rows.rotate(of.key_id, now, self.random, overlap_s=overlap)
            return
        issued, key = self.rows.rotate(of.key_id, now, self.random, overlap_s=overlap)
        assert key.key_id == of.key_id
        for secret in of.secrets:
            if secret.ends_at is None or secret.ends_at > now + overlap:
                secret.ends_at = now + overlap
        of.secrets.append(Secret(issued.text, of))
        self._changed()

    @rule(of=keys)
    def revoke(self, of: KeyModel) -> None:
        ended = self.rows.revoke(of.key_id, self.clock.wall())
        assert ended.revoked_at is not None
        assert ended.revoked_at <= self.clock.wall()
        if not of.revoked:
            of.revoked = True
            self._changed()

    @rule(of=keys, lasts=ENDS)
    def change_its_end(self, of: KeyModel, lasts: float | None) -> None:
        ends_at = None if lasts is None else self.clock.wall() + lasts
        changes = KeyChanges(expires_at=ends_at)
        if of.revoked:
            with pytest.raises(InvalidRequest, match="is revoked"):
                self.rows.update(of.key_id, changes)
            return
        self.rows.update(of.key_id, changes)
        of.ends_at = ends_at
        self._changed()

    @rule(of=keys)
    def give_it_the_name_it_has(self, of: KeyModel) -> None:
        if not of.revoked:
            self.rows.update(of.key_id, KeyChanges(name=of.name))  # no change, so no version

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(which=st.integers(0, 1))
    def take_changes_in(self, which: int) -> None:
        node = self.nodes[which]
        self.runner.run(node.keys.refresh())
        node.since = {secret.text: [self._state(secret)] for each in self.model for secret in each.secrets}
        for each in self.model:
            for secret in each.secrets:
                assert self.runner.run(node.ask(secret.text)) == secret.outcome(self.clock.wall())

    @precondition(lambda self: self.model)
    @rule(which=st.integers(0, 1), number=st.integers(0, 100))
    def ask(self, which: int, number: int) -> None:
        node = self.nodes[which]
        secrets = [secret for each in self.model for secret in each.secrets]
        secret = secrets[number % len(secrets)]
        now = self.clock.wall()
        possible = set()
        for text, ends_at, key_ends_at, revoked in node.since[secret.text]:
            was = KeyModel("", "", key_ends_at, revoked)
            possible.add(Secret(text, was, ends_at).outcome(now))
        assert self.runner.run(node.ask(secret.text)) in possible

    @precondition(lambda self: self.model)
    @rule(which=st.integers(0, 1))
    def guess(self, which: int) -> None:
        text = self.model[0].secrets[0].text
        node, wrong = self.nodes[which], text[:-1] + ("A" if text[-1] != "A" else "B")
        assert self.runner.run(node.ask(wrong)) == "mistyped"
        assert self.runner.run(node.ask("sk-of-somebody-else")) == "know"

    @invariant()
    def the_list_is_the_model(self) -> None:
        found = {key.key_id: key for key in self.rows.list()}
        assert set(found) == {each.key_id for each in self.model}
        assert self.rows.count() == len(self.model)
        for each in self.model:
            self._is(found[each.key_id], each)

    def _is(self, key: Key, model: KeyModel) -> None:
        assert (key.name, key.revoked_at is not None) == (model.name, model.revoked)
        assert key.digest == digest(model.secrets[-1].text.encode()), "the newest secret"


TestKeyLives = KeyLives.TestCase
TestKeyLives.settings = settings(max_examples=examples(60), stateful_step_count=30, deadline=None)
