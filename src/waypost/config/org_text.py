"""An organization's file as text: what `waypost export` prints, and `config.org_load` reads back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from waypost.config.org_schema import SECTIONS, OrganizationConfig, OrgFile

#: What stands for itself without quotes, whoever reads the YAML.
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9._@/-]*( [A-Za-z0-9._@/()-]+)*")
_WORDS: Final = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_ESCAPED: Final = {'"': '\\"', "\\": "\\\\"}


def render_org_file(content: OrgFile) -> str:
    """The file. Fields that have their defaults are left out, lists that are empty are not."""
    lines = ["organizations:"]
    defaults = _defaults(OrganizationConfig)
    for organization in content.organizations:
        lines.append("  - name: " + _scalar(organization.name))
        for field in organization.__struct_fields__:
            value = getattr(organization, field)
            if field in SECTIONS:
                if value is not None:
                    lines += _section(field, value)
            elif field != "name" and value != defaults[field]:
                lines.append(f"    {field}: {render_flow(value)}")
    return "\n".join(lines) + "\n"


def _section(name: str, entries: list[msgspec.Struct]) -> Iterator[str]:
    if not entries:
        yield f"    {name}: []"
        return
    yield f"    {name}:"
    defaults = _defaults(type(entries[0]))
    for entry in entries:
        before = "      - "
        for field in sorted(entry.__struct_fields__, key=_by_name):
            value = getattr(entry, field)
            if field not in defaults or value != defaults[field]:
                yield f"{before}{field}: {render_flow(value)}"
                before = "        "


def _by_name(field: str) -> bool:
    """The name comes first; everything else in its order."""
    return field != "name"


def _defaults(kind: type[msgspec.Struct]) -> dict[str, object]:
    """What fields are when they are left out; of those that may be."""
    return {
        each.name: each.default if each.default is not msgspec.NODEFAULT else each.default_factory()
        for each in msgspec.structs.fields(kind)
        if not each.required
    }


def render_flow(value: object) -> str:
    """One value, on one line."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(render_flow(each) for each in value) + "]"
    if isinstance(value, msgspec.Struct):
        defaults = _defaults(type(value))
        fields = {field: getattr(value, field) for field in value.__struct_fields__}
        value = {
            field: told for field, told in fields.items() if field not in defaults or told != defaults[field]
        }
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {render_flow(each)}" for key, each in value.items()) + "}"
    return "null" if value is None else _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return '"' + "".join(map(_quoted, text)) + '"'


def _quoted(char: str) -> str:
    if char in _ESCAPED:
        return _ESCAPED[char]
    return char if char.isprintable() else f"\\U{ord(char):08X}"
