"""How people prove who they are, and who is signed in. Neither is in the records of the directory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from waypost.core.deed import CHANGED, Deed, Done
from waypost.core.signin import Password, Session
from waypost.errors import Conflict
from waypost.stores.sealing import Seals
from waypost.stores.sql.engine import Database
from waypost.stores.sql.tables import PASSWORDS, SESSIONS
from waypost.stores.sql.trail import append, name_of_user

_TOTP: Final = "second factor"
_TEXTS: Final = msgspec.json.Decoder(tuple[str, ...])


class PasswordRows:
    """What sign-ins are checked against. Blocking. Raises StoreUnavailable and Conflict."""

    def __init__(self, database: Database, seals: Seals) -> None:
        """`seals`: for the secrets of second factors."""
        self._database = database
        self._seals = seals

    def by(self, deed: Deed) -> PasswordRows:
        """The same, for somebody whom the audit log tells of."""
        return PasswordRows(self._database.by(deed), self._seals)

    def get(self, user_id: str) -> Password | None:
        """What is kept of a person, if anything."""
        with self._database.read() as connection:
            row = connection.execute(select(PASSWORDS).where(PASSWORDS.c.user_id == user_id)).one_or_none()
        return None if row is None else self._password(row)

    def put(self, password: Password, *, before: Password | None = None) -> None:
        """Keep it, in place of what was kept of the person. `before`: only if that is still what is kept, else Conflict
        is raised, so that a code that was used meanwhile does not come back. As long as the second factor is the same
        secret, its used time steps stay used."""
        query = select(PASSWORDS).where(PASSWORDS.c.user_id == password.user_id).with_for_update()
        with self._database.write() as connection:
            row = connection.execute(query).one_or_none()
            kept = None if row is None else self._password(row)
            if before is not None and before != kept:
                raise Conflict("How this person signs in was changed meanwhile. Repeat the change.")
            values = msgspec.structs.asdict(password)
            values["recovery"] = msgspec.json.encode(password.recovery).decode()
            if password.totp is not None:
                values["totp"] = self._seals.seal(_TOTP, password.user_id, password.totp)
            _tell(connection, "password", password.user_id, _differing(kept, password))
            if kept is None:
                connection.execute(insert(PASSWORDS).values(values))
                return
            if kept.totp == password.totp:
                values["totp_step"] = max(kept.totp_step, password.totp_step)
            connection.execute(update(PASSWORDS).where(PASSWORDS.c.user_id == kept.user_id).values(values))

    def advance(self, user_id: str, step: int) -> bool:
        """Use up the time step of a second factor; False when it, or a later one, was used before."""
        older = (PASSWORDS.c.user_id == user_id, PASSWORDS.c.totp_step < step)
        with self._database.write() as connection:
            return connection.execute(update(PASSWORDS).where(*older).values(totp_step=step)).rowcount > 0

    def spend(self, user_id: str, digest: str) -> bool:
        """Use up a recovery code; False when it is not, or no longer, among the person's."""
        mine = PASSWORDS.c.user_id == user_id
        with self._database.write() as connection:
            kept = connection.scalar(select(PASSWORDS.c.recovery).where(mine).with_for_update())
            codes = () if kept is None else _TEXTS.decode(kept)
            if digest not in codes:
                return False
            left = [each for each in codes if each != digest]
            changes = {"recovery": msgspec.json.encode(left).decode()}
            connection.execute(update(PASSWORDS).where(mine).values(changes))
            _tell(connection, "password", user_id, {"recovery_codes": [len(codes), len(left)]})
        return True

    def reseal(self) -> int:
        """Seal with the newest root key what is sealed with an older one. Returns how many secrets that were."""
        query = select(PASSWORDS.c.user_id, PASSWORDS.c.totp).where(PASSWORDS.c.totp.is_not(None))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        stale = [row.user_id for row in rows if self._seals.is_stale(bytes(row.totp))]
        for user_id in stale:
            with self._database.write() as connection:
                mine = PASSWORDS.c.user_id == user_id
                sealed = connection.scalar(select(PASSWORDS.c.totp).where(mine))
                if sealed is not None:
                    plain = self._seals.open(_TOTP, user_id, bytes(sealed))
                    anew = self._seals.seal(_TOTP, user_id, plain)
                    connection.execute(update(PASSWORDS).where(mine).values(totp=anew))
                    roots = [self._seals.root_of(each) for each in (bytes(sealed), anew)]
                    _tell(connection, "second_factor", user_id, {"root_key": roots})
        return len(stale)

    def _password(self, row: Row[Any]) -> Password:
        return Password(
            user_id=row.user_id,
            hash=row.hash,
            totp=None if row.totp is None else self._seals.open(_TOTP, row.user_id, bytes(row.totp)),
            totp_step=row.totp_step,
            recovery=_TEXTS.decode(row.recovery),
            changed_at=row.changed_at,
        )

    def delete(self, user_id: str) -> bool:
        """Forget all of it; False when there is nothing."""
        with self._database.write() as connection:
            done = connection.execute(delete(PASSWORDS).where(PASSWORDS.c.user_id == user_id)).rowcount > 0
            if done:
                _tell(connection, "password", user_id, {"password": CHANGED})
        return done


class SessionRows:
    """Who is signed in. Blocking. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by(self, deed: Deed) -> SessionRows:
        """The same, for somebody whom the audit log tells of."""
        return SessionRows(self._database.by(deed))

    def add(self, session: Session) -> None:
        """Begin one."""
        with self._database.write() as connection:
            connection.execute(insert(SESSIONS).values(msgspec.structs.asdict(session)))
            told = {"strong": [None, session.strong], "expires_at": [None, session.expires_at]}
            _tell(connection, "session", session.user_id, told, session.session_id)

    def get(self, digest: bytes) -> Session | None:
        """One, whether it has expired or not."""
        with self._database.read() as connection:
            row = connection.execute(select(SESSIONS).where(SESSIONS.c.digest == digest)).one_or_none()
        return None if row is None else _session(row)

    def see(self, digest: bytes, at: float) -> None:
        """It was used at this time. When it ends at the latest stays as it is."""
        earlier = (SESSIONS.c.digest == digest, SESSIONS.c.seen_at < at)
        with self._database.write() as connection:
            connection.execute(update(SESSIONS).where(*earlier).values(seen_at=at))

    def of_user(self, user_id: str) -> Sequence[Session]:
        """A person's, newest first."""
        query = select(SESSIONS).where(SESSIONS.c.user_id == user_id)
        query = query.order_by(SESSIONS.c.created_at.desc(), SESSIONS.c.digest)
        with self._database.read() as connection:
            return [_session(row) for row in connection.execute(query)]

    def end(self, digest: bytes) -> bool:
        """End one; False when there is none."""
        mine = SESSIONS.c.digest == digest
        with self._database.write() as connection:
            row = connection.execute(select(SESSIONS).where(mine).with_for_update()).one_or_none()
            if row is None:
                return False
            found = _session(row)
            connection.execute(delete(SESSIONS).where(mine))
            _tell(connection, "session", found.user_id, {"ended": [False, True]}, found.session_id)
        return True

    def end_all(self, user_id: str, but: bytes | None = None) -> int:
        """End all of a person's, but one; how many there were."""
        theirs = delete(SESSIONS).where(SESSIONS.c.user_id == user_id)
        if but is not None:
            theirs = theirs.where(SESSIONS.c.digest != but)
        with self._database.write() as connection:
            ended = connection.execute(theirs).rowcount
            if ended:
                _tell(connection, "session", user_id, {"sessions_ended": [0, ended]})
        return ended

    def delete_expired(self, at: float, *, idle_s: float | None = None, slice_rows: int = 500) -> int:
        """Forget a slice of those that have ended at Unix time `at`, or were not used for `idle_s`; call again until it
        returns 0."""
        over = SESSIONS.c.expires_at <= at
        if idle_s is not None:
            over |= SESSIONS.c.seen_at <= at - idle_s
        with self._database.write() as connection:
            found = list(connection.scalars(select(SESSIONS.c.digest).where(over).limit(slice_rows)))
            if found:
                connection.execute(delete(SESSIONS).where(SESSIONS.c.digest.in_(found)))
        return len(found)


def _differing(kept: Password | None, new: Password) -> dict[str, object]:
    """What of how somebody signs in is another one now. None of it is ever told."""
    told: dict[str, object] = {}
    if kept is None or kept.changed_at != new.changed_at:
        told["password"] = CHANGED
    elif kept.hash != new.hash:
        told["stored_hash"] = CHANGED
    had = None if kept is None else kept.totp
    if had != new.totp:
        told["second_factor"] = CHANGED if had and new.totp else [had is not None, new.totp is not None]
    if (() if kept is None else kept.recovery) != new.recovery:
        told["recovery_codes"] = [0 if kept is None else len(kept.recovery), len(new.recovery)]
    return told


def _tell(
    connection: Connection, kind: str, user_id: str, changes: dict[str, object], object_id: str = ""
) -> None:
    """People are nobody's, so what is told of them is for operators."""
    name = name_of_user(connection, user_id)
    append(connection, Done(kind, object_id or user_id, name, changes, ""))


def _session(row: Row[Any]) -> Session:
    return Session(
        digest=bytes(row.digest),
        user_id=row.user_id,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        strong=row.strong,
    )
