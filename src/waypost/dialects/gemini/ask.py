"""What the requests of Google's dialects have in common: the model in the path, names in two spellings."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Onward, PathAsk
from waypost.core.quirks import Quirks
from waypost.dialects.fields import (
    NULL,
    Fields,
    parse_body,
    parse_nested,
    render_fields,
    render_raw,
)
from waypost.dialects.gemini.paths import bare_model
from waypost.dialects.gemini.spelling import Governed, Known, know, spelt
from waypost.dialects.json_limits import JsonLimits
from waypost.errors import InvalidRequest

_UNGOVERNED: frozenset[str] = frozenset()


def read_body(body: bytes, limits: JsonLimits, governed: Governed) -> Known:
    """Raises InvalidRequest and TooLarge."""
    return know(parse_body(body, limits, _UNGOVERNED), governed)


def read_model(path: PathAsk) -> str:
    """The model that the path names. Raises InvalidRequest when there is none."""
    model = bare_model(path.model)
    if not model:
        raise InvalidRequest(
            "The path names no model. Ask /v1beta/models/MODEL:METHOD; GET /v1/models lists the models.",
            param="model",
        )
    return model


def need_items(known: Known, name: str) -> msgspec.Raw:
    """A field that has to be an array with something in it. Raises InvalidRequest."""
    raw = known.get(name)
    text = b"" if raw is None else bytes(raw)
    if raw is None or text[:1] != b"[" or text[1:].lstrip()[:1] == b"]":
        raise InvalidRequest(f"`{name}` has to be an array with at least one element.", param=name)
    return raw


def need_object(known: Known, name: str) -> msgspec.Raw:
    """A field that has to be an object. Raises InvalidRequest."""
    raw = known.get(name)
    if raw is None or bytes(raw)[:1] != b"{":
        raise InvalidRequest(f"`{name}` has to be an object.", param=name)
    return raw


def nested(known: Known, name: str) -> Fields:
    """The fields of an object; none when it is missing or null. Raises InvalidRequest for anything else."""
    raw = known.get(name)
    if raw is None or bytes(raw) == NULL:
        return {}
    try:
        return parse_nested(raw)
    except ValueError:
        raise InvalidRequest(f"`{name}` has to be an object.", param=name) from None


def name_model(fields: Fields, model: str) -> None:
    """An inner request names its model again: the target's."""
    fields["model"] = render_raw(f"models/{bare_model(model)}")


def onward(fields: Fields, quirks: Quirks) -> Onward:
    """The body for one target from the fields that go there. The model is in the path; `quirks.drop` names fields, and
    those of `generationConfig` with a dot."""
    fields.pop("model", None)
    dropped = tuple(name for name in quirks.drop if _drop(fields, name))
    return Onward(render_fields(fields), dropped)


def _drop(fields: Fields, name: str) -> bool:
    outer, dot, inner = name.partition(".")
    key = spelt(fields, outer)
    if key not in fields:
        return False
    if not dot:
        del fields[key]
        return True
    try:
        within = parse_nested(fields[key])
    except ValueError:
        return False
    if within.pop(spelt(within, inner), None) is None:
        return False
    fields[key] = msgspec.Raw(render_fields(within))
    return True
