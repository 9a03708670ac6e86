"""Match rules: how a model id that is not listed literally, such as a dated snapshot, finds its entry."""

from __future__ import annotations

import re
from datetime import date

import msgspec

_COMPACT_DAY = re.compile(r"-(20\d{2})(\d{2})(\d{2})(?=-|:|$)")
_SNAPSHOT = re.compile(r"[-@](20\d{2}-?\d{2}-?\d{2})$")


class Rule(msgspec.Struct, frozen=True):
    """One test of a model id in lower case. `kind` is `equals`, `starts`, `ends`, `contains`, `regex`, `and`, `or`."""

    kind: str
    text: str = ""
    parts: tuple[Rule, ...] = ()

    @classmethod
    def parse(cls, raw: object) -> Rule:
        """From `[kind, text]` or `["and" | "or", [rule, …]]`. Raises ValueError for another shape."""
        match raw:
            case [("and" | "or") as kind, list() as parts]:
                return cls(kind, parts=tuple(cls.parse(part) for part in parts))
            case [("equals" | "starts" | "ends" | "contains" | "regex") as kind, str(text)]:
                return cls(kind, text)
        raise ValueError("a match rule is not of a known shape")


def matches(rule: Rule, model: str) -> bool:
    """Whether a model id, given in lower case, passes the rule."""
    text = rule.text
    match rule.kind:
        case "equals":
            return model == text
        case "starts":
            return model.startswith(text)
        case "ends":
            return model.endswith(text)
        case "contains":
            return text in model
        case "regex":
            return re.search(text, model) is not None
        case "and":
            return all(matches(part, model) for part in rule.parts)
    return any(matches(part, model) for part in rule.parts)


def dash_compact_day(model: str) -> str:
    """`x-20251211` as `x-2025-12-11`, when the digits are a day; otherwise the id as it is."""

    def dashed(found: re.Match[str]) -> str:
        year, month, day = (int(part) for part in found.groups())
        return found.group(0) if not _is_day(year, month, day) else f"-{year:04d}-{month:02d}-{day:02d}"

    return _COMPACT_DAY.sub(dashed, model)


def undated(model: str) -> str | None:
    """The family of a dated snapshot: `gpt-4o-2024-11-20` gives `gpt-4o`. None when there is no day at the end."""
    found = _SNAPSHOT.search(model)
    if found is None:
        return None
    digits = found.group(1).replace("-", "")
    if not _is_day(int(digits[:4]), int(digits[4:6]), int(digits[6:])):
        return None
    return model[: found.start()] or None


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
