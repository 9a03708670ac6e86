"""What conditions and sticky draws see of one request, each part worked out when it is first asked for.

A route without conditions pays for one small object. What is in the messages is read by the client dialect's own codec,
and only where a condition names `content` or `request.effort`. The names are in `config/facets.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from waypost.config.facets import hidden_header
from waypost.core.asked import Asked
from waypost.core.key import Key
from waypost.core.money import NANO
from waypost.core.request import ChatRequest
from waypost.dialects.dialect import Dialect
from waypost.dialects.structured import wanted_shape
from waypost.errors import GatewayError
from waypost.routing.contents import Content, of_chat, of_embeddings, of_fields

#: Bytes of one field of the body, and of all together, that conditions are shown; the rest counts as not there.
FIELD_MAX: Final = 16 * 1024
BODY_MAX: Final = 64 * 1024
#: Characters of a header, or of a name for a sticky draw.
_SHOWN: Final = 4096

_UNREAD: Final = object()
_TEXT: Final = msgspec.json.Decoder(str)
_OBJECT: Final = msgspec.json.Decoder(dict[str, object])


class Said(msgspec.Struct, frozen=True):
    """Who asks, in the words of the request's own options for the gateway; None: looked for elsewhere."""

    user: str | None = None
    session: str | None = None
    trace: str | None = None
    metadata: Mapping[str, object] | None = None


class _Tool(msgspec.Struct):
    """Gemini's clients write either name; other dialects have a function for each tool."""

    camel: list[msgspec.Raw] = msgspec.field(default_factory=list, name="functionDeclarations")
    snake: list[msgspec.Raw] = msgspec.field(default_factory=list, name="function_declarations")


class _ToolConfig(msgspec.Struct):
    tools: list[msgspec.Raw] = []


_TOOLS: Final = msgspec.json.Decoder(list[_Tool])
_TOOL_CONFIG: Final = msgspec.json.Decoder(_ToolConfig)

NOTHING_SAID: Final = Said()


class RequestFacets(msgspec.Struct, eq=False):
    """`config.nodes.Facets` of one request. Belongs to one exchange; fills itself as it is read."""

    asked: Asked
    dialect: Dialect
    headers: Mapping[bytes, bytes]
    """The client's, names in lower case."""
    key: Key
    at: float
    """Unix time in seconds."""
    left_nusd: Callable[[], int | None]
    """What is left of the key's budget; None where it has none. Asked for at most once."""
    said: Said = NOTHING_SAID
    read: dict[str, object] | None = None
    """What was worked out so far."""

    def __getitem__(self, name: str) -> object:
        """Raises KeyError for a name that there is not, and for content that can not be read."""
        read = self.read
        if read is None:
            read = self.read = {}
        value = read.get(name, _UNREAD)
        if value is _UNREAD:
            value = read[name] = self._work_out(name)
        return value

    def sticky(self, name: str) -> str | None:
        """What `user`, `session`, `trace`, `key`, `header:NAME` or `metadata:NAME` is here; None: nothing."""
        if name == "key":
            return self.key.key_id
        kind, _, rest = name.partition(":")
        value: object = None
        if kind == "header":
            shown = self.headers.get(rest.lower().encode())
            return None if shown is None or hidden_header(rest.lower()) else shown[:_SHOWN].decode("latin-1")
        if kind == "metadata":
            metadata = self["metadata"]
            value = metadata.get(rest) if isinstance(metadata, Mapping) else None
        elif not rest:
            value = self[name]
        if value is None or isinstance(value, list | dict):
            return None
        return str(value)[:_SHOWN]

    def chat(self) -> ChatRequest:
        """The request through the core's model. Raises KeyError where its dialect has no messages, or they can not be
        read."""
        chat = (self.read or {}).get("chat")
        if isinstance(chat, ChatRequest):
            return chat
        codec = self.dialect.codec
        if codec is None:
            raise KeyError("content")
        try:
            chat = codec.parse_request(self.asked)
        except GatewayError:
            raise KeyError("content") from None  # the lane to its target will refuse it, in the right words
        if self.read is None:
            self.read = {}
        self.read["chat"] = chat
        return chat

    def _work_out(self, name: str) -> object:
        if name.startswith(("header:", "metadata:")):
            return self.sticky(name)
        return _FACETS[name](self)


class Members(Mapping[str, object]):
    """A facet with parts, each worked out when it is first read."""

    __slots__ = ("_facets", "_parts", "_read")

    def __init__(self, facets: RequestFacets, parts: Mapping[str, Callable[[RequestFacets], object]]) -> None:
        self._facets = facets
        self._parts = parts
        self._read: dict[str, object] = {}

    def __getitem__(self, name: str) -> object:
        value = self._read.get(name, _UNREAD)
        if value is _UNREAD:
            value = self._read[name] = self._parts[name](self._facets)
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


class Body(Mapping[str, object]):
    """The fields of a request's body, without those that are too long."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, msgspec.Raw]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> object:
        raw = self._fields[name]
        if len(memoryview(raw)) > FIELD_MAX:
            raise KeyError(name)
        value: object = msgspec.json.decode(raw)
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._fields and len(memoryview(self._fields[str(name)])) <= FIELD_MAX

    def __iter__(self) -> Iterator[str]:
        left = BODY_MAX
        for name, raw in self._fields.items():
            size = len(memoryview(raw))
            if size <= FIELD_MAX and size <= left:
                left -= size
                yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Shown(Mapping[str, object]):
    """A client's headers, without those that hold credentials."""

    __slots__ = ("_headers",)

    def __init__(self, headers: Mapping[bytes, bytes]) -> None:
        self._headers = headers

    def __getitem__(self, name: str) -> object:
        lower = name.lower()
        if hidden_header(lower):
            raise KeyError(name)
        return self._headers[lower.encode()][:_SHOWN].decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        names = (name.decode("latin-1") for name in self._headers)
        return (name for name in names if not hidden_header(name))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _content(facets: RequestFacets) -> Mapping[str, object]:
    dialect, asked = facets.dialect, facets.asked
    if dialect.codec is not None:
        found: Content = of_chat(facets.chat())
    elif dialect.embed_codec is not None:
        try:
            found = of_embeddings(dialect.embed_codec.parse_request(asked))
        except GatewayError:
            raise KeyError("content") from None
    else:
        found = of_fields(asked.fields)
    return msgspec.structs.asdict(found)


def _tools(facets: RequestFacets) -> int:
    """Functions that the model may call, and other tools."""
    fields = facets.asked.fields
    try:
        if "tools" in fields:
            each = _TOOLS.decode(fields["tools"])
            return sum(len(tool.camel) + len(tool.snake) or 1 for tool in each)
        if "toolConfig" in fields:
            return len(_TOOL_CONFIG.decode(fields["toolConfig"]).tools)
    except msgspec.DecodeError:
        return 0  # its target will refuse it
    return 0


def _has_schema(facets: RequestFacets) -> bool:
    """Whether the answer has to be an instance of a JSON schema."""
    if facets.dialect.family == "cohere_chat":
        wanted = facets.asked.fields.get("response_format")
        return wanted is not None and b"schema" in bytes(wanted)
    try:
        return wanted_shape(facets.dialect, facets.asked) is not None
    except GatewayError:
        return False


def _metadata(facets: RequestFacets) -> Mapping[str, object]:
    fields = facets.asked.fields
    # OpenAI and Anthropic, Bedrock, Gemini.
    own = next((fields[name] for name in ("metadata", "requestMetadata", "labels") if name in fields), None)
    found: Mapping[str, object] = {}
    if own is not None and len(memoryview(own)) <= FIELD_MAX:
        try:
            found = _OBJECT.decode(own)
        except msgspec.DecodeError:
            found = {}  # no object
    return found if not facets.said.metadata else {**found, **facets.said.metadata}


def _text(facets: RequestFacets, *names: str) -> str | None:
    for name in names:
        raw = facets.asked.fields.get(name)
        if raw is not None and len(memoryview(raw)) <= _SHOWN:
            try:
                text = _TEXT.decode(raw)
            except msgspec.DecodeError:
                continue
            if text:
                return text
    return None


def _user(facets: RequestFacets) -> str | None:
    said = facets.said.user or _text(facets, "user", "safety_identifier")
    if said is not None or facets.dialect.family != "anthropic_messages":
        return said
    metadata = facets["metadata"]
    user = metadata.get("user_id") if isinstance(metadata, Mapping) else None
    return user if isinstance(user, str) else None


def _session(facets: RequestFacets) -> str | None:
    if facets.said.session:
        return facets.said.session
    for name in (b"x-waypost-session", b"x-session-id"):
        value = facets.headers.get(name)
        if value:
            return value[:_SHOWN].decode("latin-1")
    return _text(facets, "session_id", "prompt_cache_key")


def _trace(facets: RequestFacets) -> str | None:
    """The trace id of `traceparent`, https://www.w3.org/TR/trace-context/ (version, trace id, parent id, flags)."""
    if facets.said.trace:
        return facets.said.trace
    parts = facets.headers.get(b"traceparent", b"").split(b"-")
    if len(parts) < 4 or len(parts[1]) != 32:
        return None
    return parts[1].decode("latin-1").lower()


def _time(facets: RequestFacets) -> Mapping[str, object]:
    now = datetime.fromtimestamp(facets.at, UTC)
    return {
        "hour": now.hour,
        "minute": now.minute,
        "weekday": now.isoweekday(),
        "date": now.date().isoformat(),
        "unix": int(facets.at),
    }


def _budget(facets: RequestFacets) -> Mapping[str, object]:
    left = facets.left_nusd()
    return {"left_usd": None if left is None else left / NANO, "limited": left is not None}


_REQUEST: Final[Mapping[str, Callable[[RequestFacets], object]]] = {
    "model": lambda facets: facets.asked.model,
    "operation": lambda facets: facets.dialect.operation,
    "stream": lambda facets: facets.asked.stream,
    "input_tokens": lambda facets: facets.asked.input_estimate,
    "max_output": lambda facets: facets.asked.max_output,
    "choices": lambda facets: facets.asked.choices,
    "tier": lambda facets: facets.asked.tier,
    "tools": _tools,
    "has_schema": _has_schema,
    "effort": lambda facets: facets.chat().effort,
}

_FACETS: Final[Mapping[str, Callable[[RequestFacets], object]]] = {
    "request": lambda facets: Members(facets, _REQUEST),
    "content": _content,
    "body": lambda facets: Body(facets.asked.fields),
    "metadata": _metadata,
    "headers": lambda facets: Shown(facets.headers),
    "key": lambda facets: {
        "id": facets.key.key_id,
        "name": facets.key.name,
        "priority": facets.key.priority,
    },
    "user": _user,
    "session": _session,
    "trace": _trace,
    "time": _time,
    "budget": _budget,
}
