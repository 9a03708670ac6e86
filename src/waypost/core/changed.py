"""What changed of an object, field by field, for the audit log: never a secret."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from waypost.core.deed import CHANGED

#: They say which object it is, or that it was changed at all.
_BESIDE: Final = frozenset(("id", "key_id", "revision", "created_at", "organization_id", "hint"))
_VALUE_MOST: Final = 1000


def changed(before: msgspec.Struct | None, after: msgspec.Struct | None) -> dict[str, object]:
    """By field, what it was and what it is. Of an object that is made or deleted, the fields that say something."""
    shape = after if after is not None else before
    found: dict[str, object] = {}
    for field in () if shape is None else shape.__struct_fields__:
        old, new = getattr(before, field, None), getattr(after, field, None)
        told = bool(old or new) if before is None or after is None else old != new
        if told and field not in _BESIDE:
            found[field] = CHANGED if isinstance(old or new, bytes) else [shown(old), shown(new)]
    return found


def shown(value: object) -> Any:
    """A value as JSON has it; of a very long one, its beginning."""
    plain = msgspec.to_builtins(value)
    text = msgspec.json.encode(plain)
    return plain if len(text) <= _VALUE_MOST else text[:_VALUE_MOST].decode("utf-8", "ignore") + "…"
