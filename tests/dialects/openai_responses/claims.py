"""What `openai_responses` says otherwise than the core: see `dialects/claims.py`."""

from __future__ import annotations

import msgspec

from dialects.claims import Claims, ends, thinking_of, with_answer_parts, with_parts, with_tools
from waypost.core.effort import effort_of
from waypost.core.request import ChatRequest, Text, Thinking
from waypost.core.response import ChatResponse, Finish, ReplyPart


def _request(request: ChatRequest) -> ChatRequest:
    """A budget becomes a word; what is not strict is said not to be."""
    request = with_parts(request, thinking_of("openai-responses-v1"))
    effort = effort_of(request)
    shown = True if request.show_thinking else None
    strict = with_tools(request, lambda tool: msgspec.structs.replace(tool, strict=bool(tool.strict)))
    return msgspec.structs.replace(strict, effort=effort, thinking_budget=None, show_thinking=shown)


def _answer(answer: ChatResponse) -> ChatResponse:
    """The id is the gateway's; no quote, no stop text; a pause and a refusal end as a stop and a filter do."""

    def said(part: ReplyPart) -> ReplyPart | None:
        if isinstance(part, Text):
            cited = tuple(msgspec.structs.replace(each, quote=None) for each in part.citations)
            return msgspec.structs.replace(part, citations=cited)
        if isinstance(part, Thinking):
            return _sealed(part)
        return part

    answer = with_answer_parts(answer, said, response_id="", tier=answer.tier or "auto")
    return ends(answer, {Finish.PAUSED: Finish.STOP, Finish.REFUSED: Finish.FILTERED}, stop_text=False)


def _sealed(part: Thinking) -> Thinking:
    """Reasoning as OpenAI's: the signature of another maker tells whose it is."""
    if part.maker in (None, "openai-responses-v1") or (part.signature or "").startswith(f"{part.maker}:"):
        return msgspec.structs.replace(part, maker="openai-responses-v1")
    how = "redacted" if part.redacted else "shown"
    return Thinking(
        part.text, f"{part.maker}:{how}:{part.signature}", maker="openai-responses-v1", redacted=part.redacted
    )


CLAIMS = Claims(
    unsaid=(
        "choices",
        "modalities",
        "sampling.top_k",
        "sampling.frequency_penalty",
        "sampling.presence_penalty",
        "sampling.seed",
        "sampling.stop",
    ),
    quiet={"sampling.frequency_penalty": (0.0,), "sampling.presence_penalty": (0.0,)},
    content=("messages[].thinking",),
    request=_request,
    answer=_answer,
    choices=False,
)
