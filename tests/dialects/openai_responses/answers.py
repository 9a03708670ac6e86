"""Answers of any dialect, for the laws."""

from __future__ import annotations

from hypothesis import strategies as st

from waypost.core.request import Citation, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish, ReplyPart
from waypost.core.usage import Usage

words = st.text(min_size=1, max_size=6)
citation = st.builds(Citation, url=words, title=words, start=st.integers(0, 9), end=st.integers(0, 9))
calls = st.builds(ToolCall, st.uuids().map(str), words, st.text(max_size=6))
own_part: st.SearchStrategy[ReplyPart] = st.one_of(
    st.builds(lambda text, cited: Text(text, citations=tuple(cited)), words, st.lists(citation, max_size=2)),
    words.map(Refusal),
    calls,
    words.map(lambda text: Thinking(text, None, maker="openai-responses-v1")),
    words.map(lambda text: Thinking(text, "gA" + text, maker="openai-responses-v1")),
    words.map(lambda text: Thinking("", "gA" + text, maker="openai-responses-v1", redacted=True)),
)
signed_part: st.SearchStrategy[ReplyPart] = st.one_of(
    own_part,
    words.map(lambda text: Thinking(text, "s", maker="anthropic-claude-v1")),
    words.map(lambda text: Thinking("", text, maker="anthropic-claude-v1", redacted=True)),
    st.builds(
        ToolCall,
        st.uuids().map(str),
        words,
        st.just("{}"),
        signature=words,
        maker=st.just("google-gemini-v1"),
    ),
)
#: Finishes that say the same again; `TOOLS` follows from the parts.
finishes = st.sampled_from([Finish.STOP, Finish.LENGTH, Finish.FILTERED])
usages = st.builds(
    Usage,
    input=st.integers(5, 9),
    output=st.integers(5, 9),
    cache_read=st.integers(0, 5),
    reasoning=st.integers(0, 5),
)


def _answer(parts: list[ReplyPart], finish: Finish, usage: Usage) -> ChatResponse:
    if finish is Finish.STOP and any(isinstance(part, ToolCall) for part in parts):
        finish = Finish.TOOLS
    return ChatResponse("resp_1", "m", (Choice(0, tuple(parts), finish),), 17, usage)


def answers(part: st.SearchStrategy[ReplyPart]) -> st.SearchStrategy[ChatResponse]:
    """Answers with one choice, whose parts are not empty."""
    return st.builds(_answer, st.lists(part, min_size=1, max_size=5), finishes, usages)
