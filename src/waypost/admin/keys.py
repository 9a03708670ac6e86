"""Client keys. Their texts are shown once, when they are made or rotated.

`keys:write` allows keys for anybody in the organization; in one team alone, keys of that team, for who is in it and may
no more than the caller. `own_keys:write` allows them for oneself, as many as the organization says, and not to be more
important than others. An operator's key is changed and rotated by operators only; ending it takes no more than any key.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from waypost.admin.ask import Ask, denied, missing
from waypost.admin.fields import in_words_of_the_api, nano
from waypost.admin.key_fields import KeyBody, KeyMade, KeyPatch, KeyView, RotateBody, shown
from waypost.admin.places import check_above, team_id, user_named
from waypost.admin.resource import listed, page_type
from waypost.admin.route import PREFIX, Reply, Route
from waypost.core.key import Key, KeyChanges
from waypost.core.people import MachineAccount, Member, Permission
from waypost.errors import Conflict, Forbidden, InvalidRequest, InvalidValue, PreconditionFailed

_READ: Final[tuple[Permission, ...]] = ("keys:read", "own_keys:write")
_WRITE: Final[tuple[Permission, ...]] = ("keys:write", "own_keys:write")
_BASE: Final = f"{PREFIX}/organizations/{{organization}}/keys"
_ONE: Final = f"{_BASE}/{{key}}"
_PAGES_MOST: Final = 20


def routes() -> tuple[Route, ...]:
    """The rows of the table for keys."""
    page = page_type(KeyView)
    example = {"name": "ci", "team": "search", "budget": "20.00", "budget_per": "month"}
    return (
        Route("GET", _BASE, "list_key", "List: keys, newest first.", _READ, list_keys, gives=page, teams=True,
              lists=True),
        Route("POST", _BASE, "create_key", "Make a key. Its text is in this answer only.", _WRITE, create,
              takes=KeyBody, gives=KeyMade, status=201, errors=(409, 422), teams=True, example=example),
        Route("GET", _ONE, "get_key", "Read a key.", _READ, get, gives=KeyView, also=(304,), teams=True, tags=True),
        Route("PATCH", _ONE, "patch_key", "Change what a key may do.", _WRITE, patch, takes=KeyPatch, gives=KeyView,
              errors=(409, 412, 422), teams=True, tags=True, example={"budget": "40.00"}),
        Route("POST", f"{_ONE}/rotate", "rotate_key", "Give a key a new text. It is in this answer only.", _WRITE,
              rotate, takes=RotateBody, gives=KeyMade, errors=(409, 422), teams=True, example={"overlap_s": 3600}),
        Route("DELETE", _ONE, "revoke_key", "Revoke a key: it stops working everywhere within seconds.", _WRITE,
              revoke, status=204, errors=(412,), teams=True, tags=True),
        Route("GET", f"{PREFIX}/me/keys", "list_my_key", "List: one's own keys, newest first.", "self", mine,
              gives=page, lists=True),
    )  # fmt: skip


async def list_keys(ask: Ask) -> Reply:
    """Those that the caller may see."""
    page = ask.page
    user = ask.caller.user
    broad = {"keys:read", "keys:write"} & ask.rights.anywhere(ask.home)
    only = None if broad or user is None else user.id
    found: list[KeyView] = []
    after = page.after
    for _ in range(_PAGES_MOST):
        rows = await ask.blocking(ask.parts.keys.page, ask.home, only, after, page.limit + 1)
        for key in rows:
            if len(found) == page.limit:
                return listed(ask, found, after)
            if _sees(ask, key):
                found.append(shown(ask.directory, key))
            after = key.key_id
        if len(rows) <= page.limit:
            return listed(ask, found, None)
    return listed(ask, found, after)


async def mine(ask: Ask) -> Reply:
    """The caller's own, in every organization where they may see them."""
    page, user = ask.page, ask.caller.user
    if user is None:
        return listed(ask, (), None)
    rows = await ask.blocking(ask.parts.keys.page, None, user.id, page.after, page.limit + 1)
    here = [key for key in rows[: page.limit] if set(_READ) & ask.rights.of(key.organization_id)]
    last = rows[page.limit - 1].key_id if len(rows) > page.limit else None
    return listed(ask, [shown(ask.directory, key) for key in here], last)


async def get(ask: Ask) -> Reply:
    """One key."""
    key = await _find(ask)
    tag = (b"etag", b'"%d"' % key.revision)
    if ask.unchanged(key.revision):
        return Reply(None, 304, (tag,))
    return Reply(shown(ask.directory, key), 200, (tag,))


async def create(ask: Ask) -> Reply:
    """A new key."""
    body: KeyBody = ask.body
    async with ask.changes:
        team = None if body.team is None else await team_id(ask, body.team)
        broad = ask.may("keys:write", team)
        user_id, service_id = await _owner(ask, body, broad)
        if not broad:
            _check_own(ask, user_id, team, body)
        _check_team_keys(ask, user_id, service_id, team)
        project = None if body.project is None else await _project_id(ask, body.project)
        wanted = Key(
            key_id="",
            name=body.name,
            digest=b"",
            hint="",
            created_at=ask.now,
            expires_at=body.expires_at,
            models=body.models,
            rpm=body.rpm,
            budget_nusd=None if body.budget is None else nano(body.budget, "budget"),
            budget_per=body.budget_per,
            log_content=body.log_content,
            route=body.route,
            priority=body.priority,
            organization_id=ask.home,
            team_id=team,
            project_id=project,
            user_id=user_id,
            service_id=service_id,
            tags=body.tags,
            required_tags=body.required_tags,
            endpoints=body.endpoints,
            networks=body.networks,
            made_by=ask.caller.made_by,
        )
        organization = ask.organization
        most = None if broad or organization is None else organization.member_keys_max
        issued, key = await _told(ask, ask.parts.keys.create, wanted, most)
    ask.record("key", key.key_id, key.name, (None, key.revision))
    return Reply(KeyMade(text=issued.text, key=shown(ask.directory, key)), 201)


async def patch(ask: Ask) -> Reply:
    """Change what a key may do. Who has it for themselves changes only what they made themselves."""
    body: KeyPatch = ask.body
    async with ask.changes:
        key = await _find(ask)
        _check_operators(ask, key)
        given = {
            name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET
        }
        changes = dict(given)
        if "team" in given:
            changes["team_id"] = changes.pop("team") and await team_id(ask, given["team"])
        if "project" in given:
            changes["project_id"] = changes.pop("project") and await _project_id(ask, given["project"])
        if "budget" in given:
            budget = changes.pop("budget")
            changes["budget_nusd"] = None if budget is None else nano(budget, "budget")
        broad = ask.may("keys:write", key.team_id) and ask.may(
            "keys:write", changes.get("team_id", key.team_id)
        )
        if not broad:
            if key.made_by != ask.caller.made_by:
                raise Forbidden("Somebody else made this key for you. Ask them to change it.")
            _check_own(ask, key.user_id, changes.get("team_id", key.team_id), body)
        _check_team_keys(ask, key.user_id, key.service_id, changes.get("team_id", key.team_id))
        ask.check_conditions(key.revision)
        changed = await _told(ask, ask.parts.keys.change, key.key_id, KeyChanges(**changes), key.revision)
    ask.record("key", key.key_id, changed.name, (key.revision, changed.revision))
    return Reply(shown(ask.directory, changed), 200, ((b"etag", b'"%d"' % changed.revision),))


async def rotate(ask: Ask) -> Reply:
    """A new text."""
    body: RotateBody = ask.body
    async with ask.changes:
        key = await _find(ask, writing=True)
        _check_operators(ask, key)
        _check_team_keys(ask, key.user_id, key.service_id, key.team_id)
        issued, changed = await _told(ask, ask.parts.keys.rotate, key.key_id, ask.now, body.overlap_s)
    ask.record("key", key.key_id, key.name, (key.revision, changed.revision))
    return Reply(KeyMade(text=issued.text, key=shown(ask.directory, changed)))


async def revoke(ask: Ask) -> Reply:
    """The end of a key; of one that is revoked already, nothing."""
    async with ask.changes:
        key = await _find(ask, writing=True)
        ask.check_conditions(key.revision)
        ended = await _told(ask, ask.parts.keys.revoke, key.key_id, ask.now)
    if key.revoked_at is None:
        ask.record("key", key.key_id, key.name, (key.revision, ended.revision))
    return Reply(None, 204)


def _sees(ask: Ask, key: Key) -> bool:
    return ask.may("keys:read", key.team_id) or ask.may("keys:write", key.team_id) or _own(ask, key)


def _own(ask: Ask, key: Key) -> bool:
    user = ask.caller.user
    return user is not None and key.user_id == user.id and ask.may("own_keys:write")


async def _find(ask: Ask, writing: bool = False) -> Key:
    key = await ask.blocking(ask.parts.keys.get, ask.said["key"])
    if key is None or key.organization_id != ask.home or not _sees(ask, key):
        raise missing("key", ask.said["key"])
    if writing and not ask.may("keys:write", key.team_id) and not _own(ask, key):
        raise denied(_WRITE)
    return key


async def _owner(ask: Ask, body: KeyBody, broad: bool) -> tuple[str | None, str | None]:
    """Whose a new key is: a person's, a service account's, or nobody's."""
    if body.user is not None and body.service_account is not None:
        raise InvalidValue("A key is a person's or a service account's, not both's.", param="service_account")
    if body.service_account is not None:
        if not broad:
            raise denied(("keys:write",))
        machine = await ask.named("service", body.service_account)
        if machine is None:
            raise InvalidValue("There is no such service account here.", param="service_account")
        return None, machine.id
    me = ask.caller.user
    if body.user is None:
        return (None if broad or me is None else me.id), None
    if body.user == "me":
        if me is None:
            raise InvalidValue("Whoever asks is no person.", param="user")
        return me.id, None
    if me is not None and body.user in (me.id, me.name):
        return me.id, None
    if not broad:
        raise denied(("keys:write",))
    user = await user_named(ask, body.user)
    if user is None or await ask.named("member", user.id) is None:
        raise InvalidValue("There is no such member here.", param="user")
    return user.id, None


def _check_own(ask: Ask, user_id: str | None, team: str | None, said: KeyBody | KeyPatch) -> None:
    """What somebody may make of their own keys. Raises Forbidden."""
    me = ask.caller.user
    if me is None or user_id != me.id or not ask.may("own_keys:write"):
        raise denied(("keys:write",))
    if team is not None and team not in ask.rights.teams(ask.home):
        raise Forbidden("You are not in this team.")
    if said.priority == "high" or said.log_content not in (None, msgspec.UNSET):
        raise Forbidden("Priority and logging of content need keys:write.")


def _check_operators(ask: Ask, key: Key) -> None:
    """An operator's key is an operator's right: who widens it or has its text has that. Raises Forbidden. Ending it
    takes nothing but the key away."""
    if key.operator and "gateway:write" not in ask.rights.of(""):
        raise Forbidden("This is an operator's key. Only an operator of the gateway changes or rotates it.")


def _check_team_keys(ask: Ask, user_id: str | None, service_id: str | None, team: str | None) -> None:
    """Whose keys somebody may have in hand who has `keys:write` in a team alone: their own, and those of who is in the
    team and has no right that they have not. Raises Forbidden."""
    me = ask.caller.user
    if ask.may("keys:write") or (user_id is None and service_id is None):
        return
    if me is not None and user_id == me.id:
        return
    owner: Member | MachineAccount | None
    if user_id is not None:
        owner = ask.directory.member(ask.home, user_id)
    else:
        owner = ask.directory.find(MachineAccount, service_id)
    if owner is None or team not in {each.team_id for each in owner.teams}:
        raise Forbidden("Whose key it is is not in this team: that takes keys:write in the organization.")
    check_above(ask, owner)


async def _project_id(ask: Ask, name: str) -> str:
    found = await ask.named("project", name)
    if found is None:
        raise InvalidValue(f"There is no project {name[:80]!r} in this organization.", param="project")
    return found.id


async def _told(ask: Ask, call: Any, *args: Any) -> Any:
    """Ask the store; what it says of values is told as it is of other values."""
    try:
        return await ask.blocking(call, *args)
    except InvalidRequest as error:
        message, field = in_words_of_the_api(error)
        raise InvalidValue(message, param=field) from None
    except Conflict as error:
        if error.param == "revision" and b"if-match" in ask.visit.headers:
            raise PreconditionFailed(error.message) from None
        message, field = in_words_of_the_api(error)
        raise Conflict(message, param=field) from None
