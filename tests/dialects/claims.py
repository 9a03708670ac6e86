"""What a dialect says otherwise than the core: the exceptions to the laws of `test_laws.py`.

A claim is a limit of the wire format, written down as the value that comes back in its place. Each dialect has its own
in `<dialect>/claims.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from waypost.core.effort import budget_of
from waypost.core.quirks import Quirks
from waypost.core.request import ChatRequest, Citation, Maker, Message, Opaque, Part, Text, Thinking, Tool
from waypost.core.response import ChatResponse, Finish, ReplyPart
from waypost.dialects.openai_chat.citations import move

#: Fields of `Sampling` among the settings.
SAMPLING = "sampling."
#: Settings that say how hard to think: where one is named, none of them is compared.
THINKING = ("effort", "thinking_budget", "show_thinking")


class Claims(msgspec.Struct, frozen=True):
    """What a dialect says otherwise. Settings are fields of `ChatRequest` and, as `sampling.…`, of `Sampling`."""

    model: str = "model"
    quirks: Quirks = Quirks()
    unsaid: tuple[str, ...] = ()
    """Settings it has no word for: each is named when it is set."""
    quiet: dict[str, tuple[object, ...]] = {}
    """Values of unsaid settings that say nothing, and are left out without being named."""
    sometimes: tuple[str, ...] = ()
    """Settings that come back or are named, as other settings, the model or their value have it."""
    wanted: tuple[str, ...] = ()
    """Settings that it sets where the client did not."""
    content: tuple[str, ...] = ()
    """What of messages and tools may be named, such as `messages[].thinking`."""
    sayable: Callable[[ChatRequest], bool] = lambda request: True
    """Requests whose content it has forms for; the others are refused, or named, by another law."""
    request: Callable[[ChatRequest], ChatRequest] = lambda request: request
    """The request as it comes back, where that is another one."""
    answer: Callable[[ChatResponse], ChatResponse] = lambda answer: answer
    """The answer as it comes back, where that is another one."""
    choices: bool = True
    """It shows several choices; otherwise an answer with several is refused."""
    model_shown: bool = True
    """Its answers name the model."""


# --- parts ---------------------------------------------------------------------------------------------------------


def with_parts(request: ChatRequest, change: Callable[[Part], Part | None]) -> ChatRequest:
    """Every part changed, or left out; messages without any are left out."""
    messages: list[Message] = []
    for message in request.messages:
        parts = tuple(new for part in message.parts if (new := change(part)) is not None)
        if parts:
            messages.append(msgspec.structs.replace(message, parts=parts))
    return msgspec.structs.replace(request, messages=tuple(messages))


def thinking_of(*makers: Maker) -> Callable[[Part], Part | None]:
    """Without reasoning that others than `makers` signed."""
    return lambda part: None if isinstance(part, Thinking) and part.maker not in makers else part


def with_answer_parts(
    answer: ChatResponse, change: Callable[[ReplyPart], ReplyPart | None], **fields: Any
) -> ChatResponse:
    """Every part changed, or left out, and `fields` replaced."""
    choices = tuple(
        msgspec.structs.replace(
            choice, parts=tuple(new for part in choice.parts if (new := change(part)) is not None)
        )
        for choice in answer.choices
    )
    return msgspec.structs.replace(answer, choices=choices, **fields)


def ends(answer: ChatResponse, words: dict[Finish, Finish], stop_text: bool = True) -> ChatResponse:
    """The reasons to end as a dialect knows them; `stop_text`: it tells which stop text was met."""
    choices = tuple(
        msgspec.structs.replace(
            choice,
            finish=None if choice.finish is None else words.get(choice.finish, choice.finish),
            stop_text=choice.stop_text if stop_text else None,
        )
        for choice in answer.choices
    )
    return msgspec.structs.replace(answer, choices=choices)


def placeless(part: ReplyPart, quote: str | None = None) -> ReplyPart:
    """Citations without their place in the text; `quote` stands for none."""
    if not isinstance(part, Text):
        return part
    cited = tuple(
        Citation(each.url, each.title, each.quote if each.quote is not None else quote)
        for each in part.citations
    )
    return msgspec.structs.replace(part, citations=cited)


def joined_texts(answer: ChatResponse, thoughts: bool = False) -> ChatResponse:
    """For dialects whose answers have one text, or no borders between texts: those side by side as one, with the
    citations of both. `thoughts`: also unsigned reasoning."""

    def join(parts: tuple[ReplyPart, ...]) -> tuple[ReplyPart, ...]:
        out: list[ReplyPart] = []
        for part in parts:
            last = out[-1] if out else None
            if isinstance(part, Text) and isinstance(last, Text):
                moved = tuple(move(citation, len(last.text)) for citation in part.citations)
                out[-1] = Text(last.text + part.text, citations=last.citations + moved)
            elif (
                thoughts
                and isinstance(part, Thinking)
                and isinstance(last, Thinking)
                and last.signature is None
            ):
                out[-1] = msgspec.structs.replace(part, text=last.text + part.text)
            else:
                out.append(part)
        return tuple(out)

    choices = tuple(msgspec.structs.replace(each, parts=join(each.parts)) for each in answer.choices)
    return msgspec.structs.replace(answer, choices=choices)


def with_tools(request: ChatRequest, change: Callable[[Tool], Tool]) -> ChatRequest:
    """Every function changed."""
    tools = tuple(tool if isinstance(tool, Opaque) else change(tool) for tool in request.tools)
    return msgspec.structs.replace(request, tools=tools)


# --- what several dialects claim ----


def closed(raw: msgspec.Raw | None) -> msgspec.Raw | None:
    """A schema of `strategies.schemas` as Claude's grammars want it."""
    return None if raw is None else msgspec.Raw(bytes(raw)[:-1] + b',"additionalProperties":false}')


def closed_where_strict(tool: Tool) -> Tool:
    return msgspec.structs.replace(tool, parameters=closed(tool.parameters)) if tool.strict else tool


def as_budget(request: ChatRequest) -> ChatRequest:
    return msgspec.structs.replace(request, effort=None, thinking_budget=budget_of(request))


def as_claude_thinks(request: ChatRequest) -> ChatRequest:
    """In tokens. Switched off there is nothing to show, so whether to show it is not said, and nothing is lost."""
    request = as_budget(request)
    return msgspec.structs.replace(request, show_thinking=None) if request.thinking_budget == 0 else request


#: Settings of which Claude refuses some beside others.
CLAUDE_REFUSES = (*THINKING, "sampling.temperature", "sampling.top_p", "sampling.top_k")
