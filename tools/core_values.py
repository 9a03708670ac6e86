"""Values of the core from sparse JSON, as golden cases are written in.

A field that has its default may be left out; one that a value does not have is an error. Usage is an object, raw JSON
is written as it is, an event has the name of its class as `event`. msgspec reads none of these from the core's types.
"""

from __future__ import annotations

from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from waypost.core.events import Event

_EVENTS: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Event)}


def event_of(value: dict[str, Any]) -> Event:
    """One event. Raises ValueError as `built` does, and KeyError for an event that there is not."""
    fields = dict(value)
    event: Event = built(fields, _EVENTS[fields.pop("event")])
    return event


def built(value: Any, hint: Any, where: str = "case") -> Any:
    """A value of this type. Raises ValueError, naming the place, for what does not fit."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return _one_of(value, get_args(hint), where)
    if hint is msgspec.Raw:
        return msgspec.Raw(msgspec.json.encode(value))
    if origin is tuple:
        [inner, _] = get_args(hint)
        return tuple(built(each, inner, f"{where}[{number}]") for number, each in enumerate(value))
    if origin is dict:
        inner = get_args(hint)[1]
        return {name: built(each, inner, f"{where}.{name}") for name, each in value.items()}
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _struct(value, hint, where)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        raise ValueError(f"{where}: {error}") from None


def _one_of(value: Any, arms: tuple[Any, ...], where: str) -> Any:
    if value is None and type(None) in arms:
        return None
    structs = [arm for arm in arms if isinstance(arm, type) and issubclass(arm, msgspec.Struct)]
    if not structs:
        [only] = [arm for arm in arms if arm is not type(None)]
        return built(value, only, where)
    tag = value.get("type")
    for arm in structs:
        fits = (
            tag == arm.__struct_config__.tag if tag is not None else set(value) <= set(arm.__struct_fields__)
        )
        if fits:
            return _struct({name: each for name, each in value.items() if name != "type"}, arm, where)
    raise ValueError(f"{where} is none of {', '.join(arm.__name__ for arm in structs)}")


def _struct(value: dict[str, Any], kind: type[msgspec.Struct], where: str) -> Any:
    hints = get_type_hints(kind)
    for name in value:
        if name not in kind.__struct_fields__:
            raise ValueError(f"{where}.{name}: a {kind.__name__} has no such field")
    try:
        return kind(**{name: built(each, hints[name], f"{where}.{name}") for name, each in value.items()})
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from None
