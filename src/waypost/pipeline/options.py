"""What a client asks of the gateway itself, beside what it asks of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

from waypost.core.asked import Asked
from waypost.errors import InvalidRequest

#: The body's own object; it never goes to a provider.
FIELD = "waypost"
ON_LOSS = b"x-waypost-on-loss"

OnLoss = Literal["refuse", "drop"]


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `waypost` object of a request's body. A header of the same meaning wins over it."""

    on_loss: OnLoss = "refuse"
    """What happens to content and tools that a target of another dialect has no form for: `refuse` the request and
    name the part, or `drop` the part and name it in `x-waypost-dropped`."""


_OPTIONS = msgspec.json.Decoder(Options)
_NONE = Options()


def read_options(asked: Asked, headers: Mapping[bytes, bytes]) -> Asked:
    """Take the gateway's own options out of a request. Raises InvalidRequest, naming the field or header."""
    options = _NONE
    if FIELD in asked.fields:
        options = _read_field(asked.fields.pop(FIELD))
    said = headers.get(ON_LOSS)
    drop = options.on_loss == "drop" if said is None else _read_header(said) == "drop"
    return msgspec.structs.replace(asked, drop_content=True) if drop else asked


def _read_field(raw: msgspec.Raw) -> Options:
    try:
        return _OPTIONS.decode(raw)
    except msgspec.ValidationError as fault:
        raise InvalidRequest(
            f"`{FIELD}` is not what it has to be: {fault}. It takes {', '.join(Options.__struct_fields__)}.",
            param=FIELD,
        ) from None


def _read_header(said: bytes) -> str:
    word = said.strip().lower().decode("latin-1")
    if word not in get_args(OnLoss):
        raise InvalidRequest(
            f"The header {ON_LOSS.decode()} has to be {' or '.join(get_args(OnLoss))}.",
            param=ON_LOSS.decode(),
        )
    return word
