"""One meaning of how hard a model thinks, between dialects that say it in words and dialects that say it in tokens.

The shares are those that OpenRouter publishes (https://openrouter.ai/docs/use-cases/reasoning-tokens, 2026-11-25).
"""

from __future__ import annotations

from waypost.core.request import ChatRequest, Effort

#: Percent of the output limit that may be spent on thinking.
_PERCENT: dict[Effort, int] = {
    "none": 0,
    "minimal": 10,
    "low": 20,
    "medium": 50,
    "high": 80,
    "xhigh": 95,
    "max": 95,
}
_WORDS: tuple[Effort, ...] = ("minimal", "low", "medium", "high")
#: The output limit that shares are taken of when the client sets none.
_USUAL_OUTPUT = 16_384
#: The least and the most that a budget made from a word is: providers refuse less, and gain nothing from more.
LEAST, MOST = 1024, 128_000


def budget_of(request: ChatRequest) -> int | None:
    """Tokens to think with: what the client set, or what its `effort` means under its output limit. 0: off; -1: as
    the model likes; None: the client said nothing."""
    if request.thinking_budget is not None or request.effort is None:
        return request.thinking_budget
    percent = _PERCENT[request.effort]
    if not percent:
        return 0
    return max(LEAST, min(MOST, (request.max_output or _USUAL_OUTPUT) * percent // 100))


def effort_of(request: ChatRequest) -> Effort | None:
    """The word for how hard to think: what the client set, or the least word whose share holds its budget. None: the
    client said nothing, or leaves it to the model."""
    budget = request.thinking_budget
    if request.effort is not None and budget is None:
        return request.effort
    if budget is None or budget < 0:
        return None
    if budget == 0:
        return "none"
    limit = request.max_output or _USUAL_OUTPUT
    return next((word for word in _WORDS if budget * 100 <= limit * _PERCENT[word]), "xhigh")


def closest(effort: Effort, known: tuple[Effort, ...]) -> Effort:
    """The word of `known` that is nearest to `effort`, the lower one of two equals: for models that know only some."""
    order = tuple(_PERCENT)
    place = order.index(effort)
    return min(known, key=lambda word: (abs(order.index(word) - place), order.index(word)))
