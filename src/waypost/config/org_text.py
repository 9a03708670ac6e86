"""An organization's file as text: what `waypost export` prints, and `config.org_load` reads back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from waypost.config.org_schema import SECTIONS, OrgFile

#: What stands for itself without quotes, whoever reads the YAML.
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9._@/-]*( [A-Za-z0-9._@/()-]+)*")
_WORDS: Final = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_ESCAPED: Final = {'"': '\\"', "\\": "\\\\"}


def render_org_file(content: OrgFile) -> str:
    """The file. Fields that have their defaults are left out, lists that are empty are not."""
    lines = ["organizations:"]
    for organization in content.organizations:
        lines.append("  - name: " + _scalar(organization.name))
        for field in organization.__struct_fields__:
            value = getattr(organization, field)
            if field in SECTIONS:
                if value is not None:
                    lines += _section(field, value)
            elif field != "name" and not _is_default(organization, field):
                lines.append(f"    {field}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _section(name: str, entries: list[msgspec.Struct]) -> Iterator[str]:
    if not entries:
        yield f"    {name}: []"
        return
    yield f"    {name}:"
    for entry in entries:
        before = "      - "
        for field in entry.__struct_fields__:
            if not _is_default(entry, field):
                yield f"{before}{field}: {_flow(getattr(entry, field))}"
                before = "        "


def _is_default(entry: msgspec.Struct, field: str) -> bool:
    found = next(each for each in msgspec.structs.fields(entry) if each.name == field)
    if found.required:
        return False
    default = found.default if found.default is not msgspec.NODEFAULT else found.default_factory()
    return bool(getattr(entry, field) == default)


def _flow(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    if isinstance(value, msgspec.Struct):
        told = (
            f"{field}: {_flow(getattr(value, field))}"
            for field in value.__struct_fields__
            if not _is_default(value, field)
        )
        return "{" + ", ".join(told) + "}"
    return _scalar(value)


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
