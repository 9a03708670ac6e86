"""Messages and the system prompt, in both directions.

In this dialect the results of tools are blocks of a user's turn, before what the user says; in the core each is a
message of its own. Turns of one role that follow each other are one turn to the model:
https://platform.claude.com/docs/en/api/messages (2026-11-25).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from waypost.core.loss import Loss
from waypost.core.request import Extras, Media, Message, Opaque, Part, Text
from waypost.dialects.anthropic_messages.blocks import (
    CONTENT,
    parse_block,
    parse_tool_result,
    render_part,
)
from waypost.dialects.anthropic_messages.own import NAME, Taking, own_form, with_extras
from waypost.dialects.anthropic_messages.plain import WRITTEN
from waypost.dialects.taking import ITEMS, TEXT, Json, object_or_none, text_or_none
from waypost.errors import InvalidRequest

_TurnRole = Literal["user", "assistant", "system"]
_ROLE: msgspec.json.Decoder[_TurnRole] = msgspec.json.Decoder(_TurnRole)
#: Marks a system message that stood among the turns:
#: https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages (2026-11-25).
_TURN = "turn"
_SYSTEM = ("system", "developer")


def parse_messages(taking: Taking) -> tuple[Message, ...]:
    """The system prompt, if there is one, and the turns. Raises InvalidRequest, naming the message."""
    items = taking.take("messages", ITEMS)
    if not items:
        raise InvalidRequest("`messages` has to be an array with at least one message.", param="messages")
    messages = _take_system(taking)
    for number, item in enumerate(items):
        messages.extend(_parse_turn(item, f"messages[{number}]"))
    return tuple(messages)


def _take_system(taking: Taking) -> list[Message]:
    raw = taking.rest.get("system")
    text = None if raw is None else text_or_none(raw)
    if text:
        del taking.rest["system"]
        return [Message("system", (Text(text),), Extras(NAME, {}, WRITTEN))]
    items = taking.take_items("system")
    return [Message("system", tuple(_parse_words(item) for item in items))] if items else []


def _parse_words(raw: msgspec.Raw) -> Text | Opaque:
    """A system prompt has texts only."""
    part = parse_block(raw)
    return part if isinstance(part, Text) else Opaque(NAME, raw, CONTENT)


def _parse_turn(raw: msgspec.Raw, where: str) -> list[Message]:
    fields = object_or_none(raw)
    if fields is None:
        raise InvalidRequest(f"{where} has to be an object with a role and content.", param=where)
    taking = Taking(fields)
    role = taking.take("role", _ROLE)
    if role is None:
        raise InvalidRequest(
            f"{where}.role has to be user, assistant or system. Instructions for the whole conversation go into "
            "`system`, results of tools into blocks of a user's message.",
            param=f"{where}.role",
        )
    text = taking.take("content", TEXT)
    items = None if text is not None else taking.take("content", ITEMS)
    if text is None and items is None:
        raise InvalidRequest(
            f"{where}.content has to be a text or an array of content blocks.", param=f"{where}.content"
        )
    form = ([_TURN] if role == "system" else []) + ([WRITTEN] if text is not None else [])
    if text is not None:
        parts: tuple[Part, ...] = (Text(text),) if text else ()
        return [Message(role, parts, taking.extras(" ".join(form)))]
    return _split(role, items or [], taking.extras(" ".join(form)))


def _split(role: _TurnRole, items: list[msgspec.Raw], extras: Extras | None) -> list[Message]:
    """One message per tool result, and one for each run of other blocks; the last one has the extras."""
    found: list[Message] = []
    parts: list[Part] = []
    for item in items:
        fields = object_or_none(item)
        result = None
        if fields is not None and role == "user" and bytes(fields.get("type", b"")) == b'"tool_result"':
            result = parse_tool_result(fields)
        if result is None:
            parts.append(_parse_words(item) if role == "system" else parse_block(item))
            continue
        if parts:
            found.append(Message(role, tuple(parts)))
            parts = []
        found.append(Message("tool", (result,)))
    if parts or not found:
        found.append(Message(role, tuple(parts)))
    found[-1] = msgspec.structs.replace(found[-1], extras=extras)
    return found


class _Turn:
    """One message of the wire under construction."""

    __slots__ = ("blocks", "extras", "open", "role", "text")

    def __init__(self, role: str) -> None:
        self.role = role
        self.blocks: list[Json | msgspec.Raw] = []
        self.extras: Extras | None = None
        #: Results of tools only, so far: more of them and what the user says may follow.
        self.open = False
        self.text: str | None = None

    def render(self) -> Json:
        content: object = self.blocks if self.text is None else self.text
        return with_extras({"role": self.role, "content": content}, self.extras)


def render_messages(
    messages: tuple[Message, ...], loss: Loss, *, own: bool = False
) -> tuple[object, list[Json]]:
    """The system prompt (None: there is none) and the turns. Raises Unrepresentable, naming the part.

    A system message of another dialect that stands later moves into the system prompt, since only the newest models
    take it elsewhere; that its place was lost is named. `own`: the request came in this dialect.
    """
    system: list[Json | msgspec.Raw] = []
    system_text: str | None = None
    turns: list[_Turn] = []
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        form = own_form(message.extras).split()
        blocks = _render_parts(message, where, loss, own)
        text = _written(message, form)
        if message.role in _SYSTEM and _TURN not in form:
            if turns:
                loss.setting(f"{where}.role")
            system_text = text if not system else None
            system.extend(blocks)
        elif blocks:
            _add_turn(turns, message, blocks, text)
    if not own:
        _trim_last(turns, messages)
    if not turns:
        loss.content(
            "messages",
            "Anthropic's format needs at least one message of a user besides the system prompt. Add one.",
        )
    whole: object = system if system_text is None else system_text
    return (whole if system else None), [turn.render() for turn in turns]


def _trim_last(turns: list[_Turn], messages: tuple[Message, ...]) -> None:
    """Words put in the model's mouth may not end in white space: Anthropic refuses them, and they mean nothing."""
    last = messages[-1] if messages else None
    if last is None or last.role != "assistant" or not turns:
        return
    block = turns[-1].blocks[-1]
    if isinstance(block, dict) and isinstance(block.get("text"), str):
        block["text"] = str(block["text"]).rstrip()


def _written(message: Message, form: list[str]) -> str | None:
    """The text of a message that was written as one, and can be again."""
    only = message.parts[0] if len(message.parts) == 1 else None
    if WRITTEN in form and isinstance(only, Text) and only == Text(only.text):
        return only.text
    return None


def _render_parts(message: Message, where: str, loss: Loss, own: bool) -> list[Json | msgspec.Raw]:
    blocks: list[Json | msgspec.Raw] = []
    for number, part in enumerate(message.parts):
        place = f"{where}.content[{number}]"
        if isinstance(part, Media) and message.role in _SYSTEM:
            loss.content(
                place,
                f"{place}: Anthropic's format has no form for media in a system prompt. Send it as a user.",
            )
            continue
        if isinstance(part, Media) and message.role == "assistant" and not own:
            loss.content(
                place,
                f"{place}: Anthropic takes media from users only. Send it in a message of the user, or leave it out.",
            )
            continue
        block = render_part(part, place, loss, answer=own)
        if block is not None:
            blocks.append(block)
    return blocks


def _add_turn(
    turns: list[_Turn], message: Message, blocks: list[Json | msgspec.Raw], text: str | None
) -> None:
    results = message.role == "tool"
    role = "user" if results else "system" if message.role == "developer" else message.role
    if not (turns and turns[-1].open and text is None and role == "user"):
        turns.append(_Turn(role))
    turn = turns[-1]
    turn.blocks.extend(blocks)
    turn.text = text
    if message.extras is not None and message.extras.dialect == NAME and message.extras.fields:
        turn.extras = message.extras
    turn.open = results and turn.extras is None
