"""What `gemini_generate` says otherwise than the core: see `dialects/claims.py`."""

from __future__ import annotations

import msgspec

from dialects.claims import Claims, as_budget, ends, joined_texts, with_answer_parts, with_parts, with_tools
from waypost.core.request import (
    ChatRequest,
    Media,
    Part,
    Refusal,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolChoice,
)
from waypost.core.response import ChatResponse, Finish, ReplyPart
from waypost.core.usage import Usage

#: What the model of the claims thinks at most.
_MOST = 24_576


def _request(request: ChatRequest) -> ChatRequest:
    """A budget model, told so much at most for a word; thoughts are shown without the signature of others; the name
    and the description of a schema stand in it; a picture by its address has a type."""

    def said(part: Part) -> Part:
        if isinstance(part, Thinking) and part.maker != "google-gemini-v1":
            return Thinking(part.text, maker="google-gemini-v1")
        if isinstance(part, Media) and part.url is not None:
            return msgspec.structs.replace(part, mime="image/png")
        return part

    strict = request.tools and all(isinstance(tool, Tool) and tool.strict for tool in request.tools)
    request = with_tools(
        with_parts(as_budget(request), said), lambda tool: msgspec.structs.replace(tool, strict=None)
    )
    if request.thinking_budget is not None:
        request = msgspec.structs.replace(request, thinking_budget=min(request.thinking_budget, _MOST))
    wanted = request.response_format
    if wanted is not None and wanted.schema is not None:
        schema = msgspec.json.decode(wanted.schema) | {"title": wanted.name}
        if wanted.description is not None:
            schema["description"] = wanted.description
        wanted = ResponseFormat("json_schema", schema=msgspec.Raw(msgspec.json.encode(schema)))
    tier = None if request.tier == "auto" else request.tier
    choice = request.tool_choice
    if choice is None and strict:
        choice = ToolChoice("auto")  # VALIDATED
    return msgspec.structs.replace(request, response_format=wanted, tier=tier, tool_choice=choice)


def _answer(answer: ChatResponse) -> ChatResponse:
    """A refusal is a text; hidden reasoning of others is not shown, and their signatures are not; no stop text, date or
    writes to the cache; a source is told once; what others write side by side is one text."""

    def said(part: ReplyPart) -> ReplyPart | None:
        if isinstance(part, Refusal):
            return Text(part.text)
        if isinstance(part, Thinking) and part.maker != "google-gemini-v1":
            return None if part.redacted else Thinking(part.text, maker="google-gemini-v1")
        if isinstance(part, Text):
            return msgspec.structs.replace(part, citations=tuple(dict.fromkeys(part.citations)))
        return part

    usage = answer.usage or Usage()
    answer = with_answer_parts(
        ends(answer, {Finish.REFUSED: Finish.FILTERED}, stop_text=False),
        said,
        created=None,
        tier=None,
        usage=msgspec.structs.replace(usage, cache_write=0),
    )
    return joined_texts(answer, thoughts=True)


CLAIMS = Claims(
    model="gemini-2.5-flash",
    unsaid=("user", "verbosity", "cache_key", "parallel_tool_calls"),
    quiet={"parallel_tool_calls": (True,)},
    sometimes=("metadata",),
    content=("tools[].strict",),
    request=_request,
    answer=_answer,
)
