"""The control API in process, over the real stores in a folder of its own, with two organizations."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from waypost.admin.api import Admin
from waypost.admin.parts import Audited, Parts
from waypost.admin.passwords import Argon2Hashes
from waypost.config.targets import Credential as SentKey
from waypost.config.targets import Keying, Provider
from waypost.core.credentials import Credential
from waypost.core.deed import Deed, Kept, Wanted
from waypost.core.key import Key
from waypost.core.objects import Kind, Object
from waypost.core.origin import Origin
from waypost.core.people import (
    MachineAccount,
    Member,
    Organization,
    Permission,
    Role,
    Team,
    TeamRole,
    Token,
    User,
)
from waypost.core.signin import Password
from waypost.core.tokentext import issue_text
from waypost.policy.credentials import given
from waypost.policy.directory import Directory
from waypost.ports.control import Visit
from waypost.stores.sealing import Seals
from waypost.stores.sql.audit_log import AuditRows
from waypost.stores.sql.credits import CreditRows
from waypost.stores.sql.engine import Database, open_sqlite
from waypost.stores.sql.key_store import KeyStore
from waypost.stores.sql.keys import KeyRows
from waypost.stores.sql.objects import ObjectRows
from waypost.stores.sql.people import PasswordRows, SessionRows
from waypost.stores.sql.schema import prepare
from waypost.stores.sql.usage import UsageRows

CONTROL = "wp-control-of-the-tests"
PASSWORD = "correct horse staple"
NOW = 1_764_115_200.0
ACME = "/api/v1/organizations/acme"
OTHER = "/api/v1/organizations/other"
_BEARER = Keying("authorization")
ROLES = ("owner", "admin", "billing", "developer", "viewer", "auditor")


def provider(name: str, host: str = "", keying: Keying | None = _BEARER) -> Provider:
    """A provider of the configuration, at a host of its own."""
    return Provider(
        name=name,
        dialects=("openai_chat",),
        origin=Origin("https", host or f"api.{name}.example", 443),
        path="/v1",
        credential=SentKey(b"authorization: Bearer of-the-operator\r\n"),
        keying=keying,
    )


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


class Told(msgspec.Struct):
    """An answer."""

    status: int
    headers: dict[str, str]
    text: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.text)

    @property
    def etag(self) -> str:
        return self.headers["etag"]

    @property
    def fields(self) -> list[str]:
        """The fields that a problem names."""
        return [fault["field"] for fault in self.json.get("errors", [])]


class InlineLive:
    """`parts.Live`, on this thread."""

    def __init__(self, rows: ObjectRows) -> None:
        self.directory = Directory()
        self.rows = rows

    def refresh(self) -> None:
        changes, version = self.rows.changed(self.directory.version)
        self.directory.apply(changes, version)

    async def put(self, found: Object, *, revision: int | None = None, by: Deed | None = None) -> Object:
        stored = self._of(by).put(found, revision=revision)
        self.refresh()
        return stored

    def _of(self, by: Deed | None) -> ObjectRows:
        return self.rows if by is None else self.rows.by(by)

    async def delete(
        self, kind: Kind, object_id: str, *, revision: int | None = None, by: Deed | None = None
    ) -> bool:
        done = self._of(by).delete(kind, object_id, revision=revision)
        self.refresh()
        return done


async def inline(call: Callable[..., Any], *args: Any, **more: Any) -> Any:
    return call(*args, **more)


class World:
    """A gateway's people, and the API over them."""

    def __init__(self, database: Database) -> None:
        self.clock = Clock()
        database.wall = self.clock.wall
        self.trail = AuditRows(database)
        self.usage = UsageRows(database)
        self.randomness = random.Random(7).randbytes
        self.rows = ObjectRows(database, self.clock.wall)
        self.live = InlineLive(self.rows)
        self.credits = CreditRows(database)
        self.keys = KeyStore(KeyRows(database), self.randomness)
        self.seals = Seals([bytes(32)], self.randomness)
        self.passwords, self.sessions = PasswordRows(database, self.seals), SessionRows(database)
        self.providers = {"openai": provider("openai"), "bedrock": provider("bedrock", keying=None)}
        self.audit: list[Audited] = []
        self.hashes = Argon2Hashes(self.randomness, memory_kib=8, passes=1)
        self.admin = Admin(self.parts())
        self._numbers = itertools.count(1)

    def parts(self, **more: Any) -> Parts:
        given: dict[str, Any] = {
            "objects": self.rows,
            "keys": self.keys,
            "passwords": self.passwords,
            "sessions": self.sessions,
            "live": self.live,
            "credits": self.credits,
            "trail": self.trail,
            "usage": self.usage,
            "hashes": self.hashes,
            "clock": self.clock,
            "randomness": self.randomness,
            "audit": self.audit.append,
            "seals": self.seals,
            "providers": lambda: self.providers,
            "control_token": CONTROL,
            "blocking": inline,
            "version": "1.2.3",
        }
        return Parts(**{**given, **more})

    def put(self, found: Object) -> Any:
        stored = self.rows.put(found)
        self.live.refresh()
        return stored

    # --- people -----------------------------------------------------------------------------------------------------

    def organization(self, name: str, **more: Any) -> Organization:
        return self.put(Organization(id=f"org_{name}", name=name, created_at=NOW, **more))  # type: ignore[no-any-return]

    def user(self, name: str, *, password: bool = False, **more: Any) -> User:
        user: User = self.put(User(id=f"user_{name}", name=f"{name}@example.com", created_at=NOW, **more))
        if password:
            self.passwords.put(Password(user.id, hash=self.hashes.make(PASSWORD), changed_at=NOW))
        return user

    def member(self, user: str, organization: str, role: str, teams: dict[str, str] | None = None) -> Member:
        places = tuple(TeamRole(f"team_{name}", told) for name, told in (teams or {}).items())
        made = Member(
            id=f"mem_{user}_{organization}",
            organization_id=f"org_{organization}",
            name=f"user_{user}",
            role=role,
            teams=places,
            created_at=NOW,
        )
        return self.put(made)  # type: ignore[no-any-return]

    def team(self, name: str, organization: str = "acme") -> Team:
        made = Team(id=f"team_{name}", organization_id=f"org_{organization}", name=name, created_at=NOW)
        return self.put(made)  # type: ignore[no-any-return]

    def role(self, name: str, *permissions: Permission) -> Role:
        made = Role(f"role_{name}", "org_acme", name, permissions, NOW)
        return self.put(made)  # type: ignore[no-any-return]

    def machine(self, name: str, role: str = "developer", **more: Any) -> MachineAccount:
        made = MachineAccount(f"svc_{name}", "org_acme", name, role=role, created_at=NOW, **more)
        return self.put(made)  # type: ignore[no-any-return]

    def token(self, made_by: str, *permissions: Permission, organization: str = "", **more: Any) -> str:
        """The text of a new token that acts as a person, a service account, or the machine."""
        issued = issue_text("api", self.randomness)
        made = Token(
            id=f"tok_{issued.text_id}",
            organization_id=f"org_{organization}" if organization else "",
            name=f"token {next(self._numbers)}",
            digest=issued.digest,
            hint=issued.hint,
            made_by=made_by,
            permissions=permissions,
            created_at=NOW,
            **more,
        )
        self.put(made)
        return issued.text

    def person(self, name: str, role: str = "", teams: dict[str, str] | None = None, **more: Any) -> str:
        """The text of a token of a new person, who is a member of acme if they have a role."""
        self.user(name, **more)
        if role:
            self.member(name, "acme", role, teams)
        return self.token(f"user:user_{name}")

    def key(self, name: str, **more: Any) -> Key:
        fields = {"organization_id": "org_acme", "created_at": NOW, **more}
        return self.keys.create(Key(key_id="", name=name, digest=b"", hint="", **fields))[1]

    def credential(self, name: str, organization: str = "acme", team: str = "", **more: Any) -> Credential:
        """One that is not stored yet, of the organization or of a team."""
        home = f"org_{organization}"
        made = Credential(
            f"cred_{name}", home, name, "openai", "https://api.openai.example",
            "team" if team else "organization", team or home, created_at=NOW, **more,
        )  # fmt: skip
        return given(self.seals, self.providers, made, "sk-of-the-rig", None, NOW)

    def told(self, **wanted: Any) -> list[Kept]:
        """What the audit log tells, oldest first."""
        return list(self.trail.oldest_first(Wanted(**wanted)))

    # --- asking -----------------------------------------------------------------------------------------------------

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = CONTROL,
        headers: dict[str, str] | None = None,
        address: str = "192.0.2.7",
        https: bool = True,
        admin: Admin | None = None,
    ) -> Told:
        """One request. A body that is bytes is sent as it is."""
        sent = {b"host": b"waypost.example"}
        if token is not None:
            sent[b"authorization"] = f"Bearer {token}".encode()
        data = b""
        if body is not None:
            data = body if isinstance(body, bytes) else msgspec.json.encode(body)
            sent |= {b"content-type": b"application/json", b"content-length": b"%d" % len(data)}
        sent |= {name.encode(): value.encode() for name, value in (headers or {}).items()}

        async def read(most: int) -> bytes:
            return data

        bare, _, query = path.partition("?")
        visit = Visit(
            method=method,
            path=bare,
            query=query.encode(),
            headers=sent,
            read=read,
            request_id="req_1",
            address=address,
            https=https,
        )
        said = await (admin or self.admin).answer(visit)
        told = {name.decode(): value.decode() for name, value in said.headers}
        return Told(said.status, told, said.body)

    async def made(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """What an answer of success says."""
        told = await self.ask(method, path, body, **more)
        assert told.status < 300, (method, path, told.status, told.text)
        return told.json if told.text else None

    async def sign_in(self, name: str, **more: Any) -> str:
        """The `cookie` header of somebody who signs in."""
        body = {"email": f"{name}@example.com", "password": PASSWORD, **more}
        told = await self.ask("POST", "/api/v1/session", body, token=None)
        assert told.status == 201, told.text
        return told.headers["set-cookie"].partition(";")[0]


@contextmanager
def opened(folder: Path) -> Iterator[World]:
    """A world with the organizations acme and other, and a team of each."""
    database = open_sqlite(folder)
    try:
        prepare(database)
        world = World(database)
        world.organization("acme", member_keys_max=2)
        world.organization("other")
        world.team("search")
        world.team("ads")
        world.team("theirs", "other")
        yield world
    finally:
        database.close()
