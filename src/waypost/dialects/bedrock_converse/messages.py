"""Messages in both directions. Converse has two roles and a place of its own for the system prompt; tool results stand
among the user's blocks, and a message of the core holds one of them."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from waypost.core.loss import Loss
from waypost.core.request import Extras, Media, Message, Opaque, Part, Role, Text, ToolResult
from waypost.dialects.bedrock_converse.own import NAME, Taking, own_form, with_extras
from waypost.dialects.bedrock_converse.parts import CONTENT, Writer, cache_hint, parse_block
from waypost.dialects.fields import Fields
from waypost.dialects.taking import ITEMS, Json, object_or_none
from waypost.errors import InvalidRequest, Unrepresentable

_ROLE: msgspec.json.Decoder[Literal["user", "assistant", "system"]] = msgspec.json.Decoder(
    Literal["user", "assistant", "system"]
)
#: A system message that stood among the others.
_INLINE: Final = "inline"
#: It does not belong to the wire's message before it, although the role is the same.
_APART: Final = "apart"
#: It has no content.
_EMPTY: Final = "empty"
#: Cache points that follow nothing a hint can hang on: `[[place, block], …]`.
_POINTS: Final = "cachePoint"
_PLACED: msgspec.json.Decoder[list[tuple[int, msgspec.Raw]]] = msgspec.json.Decoder(
    list[tuple[int, msgspec.Raw]]
)


def parse_blocks(items: list[msgspec.Raw], *, results: bool = False) -> tuple[list[Part], Fields]:
    """The parts, and the cache points that could not be hung on one. Without `results`, a tool's result is kept as it
    is: the core has none outside a message of role `tool`."""
    parts: list[Part] = []
    points: list[tuple[int, msgspec.Raw]] = []
    for place, item in enumerate(items):
        fields = object_or_none(item)
        if fields is None or fields.keys() != {"cachePoint"}:
            part = parse_block(item)
            if isinstance(part, ToolResult) and not results:
                part = Opaque(NAME, item, CONTENT)
            parts.append(part)
            continue
        hint = cache_hint(object_or_none(fields["cachePoint"]))
        last = parts[-1] if parts else None
        if hint is not None and isinstance(last, Text | Media | ToolResult) and last.cache is None:
            parts[-1] = msgspec.structs.replace(last, cache=hint)
        else:
            points.append((place, item))
    return parts, {_POINTS: msgspec.Raw(msgspec.json.encode(points))} if points else {}


def parse_system(taking: Taking) -> list[Message]:
    """`system` as one message, or none."""
    items = taking.take_items("system")
    if not items:
        return []
    parts, points = parse_blocks(items)
    return [Message("system", tuple(parts), _extras(points))]


def _extras(fields: Fields, form: str = "") -> Extras | None:
    return Extras(NAME, fields, form) if fields or form else None


def parse_messages(items: list[msgspec.Raw]) -> list[Message]:
    """Raises InvalidRequest and Unrepresentable, naming the message."""
    found: list[Message] = []
    before = ""
    for number, item in enumerate(items):
        where = f"messages[{number}]"
        fields = object_or_none(item)
        if fields is None:
            raise InvalidRequest(f"{where} has to be an object.", param=where)
        taking = Taking(fields)
        role = taking.take("role", _ROLE)
        if role is None:
            raise Unrepresentable(
                f"{where}.role has to be user, assistant or system. Correct it.", param=f"{where}.role"
            )
        content = taking.take("content", ITEMS)
        if content is None:
            raise InvalidRequest(
                f'{where}.content has to be an array of content blocks. Send [{{"text": "…"}}].',
                param=f"{where}.content",
            )
        parts, points = parse_blocks(content, results=role == "user")
        marks = {_INLINE: role == "system", _APART: role == before, _EMPTY: not content}
        form = " ".join(name for name, so in marks.items() if so)
        before = role
        found += _split(role, parts, _extras({**taking.rest, **points}, form))
    return found


def _split(role: Role, parts: list[Part], extras: Extras | None) -> list[Message]:
    """One message for each tool result, and one for each run of other parts between them."""
    if role != "user":
        return [Message(role, tuple(parts), extras)]
    runs: list[Message] = []
    run: list[Part] = []
    for part in parts:
        if isinstance(part, ToolResult):
            if run:
                runs.append(Message("user", tuple(run)))
                run = []
            runs.append(Message("tool", (part,)))
        else:
            run.append(part)
    if run or not runs:
        runs.append(Message("user", tuple(run)))
    runs[0] = msgspec.structs.replace(runs[0], extras=extras)
    return runs


def _points_of(extras: Extras | None) -> bool:
    return extras is not None and extras.dialect == NAME and _POINTS in extras.fields


class Conversation:
    """The wire's `system` and `messages`, built from the core's messages one by one."""

    __slots__ = ("_loss", "_points", "_writer", "messages", "system")

    def __init__(self, writer: Writer, loss: Loss) -> None:
        self.system: list[Json | msgspec.Raw] = []
        self.messages: list[Json] = []
        self._writer = writer
        self._loss = loss
        self._points: list[tuple[list[Json | msgspec.Raw], msgspec.Raw]] = []

    def add(self, message: Message, number: int) -> None:
        """Raises Unrepresentable, naming the part."""
        where = f"messages[{number}]"
        form = own_form(message.extras).split()
        inline = _INLINE in form
        if message.role in ("system", "developer") and not inline:
            if self.messages:
                self._loss.setting(f"{where}.role")  # what it says moves to the front
            self._add_system(message, where)
            return
        blocks = self._writer.blocks(message.parts, where, of_model=message.role == "assistant")
        if not blocks and _EMPTY not in form and not _points_of(message.extras):
            return
        role = "system" if inline else "assistant" if message.role == "assistant" else "user"
        last = self.messages[-1] if self.messages else None
        if last is not None and last["role"] == role and _APART not in form and not inline:
            content = last["content"]
            assert isinstance(content, list)  # noqa: S101 - every one is made below
            content += blocks
        else:
            last = {"role": role, "content": blocks}
            self.messages.append(last)
            content = blocks
        self._keep(last, content, message.extras)

    def _add_system(self, message: Message, where: str) -> None:
        for number, part in enumerate(message.parts):
            if not isinstance(part, Text | Opaque):
                self._loss.content(
                    f"{where}.content[{number}]",
                    f"{where}.content[{number}] is a {type(part).__name__.lower()} in a system prompt, and Bedrock "
                    "takes text there. Move it into a user message.",
                )
                continue
            self.system += self._writer.blocks((part,), where)
        self._keep({}, self.system, message.extras)

    def _keep(self, message: Json, content: list[Json | msgspec.Raw], extras: Extras | None) -> None:
        if extras is None or extras.dialect != NAME:
            return
        fields = dict(extras.fields)
        points = fields.pop(_POINTS, None)
        with_extras(message, Extras(NAME, fields))
        if points is not None:
            self._points.append((content, points))

    def close(self) -> None:
        """Puts the cache points back that hang on nothing."""
        for content, points in self._points:
            for place, block in _PLACED.decode(points):
                content.insert(place, block)
        self._points = []
