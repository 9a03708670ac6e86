"""Credentials that people brought, sealed anew when the root key is replaced."""

from __future__ import annotations

from typing import NamedTuple, cast

from waypost.core.credentials import Credential
from waypost.errors import Conflict, StoreUnavailable
from waypost.policy.credentials import resealed
from waypost.ports.sealing import Sealing
from waypost.stores.sql.objects import ObjectRows

_PAGE = 200


class Resealed(NamedTuple):
    """What became of secrets."""

    done: int
    """Sealed with the newest root key now, and with an older one before."""
    left: tuple[str, ...]
    """Ids of credentials whose root key is not here, or that were changed meanwhile."""


def reseal_credentials(rows: ObjectRows, seals: Sealing) -> Resealed:
    """Seal with the newest root key what is sealed with an older one. Raises StoreUnavailable when the database does
    not answer; a secret that can not be opened is left as it is."""
    done, after = 0, ""
    left: list[str] = []
    while found := rows.page("credential", None, after, _PAGE):
        for each in found:
            credential = cast(Credential, each)
            try:
                anew = resealed(seals, credential)
            except StoreUnavailable:  # its root key is not here
                left.append(credential.id)
                continue
            if anew is credential:
                continue
            try:
                rows.put(anew, revision=credential.revision)
                done += 1
            except Conflict:
                left.append(credential.id)
        after = found[-1].id
    return Resealed(done, tuple(left))
