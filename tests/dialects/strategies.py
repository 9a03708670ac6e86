"""Values of the core for laws that hold in every dialect.

`requests`, `answers`: what every chat format can say in some way; a dialect's claims in `test_laws.py` name what it
says otherwise. `odd_requests`: everything the core has, for laws about not failing.
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from hypothesis import strategies as st

from waypost.core.request import (
    CacheHint,
    ChatRequest,
    Citation,
    Effort,
    Extras,
    Maker,
    Media,
    Message,
    Opaque,
    Part,
    Refusal,
    ResponseFormat,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from waypost.core.response import ChatResponse, Choice, Finish, ReplyPart
from waypost.core.usage import Usage

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(str.strip)
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
ids = st.from_regex(r"call_[a-z0-9]{1,6}", fullmatch=True)
base64 = st.binary(min_size=3, max_size=9).map(lambda data: msgspec.json.encode(data).decode().strip('"'))
#: JSON objects as text, in the one form that encoding them again gives.
objects = st.dictionaries(names, words | st.integers(0, 9) | st.booleans(), max_size=2).map(
    lambda value: msgspec.json.encode(value).decode()
)
schemas = st.dictionaries(names, st.just({"type": "string"}), max_size=2).map(
    lambda fields: msgspec.Raw(msgspec.json.encode({"type": "object", "properties": fields}))
)
makers: st.SearchStrategy[Maker] = st.sampled_from(get_args(Maker))
hints = st.none() | st.sampled_from([CacheHint(300), CacheHint(3600)])

texts = st.builds(Text, words)
thoughts = st.builds(Thinking, words, signature=base64, maker=makers)
calls = st.builds(ToolCall, ids, names, objects)
images = st.builds(
    Media, st.just("image"), data=base64, mime=st.sampled_from(["image/png", "image/jpeg"])
) | st.builds(Media, st.just("image"), url=names.map(lambda name: f"https://example.org/{name}.png"))


def _turn(role: Any, parts: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Message]]:
    return parts.map(lambda found: [Message(role, tuple(found))])


def _loop(
    found: list[ToolCall], results: list[str], thought: Thinking | None, said: str | None
) -> list[Message]:
    """A turn with calls, and a result for each."""
    before: list[Part] = [thought] if thought is not None else []
    before += [Text(said)] if said is not None else []
    answered = [
        Message("tool", (ToolResult(call.call_id, (Text(result),)),))
        for call, result in zip(found, results, strict=False)
    ]
    return [Message("assistant", (*before, *found)), *answered]


loops = st.builds(
    _loop,
    st.lists(calls, min_size=1, max_size=2, unique_by=lambda call: call.call_id),
    st.lists(words, min_size=2, max_size=2),
    st.none() | thoughts,
    st.none() | words,
)
system = _turn("system", st.lists(texts, min_size=1, max_size=1))
user = _turn("user", st.lists(texts | images, min_size=1, max_size=2))
assistant = _turn("assistant", st.lists(texts, min_size=1, max_size=1))
exchanges = st.tuples(user, assistant | loops).map(lambda both: both[0] + both[1])
histories = st.tuples(system | st.just([]), st.lists(exchanges, max_size=2), user).map(
    lambda found: tuple(found[0] + [message for turn in found[1] for message in turn] + found[2])
)

tools = st.lists(
    st.builds(Tool, names, st.none() | words, schemas, st.none() | st.booleans()),
    min_size=1,
    max_size=2,
    unique_by=lambda tool: tool.name,
).map(tuple)
formats = st.just(ResponseFormat("json_object")) | st.builds(
    ResponseFormat, st.just("json_schema"), names, st.none() | words, schemas, st.none() | st.booleans()
)
shares = st.sampled_from([0.0, 0.25, 0.5, 1.0])
samplings = st.builds(
    Sampling,
    temperature=st.none() | shares,
    top_p=st.none() | st.sampled_from([0.25, 0.5, 1.0]),
    top_k=st.none() | st.integers(1, 100),
    frequency_penalty=st.none() | shares,
    presence_penalty=st.none() | shares,
    seed=st.none() | st.integers(0, 2**31 - 1),
    stop=st.lists(words, max_size=2, unique=True).map(tuple),
)
SETTINGS: dict[str, st.SearchStrategy[Any]] = {
    "parallel_tool_calls": st.none() | st.booleans(),
    "response_format": st.none() | formats,
    "sampling": samplings,
    "max_output": st.none() | st.integers(2048, 60_000),
    "effort": st.none() | st.sampled_from(get_args(Effort)),
    "thinking_budget": st.none() | st.sampled_from([0, -1, 1024, 2000]),
    "show_thinking": st.none() | st.booleans(),
    "choices": st.integers(1, 3),
    "stream": st.booleans(),
    "user": st.none() | names,
    "tier": st.none() | st.sampled_from(["auto", "default", "flex", "priority"]),
    "top_logprobs": st.none() | st.integers(0, 5),
    "metadata": st.none() | st.dictionaries(names, words, min_size=1, max_size=2),
    "verbosity": st.none() | st.sampled_from(["low", "medium", "high"]),
    "cache_key": st.none() | names,
    "modalities": st.sampled_from([(), ("text", "image"), ("text", "audio")]),
}


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    """A request with a few settings, so that what fails is seen at once."""
    offered: tuple[Tool, ...] = draw(st.just(()) | tools)
    choice = None
    if offered:
        choice = draw(
            st.none()
            | st.sampled_from([ToolChoice("auto"), ToolChoice("none"), ToolChoice("required")])
            | st.just(ToolChoice("one", offered[0].name))
        )
    chosen = draw(st.sets(st.sampled_from(sorted(SETTINGS)), max_size=4))
    settings = {name: draw(SETTINGS[name]) for name in sorted(chosen)}
    if not offered:
        settings.pop("parallel_tool_calls", None)
    return ChatRequest("model", draw(histories), offered, choice, **settings)


foreign = Extras("somewhere_else", {"odd": msgspec.Raw(b"1")})
odd_texts = st.builds(
    Text, st.text(max_size=4), hints, st.none() | st.just(foreign), st.just((Citation("u"),))
)
odd_media = st.builds(
    Media,
    st.sampled_from(["image", "audio", "video", "file"]),
    url=st.none() | st.just("https://example.org/x"),
    data=st.none() | base64,
    mime=st.none() | st.sampled_from(["image/png", "audio/mpeg", "application/pdf", "odd"]),
    file_id=st.none() | st.just("file-1"),
    cache=hints,
)
odd_opaque = st.just(Opaque("somewhere_else", msgspec.Raw(b'{"type":"odd"}'), "content"))
odd_parts = st.one_of(
    odd_texts,
    odd_media,
    odd_opaque,
    st.builds(Refusal, st.text(max_size=4)),
    st.builds(
        Thinking,
        st.text(max_size=4),
        st.none() | base64,
        maker=st.none() | makers,
        redacted=st.booleans(),
    ),
    st.builds(
        ToolCall, ids, names, st.text(max_size=4), signature=st.none() | base64, maker=st.none() | makers
    ),
)
odd_results = st.builds(
    ToolResult,
    ids,
    st.lists(odd_texts | odd_media | odd_opaque, max_size=2).map(tuple),
    st.booleans(),
    hints,
    name=st.none() | names,
)
odd_messages = st.builds(
    Message,
    st.sampled_from(["system", "developer", "user", "assistant"]),
    st.lists(odd_parts, max_size=3).map(tuple),
) | odd_results.map(lambda result: Message("tool", (result,)))
odd_requests = st.builds(
    ChatRequest,
    st.just("model"),
    st.lists(odd_messages, min_size=1, max_size=4).map(tuple),
    st.lists(st.builds(Tool, names, cache=hints) | odd_opaque, max_size=2).map(tuple),
    extras=st.none() | st.just(foreign),
    **SETTINGS,
)

citations = st.builds(
    Citation,
    names.map(lambda name: f"https://example.org/{name}"),
    words,
    st.none() | words,
    st.integers(0, 1),
    st.integers(1, 3),
)


def _within(text: Text) -> Text:
    """With the places of its sources in it."""
    size = len(text.text)
    cited = tuple(msgspec.structs.replace(each, end=min(each.end or 1, size)) for each in text.citations)
    return msgspec.structs.replace(text, citations=cited)


cited = st.builds(Text, words, citations=st.lists(citations, max_size=2).map(tuple)).map(_within)
signed = st.lists(thoughts, max_size=2)
unsigned = st.builds(Thinking, words).map(lambda part: [part])
redacted = base64.map(lambda data: [Thinking("", data, maker="anthropic-claude-v1", redacted=True)])


def _parts(thinking: list[ReplyPart], said: list[ReplyPart], asked: list[ReplyPart]) -> tuple[ReplyPart, ...]:
    return (*thinking, *said, *asked)


spoken = st.builds(
    _parts,
    signed | unsigned | redacted,
    st.lists(cited, max_size=2),
    st.lists(calls, max_size=2, unique_by=lambda call: call.call_id),
)
declined = words.map(lambda text: (Refusal(text),))


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Counts that fit each other."""
    fresh, read, write, output = (draw(st.integers(0, 500)) for _ in range(4))
    return Usage(
        input=fresh + read + write,
        output=output,
        cache_read=read,
        cache_write=write,
        reasoning=draw(st.integers(0, output)),
    )


ENDS = (Finish.STOP, Finish.LENGTH, Finish.TOOLS, Finish.FILTERED, Finish.REFUSED, Finish.PAUSED)


@st.composite
def answers(draw: st.DrawFn) -> ChatResponse:
    """A whole answer; `core.fold.unfold` makes a stream of it."""
    parts = draw(st.lists(spoken.filter(bool) | declined, min_size=1, max_size=2))
    choices = []
    for index, one in enumerate(parts):
        if any(isinstance(part, ToolCall) for part in one):
            finish = Finish.TOOLS
        else:
            finish = draw(st.sampled_from([end for end in ENDS if end is not Finish.TOOLS]))
        stop_text = draw(st.none() | words) if finish is Finish.STOP else None
        choices.append(Choice(index, one, finish, stop_text=stop_text))
    return ChatResponse(
        draw(names),
        draw(names),
        tuple(choices),
        draw(st.integers(1, 2**31)),
        draw(usages()),
        draw(st.none() | names),
    )
