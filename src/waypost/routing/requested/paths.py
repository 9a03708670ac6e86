"""Paths into a body, as `drop_params` writes them: `a.b`, `tools[0].x`, `tools[*].x`."""

from __future__ import annotations

import re

import msgspec

from waypost.dialects.fields import Fields, parse_nested, render_fields

#: A name, or what stands in brackets behind one: a place, or None for every place.
Step = str | int | None

_STEPS_MAX = 16
_PART = re.compile(r"([^.\[\]]+)((?:\[(?:\d{1,6}|\*)\])*)")
_PLACE = re.compile(r"\[(\d+|\*)\]")
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_ENCODER = msgspec.json.Encoder()


def parse_path(text: str) -> tuple[Step, ...]:
    """Raises ValueError for what is no path. The first step is always a name."""
    steps: list[Step] = []
    for part in text[:1024].split("."):
        found = _PART.fullmatch(part)
        if found is None:
            raise ValueError(f"{text[:64]!r} is not a path such as a.b or tools[*].x")
        steps.append(found[1])
        steps += (None if place == "*" else int(place) for place in _PLACE.findall(found[2]))
    if len(steps) > _STEPS_MAX:
        raise ValueError(f"{text[:64]!r} goes deeper than {_STEPS_MAX} steps")
    return tuple(steps)


def without(fields: Fields, steps: tuple[Step, ...]) -> Fields:
    """The object without what a path leads to; the object itself where that leads nowhere. Other values keep their
    own bytes."""
    name, rest = steps[0], steps[1:]
    raw = fields.get(name) if isinstance(name, str) else None
    if raw is None or not isinstance(name, str):
        return fields
    if not rest:
        return {key: value for key, value in fields.items() if key != name}
    changed = _inside(raw, rest)
    return fields if changed is raw else {**fields, name: changed}


def _inside(raw: msgspec.Raw, steps: tuple[Step, ...]) -> msgspec.Raw:
    try:
        if isinstance(steps[0], str):
            fields = parse_nested(raw)
            left = without(fields, steps)
            return raw if left is fields else msgspec.Raw(render_fields(left))
        return _inside_items(_ITEMS.decode(raw), steps)
    except msgspec.ValidationError:
        return raw  # it is no object, or no array: the path leads nowhere


def _inside_items(items: list[msgspec.Raw], steps: tuple[Step, ...]) -> msgspec.Raw:
    place, rest = steps[0], steps[1:]
    chosen = range(len(items)) if place is None else [place] if isinstance(place, int) else []
    if not rest:
        left = [item for index, item in enumerate(items) if index not in chosen]
    else:
        left = [_inside(item, rest) if index in chosen else item for index, item in enumerate(items)]
    return msgspec.Raw(_ENCODER.encode(left))
