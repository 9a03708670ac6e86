"""How hard to think and whether it is shown, in the ways that clients of this format say it.

`reasoning_effort`: https://platform.openai.com/docs/api-reference/chat/create; `reasoning`, `include_reasoning`:
https://openrouter.ai/docs/use-cases/reasoning-tokens; `thinking`: https://docs.litellm.ai/docs/reasoning_content,
https://api-docs.deepseek.com/guides/thinking_mode (2026-11-25).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from waypost.core.effort import effort_of
from waypost.core.request import ChatRequest, Effort
from waypost.dialects.openai_chat.own import Saying, Taking
from waypost.dialects.taking import FLAG, INTEGER, TEXT, Json, object_or_none, object_raw, put

_EFFORT: msgspec.json.Decoder[Effort] = msgspec.json.Decoder(Effort)
_WORD = "reasoning_effort"
_OBJECT = "reasoning"
_SHOWN = "include_reasoning"
_THINKING = "thinking"
#: OpenRouter: `enabled` alone is medium.
_ENABLED: dict[bool, Effort] = {True: "medium", False: "none"}


class Reasoning(msgspec.Struct):
    """The three settings; see `ChatRequest`."""

    effort: Effort | None = None
    budget: int | None = None
    show: bool | None = None


def take_reasoning(taking: Taking, forms: list[str]) -> Reasoning:
    """What the client said, in whichever way; `forms` gets the way. What says the same thing twice stays behind."""
    found = Reasoning(effort=taking.take(_WORD, _EFFORT))
    if found.effort is not None:
        forms.append(_WORD)
    _take_object(taking, found, forms)
    if found.show is None:
        found.show = taking.take(_SHOWN, FLAG)
        if found.show is not None:
            forms.append(_SHOWN)
    if found.budget is None:
        _take_thinking(taking, found, forms)
    return found


def _take_object(taking: Taking, found: Reasoning, forms: list[str]) -> None:
    fields = object_or_none(taking.rest.get(_OBJECT))
    if not fields:
        return
    inner = Taking(fields)
    if found.effort is None:
        found.effort = inner.take("effort", _EFFORT)
        forms.extend([f"{_OBJECT}.effort"] if found.effort is not None else [])
    budget = inner.take("max_tokens", INTEGER)
    if budget is not None and budget >= -1:
        found.budget = budget
        forms.append(f"{_OBJECT}.max_tokens")
    elif budget is not None:
        inner.rest["max_tokens"] = fields["max_tokens"]
    exclude = inner.take("exclude", FLAG)
    if exclude is not None:
        found.show = not exclude
        forms.append(f"{_OBJECT}.exclude")
    enabled = inner.take("enabled", FLAG)
    if enabled is not None:
        forms.append(f"{_OBJECT}.enabled.{str(enabled).lower()}")
        if found.effort is None and found.budget is None:
            found.effort = _ENABLED[enabled]
    del taking.rest[_OBJECT]
    if inner.rest:
        taking.rest[_OBJECT] = object_raw(inner.rest)


def _take_thinking(taking: Taking, found: Reasoning, forms: list[str]) -> None:
    fields = object_or_none(taking.rest.get(_THINKING))
    inner = Taking(fields or {})
    kind, budget = inner.take("type", TEXT), inner.take("budget_tokens", INTEGER)
    if kind not in ("enabled", "disabled", "adaptive") or inner.rest or (budget is not None and budget < 0):
        return
    del taking.rest[_THINKING]
    forms.append(f"{_THINKING}.{kind}")
    if budget is not None:
        forms.append(f"{_THINKING}.budget_tokens")
        found.budget = budget
    elif kind == "disabled":
        found.budget = 0
    elif found.effort is None:
        found.budget = -1


def put_reasoning(out: Json, request: ChatRequest, forms: Sequence[str], say: Saying) -> None:
    """A budget becomes the nearest word where the target knows only words; whether it is shown is then named."""
    if _OBJECT not in say.takes:
        put(out, reasoning_effort=effort_of(request))
        if request.show_thinking is not None:
            say.loss.setting("show_thinking")
    elif any(form.startswith((_WORD, _OBJECT, _SHOWN, _THINKING)) for form in forms):
        _put_back(out, request, forms)
    else:
        inner: Json = {}
        budget = request.thinking_budget
        if budget is not None and budget > 0:
            inner["max_tokens"] = budget
        elif budget == -1:
            inner["enabled"] = True
        else:
            put(inner, effort=effort_of(request))
        if request.show_thinking is not None:
            inner["exclude"] = not request.show_thinking
        if inner:
            out[_OBJECT] = inner


def _put_back(out: Json, request: ChatRequest, forms: Sequence[str]) -> None:
    inner: Json = {}
    thinking: Json = {}
    for form in forms:
        name, _, rest = form.partition(".")
        if form == _WORD:
            out[_WORD] = request.effort
        elif form == _SHOWN:
            out[_SHOWN] = request.show_thinking
        elif name == _OBJECT:
            field, _, flag = rest.partition(".")
            inner[field] = {
                "effort": request.effort,
                "max_tokens": request.thinking_budget,
                "exclude": not request.show_thinking,
                "enabled": flag == "true",
            }[field]
        elif name == _THINKING and rest == "budget_tokens":
            thinking[rest] = request.thinking_budget
        elif name == _THINKING:
            thinking["type"] = rest
    extras = request.extras
    if inner and extras is not None and _OBJECT in extras.fields:
        inner = {**(object_or_none(extras.fields[_OBJECT]) or {}), **inner}
    put(out, reasoning=inner or None, thinking=thinking or None)
