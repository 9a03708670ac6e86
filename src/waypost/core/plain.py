"""Requests and answers that are nothing but text, as nearly all are: codecs say those in one step.

What such a step makes is what the general way makes, byte for byte: `tests/dialects/test_plain.py` compares the two.
"""

from __future__ import annotations

from waypost.core.request import ChatRequest, Extras, Message, Part, Sampling, Text
from waypost.core.response import ChatResponse, Choice


def plain_request(
    model: str,
    messages: list[Message],
    sampling: Sampling,
    max_output: int | None,
    stream: bool,
    wants_usage: bool,
    user: str | None,
    extras: Extras | None,
) -> ChatRequest:
    """A request that says nothing else. All by place, which is far cheaper than by name."""
    said = tuple(messages)
    # fmt: off
    return ChatRequest(
        model, said, (), None, None, None, sampling, max_output, None, None, None, 1, stream, wants_usage, user,
        None, None, None, None, None, (), extras,
    )
    # fmt: on


def plain_texts(request: ChatRequest, dialect: str) -> list[str] | None:
    """The text of each message, where each is one text, where nothing is set but sampling, the output limit, the user
    and what a stream shows, and where nothing is `dialect`'s own; else None."""
    if (
        request.tools
        or request.tool_choice is not None
        or request.parallel_tool_calls is not None
        or request.response_format is not None
        or request.effort is not None
        or request.thinking_budget is not None
        or request.show_thinking is not None
        or request.choices != 1
        or request.tier is not None
        or request.top_logprobs is not None
        or request.metadata is not None
        or request.verbosity is not None
        or request.cache_key is not None
        or request.modalities
    ):
        return None
    extras = request.extras
    if extras is not None and extras.dialect == dialect:
        return None
    texts: list[str] = []
    for message in request.messages:
        text = only_text(message.parts)
        extras = message.extras
        if text is None or (extras is not None and extras.dialect == dialect):
            return None
        texts.append(text)
    return texts


def only_text(parts: tuple[Part, ...]) -> str | None:
    """The text, where the only part is one without a cache hint, a citation or a dialect's own fields; else None."""
    if len(parts) != 1:
        return None
    part = parts[0]
    if type(part) is not Text or part.cache is not None or part.extras is not None or part.citations:
        return None
    return part.text


def plain_choice(response: ChatResponse, dialect: str) -> tuple[Choice, str] | None:
    """The choice and its text, where the answer is one text that came to its end, its usage is known, and nothing is
    `dialect`'s own; else None."""
    if len(response.choices) != 1 or response.usage is None:
        return None
    choice = response.choices[0]
    if choice.index or choice.finish is None or choice.stop_text is not None:
        return None
    text = only_text(choice.parts)
    for extras in (response.extras, choice.extras):
        if extras is not None and extras.dialect == dialect:
            return None
    return None if text is None else (choice, text)
