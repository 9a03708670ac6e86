"""What a node of a route says of the targets below it: what they have to be, and what a request is changed to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from waypost.config.faults import Faults
from waypost.config.nodes import MaxPrice, Need, Overlay
from waypost.config.problems import Path
from waypost.config.route_schema import NeedConfig, NodeConfig
from waypost.config.values import parse_duration
from waypost.core.money import parse_usd

#: Fields of the body that say what is asked of whom.
_FIXED: Final = ("model", "stream")
#: And those that were read before a target was chosen, let a provider go to models that the gateway does not see, or
#: say whose conversation is gone on with: only the operator sets them. In small letters: some providers do not tell
#: cases.
DECIDED: Final = frozenset(
    (
        *_FIXED,
        *("models", "fallbacks", "provider", "route", "waypost", "preset", "plugins"),
        *("background", "store", "previous_response_id", "conversation"),
    )
)
_STEPS_MAX: Final = 16
_PATH: Final = re.compile(r"[^.\[\]]+(\[(\d{1,6}|\*)\])*(\.[^.\[\]]+(\[(\d{1,6}|\*)\])*)*")
_JSON: Final = msgspec.json.Encoder(decimal_format="number")
_NO_OVERLAY: Final = Overlay()
_NO_NEED: Final = Need()


def build_overlay(config: NodeConfig, path: Path, faults: Faults) -> Overlay | None:
    """What a leaf changes of a request; None for nothing."""
    for field in ("default", "set"):
        for name in getattr(config, field) or ():
            if name in _FIXED:
                faults.add(
                    (*path, field, name), f"`{name}` can not be set here", hint="`target` says what is asked."
                )
    drop = tuple(config.drop or ())
    for place, name in enumerate(drop):
        if name in _FIXED:
            faults.add((*path, "drop", place), f"`{name}` can not be left out")
        if not _PATH.fullmatch(name[:1024]) or name.count(".") + name.count("[") >= _STEPS_MAX:
            faults.add(
                (*path, "drop", place),
                "this is no path into a body",
                expected=f"a path of up to {_STEPS_MAX} steps, such as a.b, tools[0].x or tools[*].x",
            )
    overlay = Overlay(
        default=_raw(config.default),
        override=_raw(config.set),
        drop=drop,
        timeout_s=None if config.timeout is None else parse_duration(config.timeout),
        retries=config.retries,
        retry_on=None if config.retry_on is None else frozenset(config.retry_on),
        fallback_on=None if config.fallback_on is None else frozenset(config.fallback_on),
    )
    return None if overlay == _NO_OVERLAY else overlay


def build_need(config: NeedConfig | None) -> Need | None:
    """What a target has to be; None where anything will do."""
    if config is None:
        return None
    most = config.max_price
    need = Need(
        features=frozenset(config.features),
        context=config.context,
        max_price=None
        if most is None
        else MaxPrice(*map(_nano, (most.input, most.output, most.request, most.image, most.audio))),
        regions=frozenset(config.regions),
        no_training=config.no_training,
        zero_retention=config.zero_retention,
        quantizations=frozenset(config.quantizations),
        only=tuple(config.only),
        ignore=tuple(config.ignore),
    )
    return None if need == _NO_NEED else need


def _nano(dollars: Decimal | None) -> int | None:
    return None if dollars is None else parse_usd(dollars)


def _raw(fields: Mapping[str, object] | None) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(_JSON.encode(value)) for name, value in (fields or {}).items()}
