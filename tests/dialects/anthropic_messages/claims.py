"""What `anthropic_messages` says otherwise than the core: see `dialects/claims.py`."""

from __future__ import annotations

import msgspec

from dialects.claims import (
    CLAUDE_REFUSES,
    Claims,
    as_claude_thinks,
    closed,
    closed_where_strict,
    ends,
    placeless,
    thinking_of,
    with_answer_parts,
    with_parts,
    with_tools,
)
from waypost.core.request import ChatRequest, Refusal, Text, Thinking, ToolChoice
from waypost.core.response import ChatResponse, Finish, ReplyPart


def _request(request: ChatRequest) -> ChatRequest:
    """A model of 4.5 is told tokens; there is always a choice where calls may not be made at once; a schema has no
    name, and is one that the grammars know; `top_p` of 1 is what none means."""
    request = with_tools(
        with_parts(as_claude_thinks(request), thinking_of("anthropic-claude-v1")), closed_where_strict
    )
    choice, parallel = request.tool_choice, request.parallel_tool_calls
    if choice is None and parallel is False:
        choice = ToolChoice("auto")
    elif choice is None or choice.mode == "none":
        parallel = None
    wanted = request.response_format
    if wanted is not None and wanted.schema is not None:
        wanted = msgspec.structs.replace(
            wanted, name=None, description=None, strict=None, schema=closed(wanted.schema)
        )
    elif wanted is not None:
        wanted = None
    sampling = request.sampling
    if sampling.top_p == 1:
        sampling = msgspec.structs.replace(sampling, top_p=None)
    return msgspec.structs.replace(
        request, tool_choice=choice, parallel_tool_calls=parallel, response_format=wanted, sampling=sampling
    )


def _answer(answer: ChatResponse) -> ChatResponse:
    """A refusal is told in a text and in the end; citations have no place in the text; what others thought is shown
    without their signature; there are no dates, and three tiers."""

    def said(part: ReplyPart) -> ReplyPart | None:
        if isinstance(part, Refusal):
            return Text(part.text)
        if isinstance(part, Thinking) and part.maker != "anthropic-claude-v1":
            return Thinking(part.text, "", maker="anthropic-claude-v1")
        return placeless(part, "")

    refused = any(isinstance(part, Refusal) for choice in answer.choices for part in choice.parts)
    words = {Finish.FILTERED: Finish.REFUSED}
    if refused:
        words[Finish.STOP] = Finish.REFUSED
    met = any(choice.stop_text is not None for choice in answer.choices)
    answer = ends(answer, {Finish.FILTERED: Finish.REFUSED} if met else words)
    tier = answer.tier if answer.tier in ("default", "priority", "batch") else None
    return with_answer_parts(answer, said, created=None, tier=tier)


CLAIMS = Claims(
    model="claude-sonnet-4-5",
    unsaid=(
        "choices",
        "top_logprobs",
        "metadata",
        "verbosity",
        "cache_key",
        "modalities",
        "sampling.frequency_penalty",
        "sampling.presence_penalty",
        "sampling.seed",
    ),
    quiet={"sampling.frequency_penalty": (0.0,), "sampling.presence_penalty": (0.0,)},
    sometimes=(*CLAUDE_REFUSES, "tier", "response_format"),
    wanted=("max_output",),
    content=("messages[].thinking", "response_format.name", "response_format.description"),
    request=_request,
    answer=_answer,
    choices=False,
)
