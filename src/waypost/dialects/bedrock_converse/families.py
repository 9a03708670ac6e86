"""Which models on Bedrock think, and how each is told to: Converse has no field of its own for it, so it goes into
`additionalModelRequestFields`. The model is known by a part of its id; an id that says nothing of its maker (an
application inference profile, a provisioned model) has no row, and its settings are dropped and named.

Claude: https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html and
…/claude-messages-adaptive-thinking.html. Nova 2: https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html.
`reasoning_effort` of gpt-oss, DeepSeek V3 and Kimi K2: https://github.com/langchain-ai/langchain-aws (pull requests
1188 and 1261). `topK` of Nova: https://docs.aws.amazon.com/nova/latest/nova2-userguide/code-library.html
(all 2026-11-25).
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from waypost.core.effort import LEAST, budget_of, closest, effort_of
from waypost.core.loss import Loss
from waypost.core.request import ChatRequest, Effort
from waypost.dialects.claude import may_think, refused_sampling
from waypost.dialects.taking import Json

#: `budget`: Claude with `budget_tokens`. `adaptive`: Claude that decides itself, with an effort. `nova`:
#: `reasoningConfig`. `word`: `reasoning_effort`.
Thinks = Literal["", "budget", "adaptive", "nova", "word"]

_CLAUDE_WORDS: Final[tuple[Effort, ...]] = ("low", "medium", "high", "max")
_THREE: Final[tuple[Effort, ...]] = ("low", "medium", "high")
_ALL: Final[tuple[Effort, ...]] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


class Family(msgspec.Struct, frozen=True):
    """Models whose ids hold `mark`, the first that fits."""

    mark: str
    thinks: Thinks = ""
    words: tuple[Effort, ...] = ()
    """The efforts it knows."""
    off: bool = True
    """Thinking can be switched off."""
    top_k: str = ""
    """Its name for `top_k`, a dot between an object and its field."""
    signs: bool = False
    """It takes its own signed reasoning back."""


_CLAUDE: Final = "anthropic.claude"


def _claude(mark: str, thinks: Thinks, *, off: bool = True) -> Family:
    words = _CLAUDE_WORDS if thinks == "adaptive" else ()
    return Family(f"{_CLAUDE}{mark}", thinks, words, off, "top_k", signs=True)


FAMILIES: Final[tuple[Family, ...]] = (
    _claude("-3-7", "budget"),
    _claude("-3", ""),
    _claude("-v2", ""),
    _claude("-instant", ""),
    _claude("-sonnet-4-2", "budget"),  # 4, whose id goes on with its date
    _claude("-opus-4-2", "budget"),
    _claude("-opus-4-1", "budget"),
    _claude("-sonnet-4-5", "budget"),
    _claude("-opus-4-5", "budget"),
    _claude("-haiku-4-5", "budget"),
    _claude("-mythos", "adaptive", off=False),
    _claude("-fable", "adaptive", off=False),
    _claude("", "adaptive"),
    Family("amazon.nova-2", "nova", _THREE, top_k="inferenceConfig.topK"),
    Family("amazon.nova", top_k="inferenceConfig.topK"),
    Family("openai.gpt-oss", "word", _THREE, off=False),
    Family("openai.", "word", _ALL),
    Family("deepseek.v3", "word", _THREE),
    Family("moonshotai.kimi-k2", "word", _THREE),
    Family("moonshot.kimi-k2", "word", _THREE),
    Family("cohere.command", top_k="k"),
    Family("mistral.", top_k="top_k"),
)
UNKNOWN: Final = Family("", signs=True)
#: Nova refuses these beside the effort `high`.
_NOVA_BARRED: Final = ("temperature", "top_p")


def family_of(model: str) -> Family:
    """By a model's id, an inference profile (`us.anthropic.…`) or an ARN that ends in one."""
    tail = model.rpartition("/")[2]
    for family in FAMILIES:
        if tail.startswith(family.mark) or f".{family.mark}" in tail:
            return family
    return UNKNOWN


class Thought(msgspec.Struct, frozen=True):
    """What a request's thinking comes to: fields for `additionalModelRequestFields`, and settings barred by it."""

    fields: Json = {}
    barred: tuple[str, ...] = ()


def thinking(request: ChatRequest, family: Family, loss: Loss) -> Thought:
    """How this model is told to think. What it can not be told is named."""
    asked = [
        name
        for name, value in (("effort", request.effort), ("thinking_budget", request.thinking_budget))
        if value is not None
    ]
    if request.show_thinking is not None and (not asked or family.thinks not in ("budget", "adaptive")):
        loss.setting("show_thinking")
    if not asked:
        return Thought()
    found = _told(request, family, loss)
    if found is None:
        for name in asked:
            loss.setting(name)
        if request.show_thinking is not None:
            loss.setting("show_thinking")
        return Thought()
    return found


def _told(request: ChatRequest, family: Family, loss: Loss) -> Thought | None:
    off = budget_of(request) == 0
    if not family.thinks:
        return Thought() if off else None
    if off and not family.off:
        return None
    if family.thinks == "budget":
        return _budget(request, off, loss)
    if family.thinks == "adaptive":
        return _adaptive(request, family, off)
    if family.thinks == "nova":
        return _nova(request, family, off)
    return _word(request, family, off)


def _shown(request: ChatRequest) -> Json:
    if request.show_thinking is None:
        return {}
    return {"display": "summarized" if request.show_thinking else "omitted"}


def _budget(request: ChatRequest, off: bool, loss: Loss) -> Thought | None:
    if off:
        return Thought({"thinking": {"type": "disabled"}})
    if not may_think(request, by_budget=True):
        return None
    if request.thinking_budget == -1:
        # These models do not find it by themselves. A budget wins over a word beside it, this one too.
        request = msgspec.structs.replace(request, effort="medium", thinking_budget=None)
    budget = max(LEAST, budget_of(request) or 0)
    limit = request.max_output
    if limit is not None and budget >= limit:
        if limit <= LEAST:
            return None  # the budget has to be below the output limit, and has a least size
        budget = limit - 1
    if request.thinking_budget not in (None, budget):
        loss.setting("thinking_budget")  # it is told another one
    return Thought({"thinking": {"type": "enabled", "budget_tokens": budget, **_shown(request)}})


def _adaptive(request: ChatRequest, family: Family, off: bool) -> Thought | None:
    if off:
        return Thought({"thinking": {"type": "disabled"}})
    if not may_think(request, by_budget=False):
        return None
    out: Json = {"thinking": {"type": "adaptive", **_shown(request)}}
    effort = effort_of(request)
    if effort is not None:
        out["output_config"] = {"effort": closest(effort, family.words)}
    return Thought(out)


def _nova(request: ChatRequest, family: Family, off: bool) -> Thought:
    if off:
        return Thought({"reasoningConfig": {"type": "disabled"}})
    effort = closest(effort_of(request) or "medium", family.words)
    if effort == "high" and request.max_output is not None:
        effort = (
            "medium"  # `high` is refused beside an output limit, and the limit is what the budget rests on
        )
    out: Json = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}
    return Thought(out, _NOVA_BARRED if effort == "high" else ())


def _word(request: ChatRequest, family: Family, off: bool) -> Thought:
    if off and "none" not in family.words:
        return Thought()  # it does not think unless it is told to
    effort = effort_of(request)
    return Thought() if effort is None else Thought({"reasoning_effort": closest(effort, family.words)})


def barred(request: ChatRequest, family: Family, thought: Thought) -> tuple[str, ...]:
    """Settings that this model refuses beside that thinking, or beside each other."""
    if not family.mark.startswith(_CLAUDE):
        return thought.barred
    thinks = "thinking" in thought.fields and thought.fields["thinking"] != {"type": "disabled"}
    return tuple(refused_sampling(request.sampling, request.model, thinks=thinks))


def put_top_k(out: Json, top_k: int, family: Family) -> bool:
    """Writes `top_k` where this model takes it; False: it has no such setting."""
    outer, _, inner = family.top_k.partition(".")
    if not outer:
        return False
    out[outer] = {inner: top_k} if inner else top_k
    return True
