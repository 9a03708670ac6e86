"""What a client asks of the gateway itself, beside what it asks of a model."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

from waypost.config.values import parse_duration
from waypost.core.asked import Asked
from waypost.errors import InvalidRequest
from waypost.routing.requested.wishes import IDENTITY_MAX, NO_WISHES, Wishes

#: The body's own object; it never goes to a provider.
FIELD = "waypost"
ON_LOSS = b"x-waypost-on-loss"
ROUTE = b"x-waypost-route"
USER = b"x-waypost-user"
SESSION = b"x-waypost-session"
TRACE = b"x-waypost-trace"
METADATA = b"x-waypost-metadata"
CONTINUE = b"x-waypost-continue-on-failure"
HEDGE = b"x-waypost-hedge"
DEADLINE = b"x-waypost-deadline"
#: Portkey's, with the same meanings: https://portkey.ai/docs/api-reference/inference-api/headers (2026-08-21).
PORTKEY_CONFIG = b"x-portkey-config"
PORTKEY_PROVIDER = b"x-portkey-provider"
PORTKEY_VIRTUAL_KEY = b"x-portkey-virtual-key"
PORTKEY_METADATA = b"x-portkey-metadata"
PORTKEY_TRACE = b"x-portkey-trace-id"
#: What could send a request, and the gateway's credentials with it, to a place that a client names.
_REFUSED = (b"x-portkey-custom-host", b"x-portkey-forward-headers")

_READ = frozenset(
    (
        ON_LOSS, ROUTE, USER, SESSION, TRACE, METADATA, CONTINUE, HEDGE, DEADLINE,
        PORTKEY_CONFIG, PORTKEY_PROVIDER, PORTKEY_VIRTUAL_KEY, PORTKEY_METADATA, PORTKEY_TRACE, *_REFUSED,
    )
)  # fmt: skip

_METADATA_MAX = 32
_METADATA_NAME_MAX = 64
_METADATA_VALUE_MAX = 512
_DEADLINE_MAX_S = 86_400.0
_HEDGE_MAX_S = 600.0
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)
_FLAGS = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}
_TEXTS = msgspec.json.Decoder(dict[str, str])

OnLoss = Literal["refuse", "drop"]
Hedge = float | Literal["auto", "off"]


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `waypost` object of a request's body. A header of the same meaning wins over it."""

    on_loss: OnLoss = "refuse"
    """What happens to content and tools that a target of another dialect has no form for: `refuse` the request and
    name the part, or `drop` the part and name it in `x-waypost-dropped`."""
    route: str | None = None
    """The named route to take, whatever `model` says."""
    user: str | None = None
    """Who asks, for sticky draws, conditions and the log."""
    session: str | None = None
    """The conversation that this belongs to, likewise."""
    trace: str | None = None
    """The trace that this belongs to, likewise."""
    metadata: dict[str, str] | None = None
    """More names and values for conditions and the log."""
    continue_on_failure: bool = False
    """When an answer breaks off in its middle, have another target go on from the text so far."""
    hedge: bool | float | Literal["auto"] | None = None
    """`false`: never ask a second target at the same time. Seconds, or `"auto"`: do, after so long."""
    deadline: float | str | None = None
    """Seconds, or a duration such as `"1m30s"`, for the whole exchange."""


_OPTIONS = msgspec.json.Decoder(Options)
_NONE = Options()


def read_options(asked: Asked, headers: Mapping[bytes, bytes]) -> tuple[Asked, Wishes]:
    """Take the gateway's own options out of a request. Raises InvalidRequest, naming the field or header."""
    if FIELD not in asked.fields:
        if _READ.isdisjoint(headers):
            return asked, NO_WISHES
        options = _NONE
    else:
        options = _read_field(asked.fields.pop(FIELD))
    for name in _REFUSED:
        if name in headers:
            raise _wrong(name, "is not taken: where requests go is configured by the operator. Leave it out.")
    said = headers.get(ON_LOSS)
    drop = options.on_loss == "drop" if said is None else _read_on_loss(said) == "drop"
    wishes = _wishes(options, headers)
    continues = wishes.continue_on_failure
    if drop or continues:
        asked = msgspec.structs.replace(asked, drop_content=drop, continues=continues)
    return asked, NO_WISHES if wishes == NO_WISHES else wishes


def _wishes(options: Options, headers: Mapping[bytes, bytes]) -> Wishes:
    metadata = _metadata(options, headers)
    route, hedge, deadline = headers.get(ROUTE), headers.get(HEDGE), headers.get(DEADLINE)
    pinned = PORTKEY_PROVIDER if PORTKEY_PROVIDER in headers else PORTKEY_VIRTUAL_KEY
    continued = headers.get(CONTINUE)
    return Wishes(
        route=_identity(options.route, headers, ROUTE),
        route_from=f"{FIELD}.route" if route is None and options.route is not None else ROUTE.decode(),
        config=headers.get(PORTKEY_CONFIG),
        provider=_provider(headers, pinned),
        user=_identity(options.user, headers, USER) or _special(metadata, "_user"),
        session=_identity(options.session, headers, SESSION),
        trace=_identity(options.trace, headers, TRACE) or _identity(None, headers, PORTKEY_TRACE),
        metadata=metadata,
        continue_on_failure=options.continue_on_failure if continued is None else _read_flag(continued),
        hedge=_field_hedge(options.hedge) if hedge is None else _header_hedge(hedge),
        deadline_s=_field_deadline(options.deadline) if deadline is None else _header_deadline(deadline),
    )


def _read_field(raw: msgspec.Raw) -> Options:
    try:
        return _OPTIONS.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as fault:
        words = str(fault) if isinstance(fault, msgspec.MsgspecError) else "it nests too deep"
        raise InvalidRequest(
            f"`{FIELD}` is not what it has to be: {words}. It takes {', '.join(Options.__struct_fields__)}.",
            param=FIELD,
        ) from None


def _read_on_loss(said: bytes) -> str:
    word = _text(said).lower()
    if word not in get_args(OnLoss):
        raise _wrong(ON_LOSS, f"has to be {' or '.join(get_args(OnLoss))}.")
    return word


def _identity(field: str | None, headers: Mapping[bytes, bytes], header: bytes) -> str | None:
    """A name for somebody or something; the header's, if it is there."""
    said = headers.get(header)
    if said is not None:
        text = _text(said)
    elif field is not None:
        text = field.strip()
    else:
        return None
    if not text or len(text) > IDENTITY_MAX:
        named = f"{FIELD}.{header.decode().rpartition('-')[2]}" if said is None else header.decode()
        raise InvalidRequest(f"`{named}` has to have 1 to {IDENTITY_MAX} characters.", param=named)
    return text


def _provider(headers: Mapping[bytes, bytes], header: bytes) -> str | None:
    said = _identity(None, headers, header)
    return None if said is None else said.removeprefix("@")


def _special(metadata: Mapping[str, str], name: str) -> str | None:
    """Names that Portkey gives a meaning."""
    return metadata[name][:IDENTITY_MAX] or None if name in metadata else None


def _metadata(options: Options, headers: Mapping[bytes, bytes]) -> Mapping[str, str]:
    header = METADATA if METADATA in headers else PORTKEY_METADATA
    said = headers.get(header)
    if said is None:
        found, named = options.metadata or {}, f"{FIELD}.metadata"
    else:
        named = header.decode()
        try:
            found = _TEXTS.decode(said)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise _wrong(header, "has to be a JSON object of strings.") from None
    if len(found) > _METADATA_MAX:
        raise InvalidRequest(f"`{named}` has more than {_METADATA_MAX} names. Send fewer.", param=named)
    for name, value in found.items():
        if not 0 < len(name) <= _METADATA_NAME_MAX or len(value) > _METADATA_VALUE_MAX:
            raise InvalidRequest(
                f"A name in `{named}` may have 1 to {_METADATA_NAME_MAX} characters and a value up to "
                f"{_METADATA_VALUE_MAX}: {name[:_METADATA_NAME_MAX]!r} is not so.",
                param=named,
            )
    return found


def _read_flag(said: bytes) -> bool:
    flag = _FLAGS.get(_text(said).lower())
    if flag is None:
        raise _wrong(CONTINUE, "has to be true or false.")
    return flag


def _field_hedge(said: bool | float | str | None) -> Hedge | None:
    if said is None:
        return None
    if said is False:
        return "off"
    if said == "auto":
        return "auto"
    if said is True or isinstance(said, str) or not 0 < said <= _HEDGE_MAX_S:
        raise InvalidRequest(
            f'`{FIELD}.hedge` has to be false, "auto", or more than 0 and up to {_HEDGE_MAX_S:.0f} seconds.',
            param=f"{FIELD}.hedge",
        )
    return float(said)


def _header_hedge(said: bytes) -> Hedge:
    word = _text(said).lower()
    if word == "auto":
        return "auto"
    if word in ("false", "off"):
        return "off"
    seconds = _seconds(word)
    if seconds is None or not 0 < seconds <= _HEDGE_MAX_S:
        raise _wrong(HEDGE, f"has to be false, auto, or up to {_HEDGE_MAX_S:.0f} seconds.")
    return seconds


def _field_deadline(said: float | str | None) -> float | None:
    if said is None:
        return None
    seconds = _seconds(said) if isinstance(said, str) else said
    if seconds is None or not 0 < seconds <= _DEADLINE_MAX_S:
        raise InvalidRequest(
            f"`{FIELD}.deadline` has to be more than 0 and up to {_DEADLINE_MAX_S:.0f} seconds, such as 30 or "
            '"1m30s".',
            param=f"{FIELD}.deadline",
        )
    return seconds


def _header_deadline(said: bytes) -> float:
    seconds = _seconds(_text(said))
    if seconds is None or not 0 < seconds <= _DEADLINE_MAX_S:
        raise _wrong(DEADLINE, f"has to be up to {_DEADLINE_MAX_S:.0f} seconds, such as 30 or 1m30s.")
    return seconds


def _seconds(text: str) -> float | None:
    """`"90"`, `"1.5"` or `"1m30s"`; None for anything else."""
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        seconds = parse_duration(text[:64])
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _text(said: bytes) -> str:
    """A header's value; what is no UTF-8 is read as Latin-1, as HTTP has it."""
    try:
        return said.decode().strip()
    except UnicodeDecodeError:
        return said.decode("latin-1").strip()


def _wrong(header: bytes, why: str) -> InvalidRequest:
    return InvalidRequest(f"The header {header.decode()} {why}", param=header.decode())
