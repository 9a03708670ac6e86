"""The audit log, as routes: an organization's rows for who may read them, and all rows for operators."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from waypost.admin.ask import Ask
from waypost.admin.days import FROM, TO, span_us
from waypost.admin.resource import listed, page_type
from waypost.admin.route import PREFIX, Parameter, Reply, Route
from waypost.core.deed import CHANGED, Kept, Outcome, Wanted
from waypost.core.people import Permission
from waypost.errors import InvalidRequest, InvalidValue

_READ: Final[tuple[Permission, ...]] = ("audit:read",)
_ALL: Final[tuple[Permission, ...]] = ("gateway:read",)
_TEXT: Final = {"type": "string", "maxLength": 200, "pattern": r"^[^\x00-\x1f\x7f]*$"}
_TEXT_MOST: Final = 200
_SEQ_DIGITS: Final = 18
_OUTCOMES: Final = ("done", "refused", "failed")


class FieldView(msgspec.Struct, frozen=True, kw_only=True):
    """A field that was changed."""

    field: str
    secret: bool
    """Its values are nobody's business."""
    old: Any = None
    new: Any = None


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did, or was refused."""

    seq: int
    """Rows are counted without a gap."""
    at: float
    """Unix seconds, UTC."""
    actor: str
    """`user:<id>`, `service:<id>`, `invitation:<id>`, `operator`: the machine's own command line, or `gateway`. Empty:
    nobody knows."""
    via: str
    """`token:<id>`, `session`, `machine`, `sign-in`, `invitation`, or `cli:<name in the operating system>`."""
    organization: str
    """The id of the organization; empty for what is the gateway's own."""
    action: str
    """The operation of this API, or the command."""
    kind: str
    """What was changed: `key`, `team`, `session` and so on; of a refused try, `path` or `user`."""
    id: str
    name: str
    outcome: Outcome
    changes: tuple[FieldView, ...]
    request_id: str
    address: str
    hash: str
    """SHA-256, in hexadecimal, of the hash of the row before and of this row."""


def routes() -> tuple[Route, ...]:
    """The rows of the table for the audit log."""
    page = page_type(AuditView)
    query = (
        FROM,
        TO,
        Parameter("actor", "Who did it, as `actor` says.", _TEXT),
        Parameter("action", "The operation or the command.", _TEXT),
        Parameter("object", "The id or the name of what was changed.", _TEXT),
        Parameter("outcome", "How it ended.", {"type": "string", "enum": list(_OUTCOMES)}),
    )
    return (
        Route("GET", f"{PREFIX}/organizations/{{organization}}/audit", "list_audit",
              "List: the audit log of an organization, newest first.", _READ, of_organization, gives=page, lists=True,
              errors=(422,), query=query),
        Route("GET", f"{PREFIX}/audit", "list_gateway_audit", "List: the audit log of the gateway, newest first.",
              _ALL, of_gateway, gives=page, lists=True, errors=(422,), query=query),
    )  # fmt: skip


async def of_organization(ask: Ask) -> Reply:
    """What was done in one organization."""
    return await _page(ask, ask.home)


async def of_gateway(ask: Ask) -> Reply:
    """All that was done."""
    return await _page(ask, None)


async def _page(ask: Ask, home: str | None) -> Reply:
    since_us, until_us = span_us(ask)
    outcome = ask.query.get("outcome")
    if outcome is not None and outcome not in _OUTCOMES:
        raise InvalidRequest(f"It has to be one of {', '.join(_OUTCOMES)}.", param="outcome")
    wanted = Wanted(
        organization_id=home,
        since_us=since_us,
        until_us=until_us,
        actor=_text(ask, "actor"),
        action=_text(ask, "action"),
        of=_text(ask, "object"),
        outcome=outcome,
    )
    page = ask.page
    found = await ask.blocking(ask.parts.trail.page, wanted, _before(page.after), page.limit + 1)
    shown = [view(each) for each in found[: page.limit]]
    return listed(ask, shown, str(shown[-1].seq) if len(found) > page.limit else None)


def view(kept: Kept) -> AuditView:
    """A row as the API and the command line show it."""
    entry = kept.entry
    return AuditView(
        seq=entry.seq,
        at=entry.at_us / 1e6,
        actor=entry.actor,
        via=entry.via,
        organization=entry.organization_id,
        action=entry.action,
        kind=entry.kind,
        id=entry.object_id,
        name=entry.name,
        outcome=_outcome(entry.outcome),
        changes=tuple(_field(name, told) for name, told in _changes(entry.changes).items()),
        request_id=entry.request_id,
        address=entry.address,
        hash=kept.hash.hex(),
    )


def _outcome(text: str) -> Outcome:
    found: dict[str, Outcome] = {"done": "done", "refused": "refused"}
    return found.get(text, "failed")


def _changes(text: str) -> dict[str, Any]:
    """Nothing where somebody put something else there: the rest of the row is shown all the same."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


def _field(name: str, told: Any) -> FieldView:
    if told == CHANGED or not (isinstance(told, list) and len(told) == 2):
        return FieldView(field=name, secret=True)
    return FieldView(field=name, secret=False, old=told[0], new=told[1])


def _text(ask: Ask, name: str) -> str | None:
    text = ask.query.get(name)
    if text is not None and (len(text) > _TEXT_MOST or any(ord(c) < 32 or c == "\x7f" for c in text)):
        raise InvalidRequest(
            f"It has at most {_TEXT_MOST} characters, and no control characters.", param=name
        )
    return text


def _before(after: str) -> int | None:
    if not after:
        return None
    if after.isascii() and after.isdigit() and len(after) <= _SEQ_DIGITS:
        return int(after)
    raise InvalidValue("It has to be what `next` said.", param="after")
