"""What of `additionalModelRequestFields` the core has a word for. What it has none for stays as it is.

The fields that were read are kept in the request's `form`, so that this dialect writes them again as they were, as
long as they still say what the request says.
"""

from __future__ import annotations

import msgspec

from waypost.core.request import ChatRequest, Effort
from waypost.dialects.bedrock_converse.own import Taking
from waypost.dialects.fields import Fields
from waypost.dialects.taking import INTEGER, TEXT, object_or_none

_EFFORT: msgspec.json.Decoder[Effort] = msgspec.json.Decoder(Effort)
_SHOWN = {"summarized": True, "omitted": False}
_TOP_K = ("top_k", "k")


class Settings(msgspec.Struct, frozen=True):
    """The core's settings that a model is told in fields of its own."""

    top_k: int | None = None
    effort: Effort | None = None
    budget: int | None = None
    shown: bool | None = None


class Written(msgspec.Struct, frozen=True):
    """How the client wrote them: fields of `additionalModelRequestFields`, and the effort of `outputConfig`."""

    fields: Fields = {}
    effort: bool = False


_WRITTEN = msgspec.json.Decoder(Written)


def settings_of(request: ChatRequest) -> Settings:
    """What the request says now."""
    return Settings(request.sampling.top_k, request.effort, request.thinking_budget, request.show_thinking)


def read_form(form: str) -> Written:
    """The way of writing that `write_form` kept."""
    return _WRITTEN.decode(form) if form else Written()


def write_form(written: Written) -> str:
    """For `Extras.form`; "" when there is nothing to keep."""
    return msgspec.json.encode(written).decode() if written.fields or written.effort else ""


def read_settings(fields: Fields, native: Effort | None) -> tuple[Settings, Fields, Fields]:
    """The settings, the fields that said them, and the rest. `native`: the effort of `outputConfig`, if it has one."""
    taking = Taking(fields)
    top_k = _take_top_k(taking)
    budget, shown = _take_thinking(taking)
    effort = native or _take_effort(taking)
    if effort is not None and budget == -1:
        budget = None  # the model decides, with this effort
    told = {name: raw for name, raw in fields.items() if name not in taking.rest}
    return Settings(top_k, effort, budget, shown), told, taking.rest


def _take_top_k(taking: Taking) -> int | None:
    for name in _TOP_K:
        found = taking.take(name, INTEGER)
        if found is not None:
            return found
    inner = object_or_none(taking.rest.get("inferenceConfig"))
    if inner is not None and inner.keys() == {"topK"}:
        found = Taking(inner).take("topK", INTEGER)
        if found is not None:
            del taking.rest["inferenceConfig"]
        return found
    return None


def _take_thinking(taking: Taking) -> tuple[int | None, bool | None]:
    """Claude's `thinking`: the budget (0 off, -1 as the model likes), and whether it is shown."""
    inner = Taking(object_or_none(taking.rest.get("thinking")) or {})
    kind, display = inner.take("type", TEXT), inner.take("display", TEXT)
    budget = inner.take("budget_tokens", INTEGER)
    if inner.rest or (display is not None and display not in _SHOWN):
        return None, None
    if kind == "disabled" and budget is None:
        budget = 0
    elif kind == "adaptive" and budget is None:
        budget = -1
    elif kind != "enabled" or budget is None or budget <= 0:
        return None, None
    del taking.rest["thinking"]
    return budget, None if display is None else _SHOWN[display]


def _take_effort(taking: Taking) -> Effort | None:
    effort = taking.take("reasoning_effort", _EFFORT)
    if effort is not None:
        return effort
    nova = Taking(object_or_none(taking.rest.get("reasoningConfig")) or {})
    kind, effort = nova.take("type", TEXT), nova.take("maxReasoningEffort", _EFFORT)
    if not nova.rest and (
        (kind == "enabled" and effort is not None) or (kind == "disabled" and effort is None)
    ):
        del taking.rest["reasoningConfig"]
        return effort or "none"
    raw = taking.rest.get("output_config")
    inner = object_or_none(raw)
    if inner is None or inner.keys() != {"effort"}:
        return None
    effort = Taking(inner).take("effort", _EFFORT)
    if effort is not None:
        del taking.rest["output_config"]
    return effort
