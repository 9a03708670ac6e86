"""Tokens of the control API, for machines. Their texts are shown once."""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec

from waypost.admin.ask import Ask, missing
from waypost.admin.fields import Line, Name, Time
from waypost.admin.places import check_above
from waypost.admin.resource import listed, page_type
from waypost.admin.rights import check_grant
from waypost.admin.route import PREFIX, Reply, Route
from waypost.core.objects import PREFIXES
from waypost.core.people import MachineAccount, Permission, Token
from waypost.core.tokentext import issue_text
from waypost.errors import InvalidValue

_PLACES: Final[tuple[tuple[str, tuple[Permission, ...], tuple[Permission, ...]], ...]] = (
    (f"{PREFIX}/organizations/{{organization}}", ("tokens:read",), ("tokens:write",)),
    (f"{PREFIX}/gateway", ("gateway:read",), ("gateway:write",)),
)


class TokenBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A token, as it is to be made."""

    name: Line
    """What people call it. Unique in the organization."""
    permissions: tuple[Permission, ...] = ()
    """What of its maker's permissions it has. Empty: all, as the maker has them at the time."""
    service_account: Name | None = None
    """It acts as this service account, instead of as its maker."""
    expires_at: Time | None = None
    """When it ends. None: never."""


class TokenView(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine shows to the control API. Its text is never shown again."""

    id: str
    name: str
    hint: str
    """Its first characters and its last four."""
    made_by: str
    """Whose permissions it has: `user:<id>`, `service:<id>`, or `operator`."""
    permissions: tuple[Permission, ...]
    expires_at: Time | None
    revoked_at: Time | None
    created_at: Time
    revision: int


class TokenMade(msgspec.Struct, frozen=True, kw_only=True):
    """A token with its text, which is shown this once."""

    text: str
    """Send it as `Authorization: Bearer …`. Store it now."""
    token: TokenView

    def __repr__(self) -> str:
        return f"TokenMade({self.token.hint})"


def routes() -> tuple[Route, ...]:
    """The rows of the table for tokens, of organizations and of the gateway."""
    page = page_type(TokenView)
    example = {"name": "terraform", "permissions": ["teams:read", "teams:write"]}
    rows: list[Route] = []
    for prefix, read, write in _PLACES:
        base, of = f"{prefix}/tokens", "gateway_" if prefix.endswith("gateway") else ""
        rows += [
            Route("GET", base, f"list_{of}token", "List: tokens.", read, list_tokens, gives=page, lists=True),
            Route("POST", base, f"create_{of}token", "Make a token. Its text is in this answer only.", write, create,
                  takes=TokenBody, gives=TokenMade, status=201, errors=(409, 422), example=example),
            Route("GET", f"{base}/{{token}}", f"get_{of}token", "Read a token.", read, get, gives=TokenView),
            Route("DELETE", f"{base}/{{token}}", f"delete_{of}token", "Delete a token: it stops working.", write,
                  delete, status=204, errors=(409,)),
        ]  # fmt: skip
    return tuple(rows)


async def list_tokens(ask: Ask) -> Reply:
    """One page, in the order of their names."""
    page = ask.page
    found = await ask.blocking(ask.parts.objects.page, "token", ask.home, page.after, page.limit + 1)
    shown = [_shown(each) for each in found[: page.limit]]
    return listed(ask, shown, shown[-1].name if len(found) > page.limit else None)


async def get(ask: Ask) -> Reply:
    """One token."""
    return Reply(_shown(await _find(ask)))


async def delete(ask: Ask) -> Reply:
    """The end of a token."""
    async with ask.changes:
        await ask.remove("token", await _find(ask))
    return Reply(None, 204)


async def create(ask: Ask) -> Reply:
    """A new token. It may never more than whoever makes it may now."""
    body: TokenBody = ask.body
    caller, has = ask.caller, ask.rights.of(ask.home)
    wanted = body.permissions
    if not wanted and caller.token is not None and caller.token.permissions:
        wanted = tuple(sorted(has))
    check_grant(has, frozenset(wanted), "The token")
    async with ask.changes:
        issued = issue_text("api", ask.parts.randomness)
        token = Token(
            id=f"{PREFIXES['token']}_{issued.text_id}",
            organization_id=ask.home,
            name=body.name,
            digest=issued.digest,
            hint=issued.hint,
            made_by=caller.made_by
            if body.service_account is None
            else await _machine(ask, body.service_account),
            permissions=tuple(dict.fromkeys(wanted)),
            expires_at=_end(body.expires_at, caller.token),
            created_at=ask.now,
        )
        stored = await ask.store(token, None)
    return Reply(TokenMade(text=issued.text, token=_shown(stored)), 201)


def _end(wanted: float | None, shown: Token | None) -> float | None:
    """A token that another one made does not outlive it."""
    ends = [end for end in (wanted, None if shown is None else shown.expires_at) if end is not None]
    return min(ends, default=None)


async def _machine(ask: Ask, name: str) -> str:
    found = await ask.named("service", name) if ask.home else None
    if found is None:
        raise InvalidValue(f"There is no service account {name[:80]!r} here.", param="service_account")
    check_above(ask, cast(MachineAccount, found))
    return f"service:{found.id}"


async def _find(ask: Ask) -> Token:
    found = await ask.blocking(ask.parts.objects.get, "token", ask.said["token"])
    if not isinstance(found, Token) or found.organization_id != ask.home:
        raise missing("token", ask.said["token"])
    return found


def _shown(found: Any) -> TokenView:
    return TokenView(**{name: getattr(found, name) for name in TokenView.__struct_fields__})
