"""What of a streamed choice is shown only at its end: fields that the core does not model, log probabilities, sound in
pieces, calls of custom tools."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from waypost.core.request import Extras, Media, Opaque
from waypost.core.response import ReplyPart
from waypost.dialects.fields import NULL, Fields
from waypost.dialects.openai_chat.calls import CALLS
from waypost.dialects.openai_chat.citations import FIELD as ANNOTATIONS
from waypost.dialects.openai_chat.media import AUDIO
from waypost.dialects.openai_chat.own import NAME, Taking
from waypost.dialects.taking import INTEGER, ITEMS, TEXT, Json, object_or_none

LOGPROBS = "logprobs"
_PIECES = ("data", "transcript")
_EMPTY = frozenset({NULL, b"[]", b"{}", b'""'})


class Gathered:
    """Of one choice. A field that comes several times keeps its last value."""

    __slots__ = ("_annotations", "_choice", "_custom", "_delta", "_logprobs", "_sound")

    def __init__(self) -> None:
        self._delta: Fields = {}
        self._choice: Fields = {}
        self._annotations: list[msgspec.Raw] = []
        self._logprobs: dict[str, list[msgspec.Raw]] = {}
        self._sound: Json = {}
        self._custom: dict[int, tuple[Json, list[str]]] = {}

    def keep_delta(self, rest: Fields) -> None:
        """Fields of a message that nothing else read."""
        self._delta.update({name: raw for name, raw in rest.items() if bytes(raw) not in _EMPTY})

    def keep_choice(self, rest: Fields) -> None:
        """Fields of a choice that nothing else read; its log probabilities add up."""
        for name, raw in rest.items():
            fields = object_or_none(raw) if name == LOGPROBS else None
            if fields is not None:
                for kind, found in fields.items():
                    if bytes(found) != NULL:
                        self._logprobs.setdefault(kind, []).extend(_items(found))
            elif bytes(raw) not in _EMPTY:
                self._choice[name] = raw

    def keep_annotation(self, raw: msgspec.Raw) -> None:
        """One that is no citation."""
        self._annotations.append(raw)

    def keep_sound(self, delta: Taking) -> None:
        """A piece of `audio`."""
        fields = delta.take_object(AUDIO)
        for name, raw in (fields or {}).items():
            piece = Taking({name: raw}).take(name, TEXT) if name in _PIECES else None
            if piece is not None:
                self._sound[name] = f"{self._sound.get(name, '')}{piece}"
            elif bytes(raw) != NULL:
                self._sound[name] = raw

    def keep_custom(self, call: Taking) -> bool:
        """A piece of a custom tool's call; False for a function's."""
        number = Taking(call.rest).take("index", INTEGER) or 0
        custom = call.take_object("custom")
        if custom is None and number not in self._custom:
            return False
        inner = Taking(custom or {})
        head, pieces = self._custom.setdefault(number, ({"type": "custom"}, []))
        for taking, name in ((call, "id"), (inner, "name")):
            value = taking.take(name, TEXT)
            if value is not None:
                head[name] = value
        pieces.append(inner.take("input", TEXT) or "")
        return True

    def parts(self) -> Iterator[ReplyPart]:
        """Whole parts that came in pieces."""
        if self._sound:
            sound = Taking(object_or_none(msgspec.Raw(msgspec.json.encode(self._sound))) or {})
            data, sound_id = sound.take("data", TEXT), sound.take("id", TEXT)
            yield Media("audio", data=data or "", file_id=sound_id, extras=Extras(NAME, sound.rest, AUDIO))
        for head, pieces in self._custom.values():
            custom = {"name": head.get("name", ""), "input": "".join(pieces)}
            call = {"id": head.get("id", ""), "type": "custom", "custom": custom}
            yield Opaque(NAME, msgspec.Raw(msgspec.json.encode(call)), CALLS)

    def extras(self) -> Extras | None:
        """As a whole answer's choice has them."""
        fields = dict(self._choice)
        if self._logprobs:
            both = {kind: self._logprobs.get(kind) for kind in ("content", "refusal")}
            fields[LOGPROBS] = msgspec.Raw(msgspec.json.encode({**self._logprobs, **both}))
        if self._annotations:
            self._delta[ANNOTATIONS] = msgspec.Raw(msgspec.json.encode(self._annotations))
        if self._delta:
            fields["message"] = msgspec.Raw(msgspec.json.encode(self._delta))
        return Extras(NAME, fields) if fields else None


def _items(raw: msgspec.Raw) -> list[msgspec.Raw]:
    try:
        return ITEMS.decode(raw)
    except ValueError:
        return []
