"""Organizations of a data folder as their file says them: read for a plan, and changed as a plan says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast

from waypost.cli.directory import Book, new_id
from waypost.core.key import Key
from waypost.core.keytext import IssuedKey, Randomness
from waypost.core.objects import KIND_OF, Object
from waypost.core.people import DEFAULT, Organization
from waypost.errors import Conflict, GatewayError, StoreUnavailable

if TYPE_CHECKING:
    from waypost.policy.org_plan import Plan, Step
    from waypost.policy.org_state import Part, State

_PAGE = 500


class OrgBook:
    """One data folder. What it makes is remembered by name, so that later steps can name it."""

    def __init__(self, book: Book, randomness: Randomness) -> None:
        self._book = book
        self._randomness = randomness
        self._ids: dict[tuple[Part, str, str], str] = {}

    def read(self, organizations: Iterable[str]) -> State:
        """What there is of these organizations."""
        from waypost.policy.org_state import read_state

        homes = {each.id for name in organizations if (each := self._organization(name)) is not None}
        keys = [key for home in sorted(homes) for key in self._keys_of(home)]
        state = read_state(self._book.directory, keys, self._book.now)
        for (part, organization, name), entry in state.entries.items():
            found = entry.found
            self._ids[part, organization, name] = found.key_id if isinstance(found, Key) else found.id
        return state

    def do(self, step: Step) -> IssuedKey | None:
        """Do one step; the text of a key that was made is in what is returned, and nowhere else.

        Raises Conflict, also when what is to be changed was changed since it was read.
        """
        if step.part == "key":
            return self._do_key(step)
        from waypost.policy.org_objects import TYPES, object_of

        if step.entry is not None and step.value is None:
            self._book.delete(cast(Object, step.entry.found))
            return None
        fresh = "" if step.entry is not None else new_id(KIND_OF[TYPES[step.part]])
        stored = self._book.put(object_of(step, self._id, fresh, self._book.now))
        self._ids[step.part, step.organization, step.name] = stored.id
        return None

    def _do_key(self, step: Step) -> IssuedKey | None:
        from waypost.policy.org_objects import key_changes_of, key_of
        from waypost.stores.sql.keys import NewKey

        rows = self._book.keys
        if step.entry is None:
            wanted = key_of(step, self._id, self._book.now)
            new = NewKey(**{name: getattr(wanted, name) for name in NewKey.__struct_fields__})
            self._require_free(step, wanted.organization_id)
            issued, key = rows.create(new, self._book.now, self._randomness)
            self._ids["key", step.organization, step.name] = key.key_id
            return issued
        found = cast(Key, step.entry.found)
        if step.value is not None:
            rows.update(found.key_id, key_changes_of(step, self._id), revision=found.revision)
        elif rows.get(found.key_id).revision != found.revision:
            raise Conflict(
                f"The key {found.name!r} ({found.key_id}) was changed meanwhile.", param="revision"
            )
        else:
            rows.revoke(found.key_id, self._book.now)
        return None

    def _require_free(self, step: Step, home: str) -> None:
        for key in self._book.keys.find(step.name):
            if key.organization_id == home and key.revoked_at is None and key.name == step.name:
                raise Conflict(f"A key {step.name!r} was made meanwhile.", param="name")

    def _id(self, part: Part, organization: str, name: str) -> str:
        found = self._ids.get((part, organization, name))
        if found is None:
            raise Conflict(f"There is no {part.replace('_', ' ')} {name or organization!r} any more.")
        return found

    def _organization(self, name: str) -> Organization | None:
        own = self._book.directory.find(Organization, DEFAULT)
        if own is not None and own.name == name:
            return own
        return next((each for each in self._book.directory.all(Organization) if each.name == name), None)

    def _keys_of(self, home: str) -> Iterable[Key]:
        from waypost.stores.sql.key_page import KeyFilter

        wanted, after = KeyFilter(organization_id=home, revoked=False), ""
        while found := self._book.keys.page(wanted, after, _PAGE):
            yield from found
            after = found[-1].key_id


def carry_out(book: OrgBook, plan: Plan, told: Callable[[Step, IssuedKey | None], None]) -> None:
    """Do all steps, and tell of each once it is done. Raises Conflict and
    StoreUnavailable, which say how far it came."""
    for number, step in enumerate(plan.steps):
        try:
            issued = book.do(step)
        except GatewayError as error:
            what = f"{step.part.replace('_', ' ')} {step.name or step.organization!r}"
            kind = StoreUnavailable if isinstance(error, StoreUnavailable) else Conflict
            raise kind(
                f"{number} of {len(plan.steps)} changes were made; then, at the {what}: {error.message} "
                "Run it again: it reads what there is, and goes on from there."
            ) from None
        told(step, issued)
