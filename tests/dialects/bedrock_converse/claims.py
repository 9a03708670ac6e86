"""What `bedrock_converse` says otherwise than the core: see `dialects/claims.py`."""

from __future__ import annotations

import msgspec

from dialects.claims import (
    CLAUDE_REFUSES,
    Claims,
    as_budget,
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
from waypost.core.request import ChatRequest, Media, Refusal, Text, Thinking, Tool, ToolCall
from waypost.core.response import ChatResponse, Finish, ReplyPart
from waypost.core.usage import Usage


def _no_links(request: ChatRequest) -> bool:
    return not any(
        isinstance(part, Media) and part.url is not None
        for message in request.messages
        for part in message.parts
    )


def _called(request: ChatRequest) -> tuple[Tool, ...]:
    """Tools that the history calls have to be named, also where the client names none any more."""
    parts = (part for message in request.messages for part in message.parts)
    names = dict.fromkeys(part.name for part in parts if isinstance(part, ToolCall))
    schema = msgspec.Raw(b'{"type":"object","properties":{}}')
    return tuple(Tool(name, parameters=schema) for name in names)


def _request(request: ChatRequest) -> ChatRequest:
    """As Anthropic, for Claude; tools that may not be called are not told of, unless the history has calls."""
    request = with_tools(
        with_parts(as_claude_thinks(request), thinking_of("anthropic-claude-v1")), closed_where_strict
    )
    if request.thinking_budget == -1:
        request = as_budget(msgspec.structs.replace(request, effort="medium", thinking_budget=None))
    wanted = request.response_format
    if wanted is not None and wanted.schema is not None:
        wanted = msgspec.structs.replace(wanted, strict=None, schema=closed(wanted.schema))
    elif wanted is not None:
        wanted = None
    tools, choice = request.tools or _called(request), request.tool_choice
    if choice is not None and choice.mode == "none":
        calls = any(message.role == "tool" for message in request.messages)
        tools, choice = tools if calls else (), None
    if not request.tools:
        tools = _called(request)
    tier = None if request.tier == "auto" else request.tier
    return msgspec.structs.replace(
        request, response_format=wanted, tools=tools, tool_choice=choice, tier=tier
    )


def _called(request: ChatRequest) -> tuple[Tool, ...]:
    """The tools of the history stand in for those that a client does not name: Converse wants some."""
    anything = msgspec.Raw(b'{"type":"object","properties":{}}')
    parts = (part for message in request.messages for part in message.parts)
    names = dict.fromkeys(part.name for part in parts if isinstance(part, ToolCall))
    return tuple(Tool(name, parameters=anything) for name in names)


def _answer(answer: ChatResponse) -> ChatResponse:
    """There is no id, model or date; reasoning is not counted; refusals are filters; citations have no place."""

    def said(part: ReplyPart) -> ReplyPart | None:
        if isinstance(part, Refusal):
            return Text(part.text)
        if isinstance(part, Thinking) and part.maker != "anthropic-claude-v1":
            return Thinking(part.text, maker="anthropic-claude-v1")
        return placeless(part)

    usage = answer.usage or Usage()
    return with_answer_parts(
        ends(answer, {Finish.REFUSED: Finish.FILTERED, Finish.PAUSED: Finish.STOP}),
        said,
        created=None,
        response_id="",
        model="",
        tier=answer.tier if answer.tier in ("default", "flex", "priority", "reserved") else None,
        usage=msgspec.structs.replace(usage, reasoning=0),
    )


CLAIMS = Claims(
    model="anthropic.claude-sonnet-4-5-20250929-v1:0",
    unsaid=(
        "choices",
        "top_logprobs",
        "user",
        "verbosity",
        "cache_key",
        "modalities",
        "parallel_tool_calls",
        "sampling.frequency_penalty",
        "sampling.presence_penalty",
        "sampling.seed",
    ),
    quiet={
        "sampling.frequency_penalty": (0.0,),
        "sampling.presence_penalty": (0.0,),
        "verbosity": ("medium",),
        "parallel_tool_calls": (True,),
    },
    sometimes=(*CLAUDE_REFUSES, "tool_choice", "response_format"),
    content=("messages[].thinking", "response_format.strict"),
    sayable=_no_links,
    request=_request,
    answer=_answer,
    choices=False,
    model_shown=False,
)
