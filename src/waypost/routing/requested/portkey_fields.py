"""The fields of one level of a Portkey config, read and checked.

https://portkey.ai/docs/api-reference/inference-api/config-object (2026-08-21)
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Literal, TypeVar, get_args

import msgspec

from waypost.config.leaves import DECIDED
from waypost.config.nodes import Overlay
from waypost.dialects.fields import NULL, Fields, parse_nested
from waypost.errors import InvalidRequest
from waypost.routing.requested.overlay import FIXED
from waypost.routing.requested.paths import parse_path

HEADER: Final = "x-portkey-config"
Mode = Literal["single", "fallback", "loadbalance", "conditional"]

#: After which Portkey asks the same target again, where a config does not say.
RETRIED: Final = frozenset((429, 500, 502, 503, 504, 529))
#: As Portkey documents it.
_RETRIES_MAX = 5
_TIMEOUT_MAX_MS = 86_400_000
_CODES_MAX = 64
_WEIGHT_MAX = Decimal(1_000_000)
_WEIGHT_STEP = 1_000_000
_NAME_MAX = 256
_DROPS_MAX = 64
_PARAMS_MAX = 64

_READ: Final = frozenset(
    (
        "strategy", "targets", "name", "provider", "virtual_key", "weight", "retry", "request_timeout",
        "override_params", "default_params", "drop_params",
    )
)  # fmt: skip
#: Taken without an effect, and why.
_IDLE: Final = {
    "cache": "`cache`: answers are not cached here",
    "cb_config": "`cb_config`: the gateway's own breaker watches every target",
    "strict_open_ai_compliance": "`strict_open_ai_compliance`: a provider's more than OpenAI's fields always pass",
    "fetch_integrated_models": "`fetch_integrated_models`: this is about lists of models only",
    "passthrough": "`passthrough`: a target without a provider always takes it from the request",
}
#: Refused unless empty: without them an answer would be another than was asked for.
_ABSENT: Final = {
    "input_guardrails": "guardrails are not part of this version",
    "output_guardrails": "guardrails are not part of this version",
    "before_request_hooks": "guardrails are not part of this version",
    "after_request_hooks": "guardrails are not part of this version",
    "input_mutators": "they are not part of this version",
    "output_mutators": "they are not part of this version",
    "prompt_id": "prompts are not kept here: send the messages",
    "forward_headers": "which headers go to a provider is not a client's choice",
    "custom_host": "where requests go is configured by the operator: name a configured `provider`",
}
_CREDENTIALS: Final = frozenset(
    (
        "api_key", "resource_name", "deployment_id", "deployments", "api_version", "workers_ai_account_id",
        "huggingface_base_url", "snowflake_account", "databricks_workspace", "fireworks_account_id",
        "mistral_fim_completion", "authorization",
    )
)  # fmt: skip
_CREDENTIAL_STARTS: Final = (
    "azure_", "aws_", "vertex_", "openai_", "oracle_", "stability_", "amzn_", "anthropic_", "databricks_",
)  # fmt: skip
_EMPTY = (b"null", b"[]", b"{}", b'""', b"false")

_T = TypeVar("_T")
_TEXT = msgspec.json.Decoder(str)
_FLAG = msgspec.json.Decoder(bool)
_WHOLE = msgspec.json.Decoder(int)
_WHOLES = msgspec.json.Decoder(list[int])
_TEXTS = msgspec.json.Decoder(list[str])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_DECIMAL = msgspec.json.Decoder(Decimal)


class Level:
    """One object of a config. `path` is where it stands, for errors. Fields that are null are not there."""

    def __init__(self, raw: msgspec.Raw, path: str) -> None:
        """Raises InvalidRequest."""
        try:
            fields = parse_nested(raw)
        except (ValueError, RecursionError):
            raise wrong(path, "has to be an object") from None
        self.fields: Fields = {name: value for name, value in fields.items() if bytes(value) != NULL}
        self.path = path

    def check(self) -> list[str]:
        """Refuses what is not known or not taken; the notes about what has no effect. Raises InvalidRequest."""
        notes: list[str] = []
        for name, raw in self.fields.items():
            if name in _READ:
                continue
            if name in _IDLE:
                notes.append(_IDLE[name])
            elif name in _ABSENT:
                if bytes(raw) not in _EMPTY:
                    raise wrong(f"{self.path}.{name}", f"can not be set: {_ABSENT[name]}")
            elif name in _CREDENTIALS or name.startswith(_CREDENTIAL_STARTS):
                raise wrong(
                    f"{self.path}.{name[:64]}",
                    "can not be set: credentials are the operator's. Name a configured `provider` in its place",
                )
            else:
                raise wrong(f"{self.path}.{name[:64]}", "is not known here")
        return notes

    def only(self, *known: str) -> None:
        """Raises InvalidRequest for any other field."""
        for name in self.fields:
            if name not in known:
                raise wrong(f"{self.path}.{name[:64]}", f"is not one of {', '.join(known)}")

    def level(self, name: str) -> Level | None:
        raw = self.fields.get(name)
        return None if raw is None else Level(raw, f"{self.path}.{name}")

    def items(self, name: str) -> list[msgspec.Raw]:
        return self._read(_ITEMS, name, "has to be an array") or []

    def text(self, name: str) -> str | None:
        said = self._read(_TEXT, name, "has to be a text")
        if said is not None and not 0 < len(said) <= _NAME_MAX:
            raise wrong(f"{self.path}.{name}", f"has to have 1 to {_NAME_MAX} characters")
        return said

    def texts(self, name: str) -> list[str]:
        return self._read(_TEXTS, name, "has to be an array of texts") or []

    def flag(self, name: str) -> bool | None:
        return self._read(_FLAG, name, "has to be true or false")

    def whole(self, name: str, low: int, high: int) -> int | None:
        said = self._read(_WHOLE, name, "has to be a whole number")
        if said is not None and not low <= said <= high:
            raise wrong(f"{self.path}.{name}", f"has to be from {low} to {high}")
        return said

    def codes(self, name: str) -> frozenset[int] | None:
        """HTTP statuses."""
        said = self._read(_WHOLES, name, "has to be an array of HTTP statuses")
        if said is None:
            return None
        if len(said) > _CODES_MAX or not all(100 <= code <= 599 for code in said):
            raise wrong(f"{self.path}.{name}", f"has to be up to {_CODES_MAX} HTTP statuses")
        return frozenset(said)

    def weight(self) -> int:
        """In millionths; 0: takes nothing."""
        said = self._read(_DECIMAL, "weight", "has to be a number")
        if said is None:
            return _WEIGHT_STEP
        if not said.is_finite() or not 0 <= said <= _WEIGHT_MAX:
            raise wrong(f"{self.path}.weight", f"has to be from 0 to {_WEIGHT_MAX}")
        parts = int((said * _WEIGHT_STEP).to_integral_value(ROUND_HALF_EVEN))
        return parts or (1 if said else 0)

    def mode(self) -> Mode:
        said = self.text("mode")
        for mode in get_args(Mode):
            if said == mode:
                return mode  # type: ignore[no-any-return]
        raise wrong(f"{self.path}.mode", f"has to be one of {', '.join(get_args(Mode))}")

    def _read(self, decoder: msgspec.json.Decoder[_T], name: str, why: str) -> _T | None:
        raw = self.fields.get(name)
        if raw is None:
            return None
        try:
            return decoder.decode(raw)
        except (ValueError, RecursionError):
            raise wrong(f"{self.path}.{name}", why) from None


class Asks(msgspec.Struct, frozen=True):
    """What a level says of the requests to the targets below it."""

    overlay: Overlay = Overlay()
    model: str | None = None

    def beside(self, level: Level) -> Asks:
        """With what a level below says: fields of `override_params` and `default_params` one by one, `retry` and
        `request_timeout` as a whole, `drop_params` in addition. Raises InvalidRequest."""
        above = self.overlay
        retries, retry_on = _retry(level.level("retry"), above)
        timeout_ms = level.whole("request_timeout", 1, _TIMEOUT_MAX_MS)
        override, model = _params(level, "override_params")
        default, _ = _params(level, "default_params")
        return Asks(
            Overlay(
                default={**above.default, **default},
                override={**above.override, **override},
                drop=above.drop + _drops(level),
                timeout_s=above.timeout_s if timeout_ms is None else timeout_ms / 1000,
                retries=retries,
                retry_on=retry_on,
            ),
            model or self.model,
        )


def _retry(retry: Level | None, above: Overlay) -> tuple[int | None, frozenset[int] | None]:
    if retry is None:
        return above.retries, above.retry_on
    retry.only("attempts", "on_status_codes", "use_retry_after_header", "use_retry_after_headers")
    retry.flag("use_retry_after_header")
    retry.flag("use_retry_after_headers")
    codes = retry.codes("on_status_codes")
    return retry.whole("attempts", 0, _RETRIES_MAX) or 0, RETRIED if codes is None else codes


def _params(level: Level, name: str) -> tuple[Fields, str | None]:
    params = level.level(name)
    if params is None:
        return {}, None
    if len(params.fields) > _PARAMS_MAX:
        raise wrong(params.path, f"may have {_PARAMS_MAX} fields")
    model = params.text("model")
    for field in params.fields:
        if field != "model" and field.casefold() in DECIDED:
            raise wrong(f"{params.path}.{field[:64]}", "can not be changed by a config. Send it in the body")
    return {field: raw for field, raw in params.fields.items() if field != "model"}, model


def _drops(level: Level) -> tuple[str, ...]:
    paths = level.texts("drop_params")
    if len(paths) > _DROPS_MAX:
        raise wrong(f"{level.path}.drop_params", f"may have {_DROPS_MAX} paths")
    for place, path in enumerate(paths):
        try:
            first = parse_path(path)[0]
        except ValueError as fault:
            raise wrong(f"{level.path}.drop_params[{place}]", f"is not what it has to be: {fault}") from None
        if first in FIXED:
            raise wrong(f"{level.path}.drop_params[{place}]", "can not be dropped")
    return tuple(paths)


def wrong(path: str, why: str) -> InvalidRequest:
    """The error for one field. `why` goes on from its name."""
    return InvalidRequest(f"`{path}` {why}.", param=path)


def named(levels: Sequence[Level]) -> dict[str, int]:
    """Places of targets by their `name`; the first of two. Raises InvalidRequest."""
    found: dict[str, int] = {}
    for place, level in enumerate(levels):
        name = level.text("name")
        if name is not None:
            found.setdefault(name, place)
    return found
