"""How hard to think: `thinking` and `output_config.effort`.

https://platform.claude.com/docs/en/build-with-claude/extended-thinking, .../adaptive-thinking and .../effort
(2026-11-25).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from waypost.core.effort import LEAST, budget_of, closest, effort_of
from waypost.core.loss import Loss
from waypost.core.request import ChatRequest, Effort
from waypost.dialects.anthropic_messages.models import efforts, is_adaptive
from waypost.dialects.anthropic_messages.own import Taking, is_own, own_form
from waypost.dialects.claude import may_think
from waypost.dialects.taking import INTEGER, TEXT, Json, object_or_none, put

#: What is asked for when the client sets no limit, which Anthropic wants: every model there is can give it
#: (Claude 3 Haiku, the smallest, ends there), https://platform.claude.com/docs/en/about-claude/models/overview.
DEFAULT_MAX_TOKENS = 4096
#: On top of that, for a model that finds by itself how much to think.
_THINKING_ROOM = 8192
#: Marks adaptive thinking beside an effort, which tells other dialects more.
ADAPTIVE = "adaptive"

_EFFORT: msgspec.json.Decoder[Literal["low", "medium", "high", "xhigh", "max"]] = msgspec.json.Decoder(
    Literal["low", "medium", "high", "xhigh", "max"]
)
_DISPLAY: msgspec.json.Decoder[Literal["summarized", "omitted"]] = msgspec.json.Decoder(
    Literal["summarized", "omitted"]
)


class Settings(msgspec.Struct, frozen=True):
    """What is said of thinking, in this dialect's fields; None leaves a field out."""

    max_tokens: int | None
    thinking: Json | None = None
    effort: Effort | None = None


def take_effort(output: Taking) -> Effort | None:
    """`effort` of an `output_config`."""
    return output.take("effort", _EFFORT)


def take_thinking(taking: Taking, effort: Effort | None, forms: list[str]) -> tuple[int | None, bool | None]:
    """The budget (-1: as the model likes) and whether to show it. What the core has no words for stays."""
    fields = object_or_none(taking.rest.get("thinking"))
    if not fields:
        return None, None
    inner = Taking(fields)
    kind = inner.take("type", TEXT)
    display = inner.take("display", _DISPLAY)
    shown = None if display is None else display == "summarized"
    budget: int | None
    match kind:
        case "disabled":
            budget, shown = 0, None
        case "adaptive":
            # Beside an effort the word says more than "as the model likes".
            budget = -1 if effort is None else None
        case "enabled":
            budget = inner.take("budget_tokens", INTEGER)
        case _:
            return None, None
    if inner.rest or (kind == "enabled" and (budget is None or budget <= 0)):
        return None, None
    if kind == "adaptive":
        forms.append(ADAPTIVE)
    del taking.rest["thinking"]
    return budget, shown


def settings(request: ChatRequest, loss: Loss) -> Settings:
    """Of a request that came in this dialect as it was said; of others what `core/effort.py` makes of it, in the
    form that the model takes."""
    if is_own(request.extras):
        return _own(request)
    budget = budget_of(request)
    if budget and not may_think(request, by_budget=not is_adaptive(request.model)):
        return _without(request, loss)
    if budget is None or budget == 0:
        if request.show_thinking is not None and budget is None:
            loss.setting("show_thinking")
        return Settings(_limit(request, 0), None if budget is None else {"type": "disabled"})
    if is_adaptive(request.model):
        word = effort_of(request)
        room = budget if budget > 0 else _THINKING_ROOM
        known = None if word is None else closest(word, efforts(request.model))
        return Settings(_limit(request, room), _shown({"type": "adaptive"}, request), known)
    return _with_budget(request, budget, loss)


def _own(request: ChatRequest) -> Settings:
    budget = request.thinking_budget
    thinking: Json | None = None
    if budget == 0:
        thinking = {"type": "disabled"}
    elif budget == -1 or ADAPTIVE in own_form(request.extras).split():
        thinking = {"type": "adaptive"}
    elif budget is not None:
        thinking = {"type": "enabled", "budget_tokens": budget}
    return Settings(
        request.max_output, None if thinking is None else _shown(thinking, request), request.effort
    )


def _with_budget(request: ChatRequest, budget: int, loss: Loss) -> Settings:
    """A budget is from 1,024 to below the output limit."""
    name = "effort" if request.thinking_budget is None else "thinking_budget"
    limit = _limit(request, max(budget, 0))
    fitting = min(budget, limit - 1)
    if fitting < LEAST:
        return _without(request, loss, max(budget, 0))  # also -1: these models do not find it by themselves
    if fitting != request.thinking_budget and name == "thinking_budget":
        loss.setting(name)
    return Settings(limit, _shown({"type": "enabled", "budget_tokens": fitting}, request))


def _without(request: ChatRequest, loss: Loss, room: int = 0) -> Settings:
    loss.setting("effort" if request.thinking_budget is None else "thinking_budget")
    if request.show_thinking is not None:
        loss.setting("show_thinking")
    return Settings(_limit(request, room))


def _limit(request: ChatRequest, room: int) -> int:
    return DEFAULT_MAX_TOKENS + room if request.max_output is None else request.max_output


def _shown(thinking: Json, request: ChatRequest) -> Json:
    shown = request.show_thinking
    if shown is None or thinking["type"] == "disabled":
        return thinking
    return put(thinking, display="summarized" if shown else "omitted")
