"""Messages, in both directions. Google has one system instruction and two roles; a tool's answer stands in a content of
the user, where the core has a message for each."""

from __future__ import annotations

import msgspec

from waypost.core.request import Extras, Message, Opaque, Part, Role, Text, ToolResult
from waypost.dialects.gemini_generate.calls import Calls
from waypost.dialects.gemini_generate.own import NAME, Taking, own_words, with_extras
from waypost.dialects.gemini_generate.parts import CACHED, PARTS, parse_part, render_parts
from waypost.dialects.gemini_generate.rendering import Rendering
from waypost.dialects.taking import TEXT, Json, object_or_none
from waypost.errors import InvalidRequest, Unrepresentable

#: `function` is an older word for a user's content with results in it.
_ROLES: dict[str | None, Role] = {None: "user", "user": "user", "model": "assistant", "function": "user"}
_SYSTEM = frozenset({"system", "developer"})
#: Marks in `Extras.form` of a message: it goes on with the content before it; it begins one though it is a result.
_JOINED, _APART = "joined", "apart"


def parse_contents(
    items: list[msgspec.Raw], system: msgspec.Raw | None, cached: msgspec.Raw | None
) -> tuple[Message, ...]:
    """Raises InvalidRequest and Unrepresentable, naming the content."""
    messages: list[Message] = []
    calls = Calls("")
    if system is not None:
        messages.append(_parse_system(system))
    if cached is not None:
        messages.append(Message("user", (Opaque(NAME, cached, CACHED),)))
    for number, item in enumerate(items):
        calls.turn(str(number))
        for message in _parse_content(item, f"contents[{number}]", calls):
            _append(messages, message)
    return tuple(messages)


def _append(messages: list[Message], message: Message) -> None:
    """Google's SDK sends a streamed answer back as a content per event: together they are the one answer that they
    were, and its calls have their results right after it."""
    last = messages[-1] if messages else None
    if (
        last is not None
        and last.role == message.role == "assistant"
        and last.extras == message.extras is None
    ):
        messages[-1] = Message("assistant", _joined(last.parts, message.parts))
    else:
        messages.append(message)


def _joined(before: tuple[Part, ...], parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Words of one text that came in pieces are one text again."""
    if before and parts and isinstance(before[-1], Text) and isinstance(parts[0], Text):
        whole = msgspec.structs.replace(before[-1], text=before[-1].text + parts[0].text)
        if msgspec.structs.replace(before[-1], text="") == msgspec.structs.replace(parts[0], text=""):
            return (*before[:-1], whole, *parts[1:])
    return (*before, *parts)


def _parse_system(raw: msgspec.Raw) -> Message:
    fields = object_or_none(raw)
    if fields is None:
        raise InvalidRequest("`systemInstruction` has to be an object.", param="systemInstruction")
    taking = Taking(fields)
    parts: list[Part] = []
    for item in taking.take_items("parts"):
        found = parse_part(item, Calls(""))
        # It holds texts; anything else is for Google alone to understand.
        texts = all(isinstance(part, Text) for part in found)
        parts.extend(found if texts else (Opaque(NAME, item, PARTS),))
    role = "" if taking.take_constant("role", "user") else "norole"
    return Message("system", tuple(parts), taking.extras(role))


def _parse_content(raw: msgspec.Raw, where: str, calls: Calls) -> list[Message]:
    fields = object_or_none(raw)
    if fields is None:
        raise InvalidRequest(f"`{where}` has to be an object.", param=where)
    taking = Taking(fields)
    word = taking.take("role", TEXT)
    if word not in _ROLES:
        raise Unrepresentable(f"`{where}.role` has to be user or model.", param=f"{where}.role")
    role = _ROLES[word]
    groups: list[tuple[Role, list[Part]]] = []
    for item in taking.take_items("parts"):
        for part in parse_part(item, calls):
            if isinstance(part, ToolResult):
                groups.append(("tool", [part]))
            elif groups and groups[-1][0] != "tool":
                groups[-1][1].append(part)
            else:
                groups.append((role, [part]))
    return [
        Message(of, tuple(parts), _marks(taking, number, of, word))
        for number, (of, parts) in enumerate(groups or [(role, [])])
    ]


def _marks(taking: Taking, number: int, role: Role, word: str | None) -> Extras | None:
    """What the content's first message keeps of it, and how the others belong to it."""
    if number:
        return Extras(NAME, {}, _JOINED)
    said = (
        "norole" if word is None else word if word == "function" or (word, role) == ("model", "tool") else ""
    )
    return taking.extras(" ".join(mark for mark in (_APART if role == "tool" else "", said) if mark))


def render_contents(messages: tuple[Message, ...], rendering: Rendering) -> Json:
    """`contents`, `systemInstruction` and `cachedContent`."""
    system: list[Json | msgspec.Raw] = []
    instructed: Message | None = None
    contents: list[Json] = []
    out: Json = {}
    before: Role | None = None
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if message.role in _SYSTEM:
            _only_texts(message, where, rendering)
            system.extend(render_parts(_texts(message), where, rendering)[0])
            instructed = message
            continue
        parts, cached = render_parts(message.parts, where, rendering)
        if cached is not None:
            out["cachedContent"] = cached
            continue
        if parts or rendering.native:
            _add(contents, message, parts, before)
            before = message.role
    if system and not contents and "cachedContent" not in out:
        # A request needs contents: instructions alone are what is asked.
        contents.append({"role": "user", "parts": system})
    elif instructed is not None and (system or rendering.native):
        out["systemInstruction"] = _instruction(instructed.extras, system, rendering)
    return {"contents": contents, **out}


def _instruction(extras: Extras | None, parts: list[Json | msgspec.Raw], rendering: Rendering) -> Json:
    head: Json = {"role": "user"} if rendering.native and "norole" not in own_words(extras) else {}
    return with_extras({**head, "parts": parts}, extras)


def _add(
    contents: list[Json], message: Message, parts: list[Json | msgspec.Raw], before: Role | None
) -> None:
    words = own_words(message.extras)
    results = message.role == before == "tool" and _APART not in words
    last = contents[-1]["parts"] if contents else None
    if isinstance(last, list) and (_JOINED in words or results):
        last.extend(parts)
        return
    role = "model" if message.role == "assistant" or "model" in words else "user"
    head: Json = {} if "norole" in words else {"role": "function" if "function" in words else role}
    contents.append(with_extras({**head, "parts": parts}, message.extras))


def _texts(message: Message) -> tuple[Part, ...]:
    return tuple(part for part in message.parts if isinstance(part, Text | Opaque))


def _only_texts(message: Message, where: str, rendering: Rendering) -> None:
    for number, part in enumerate(message.parts):
        if not isinstance(part, Text | Opaque):
            place = f"{where}.content[{number}]"
            rendering.loss.content(
                place,
                f"{place} is no text, and Google's system instruction holds text alone. Send it as the user.",
            )
