"""The dialects of Cohere: all but how a request is read and where it goes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from waypost.core.asked import Asked, Onward, PathAsk, Reply
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.cohere.counts import PLACES, find_counts, splice_cost
from waypost.dialects.cohere.errors import parse_end, parse_error, render_error
from waypost.dialects.cohere.relay import CohereRelay
from waypost.dialects.cross import BYTES_PER_TOKEN
from waypost.dialects.dialect import EVENT_STREAM, NO_PATH, ChatCodec, EmbedCodec, Entry, Pricer
from waypost.dialects.fields import loose_string, parse_object, render_fields, render_raw
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai.errors import parse_instead
from waypost.dialects.refusals import Headers
from waypost.dialects.taking import object_or_none
from waypost.errors import Garbled, GatewayError, UpstreamError

#: One of them is there in whatever answers; `message` as a text is an error.
_ANSWERS = ("message", "results", "embeddings", "data")


class CohereDialect:
    """A `Dialect`. Immutable."""

    __slots__ = (
        "_parse_ask",
        "_path",
        "codec",
        "embed_codec",
        "entries",
        "family",
        "forwarded",
        "name",
        "operation",
        "passed",
    )

    def __init__(
        self,
        name: str,
        operation: str,
        path: str,
        parse_ask: Callable[[bytes, JsonLimits], Asked],
        *,
        family: str = "",
        entries: tuple[Entry, ...] = (),
        codec: ChatCodec | None = None,
        embed_codec: EmbedCodec | None = None,
    ) -> None:
        self.name = name
        self.family = family or name
        self.operation = operation
        self.entries = entries
        self.forwarded: tuple[bytes, ...] = (b"x-client-name",)
        self.passed: tuple[bytes, ...] = ()
        self.codec = codec
        self.embed_codec = embed_codec
        self._path = path
        self._parse_ask = parse_ask

    def onward_path(self, model: str, stream: bool) -> str:
        """Always the same."""
        return self._path

    def stream_type(self, asked: Asked) -> bytes:
        """Server-sent events."""
        return EVENT_STREAM

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """See the `ask.py` of the dialect's folder."""
        return self._parse_ask(body, limits)

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """The client's fields as they came, with the target's model id and without those that the provider refuses."""
        fields = {name: raw for name, raw in asked.fields.items() if name not in quirks.drop}
        fields["model"] = render_raw(model)
        return Onward(render_fields(fields), tuple(name for name in quirks.drop if name in asked.fields))

    def parse_reply(self, body: bytes) -> Reply:
        """See `parse_reply`."""
        return parse_reply(body)

    def render_reply(self, reply: Reply, cost_nusd: int | None) -> bytes:
        """The answer as it came, with its cost beside the counts."""
        fields = reply.fields.copy()
        place = next((name for name in PLACES if name in fields), PLACES[0])
        fields[place] = splice_cost(fields.get(place), reply.usage, cost_nusd)
        return render_fields(fields)

    def stream_relay(self, asked: Asked, price: Pricer) -> CohereRelay:
        """See `relay.CohereRelay`."""
        return CohereRelay(asked, price)

    def estimate_output(self, asked: Asked, reply: Reply) -> Usage:
        """Input as estimated at admission; output from the bytes of a chat's message, four to a token."""
        message = object_or_none(reply.fields.get("message")) or {}
        size = sum(max(0, len(bytes(raw)) - 2) for name, raw in message.items() if name != "role")
        made = -(-size // BYTES_PER_TOKEN) if self.operation == "chat" else 0
        return Usage(input=asked.input_estimate, output=made, source="estimated")

    def parse_error(self, status: int, headers: Headers, body: bytes) -> UpstreamError:
        """See `errors.parse_error`."""
        return parse_error(status, headers, body)

    def render_error(self, error: GatewayError) -> bytes:
        """See `errors.render_error`."""
        return render_error(error)


def parse_reply(body: bytes) -> Reply:
    """Raises Garbled, and what the provider reports inside a 200."""
    try:
        fields = parse_object(body)
    except ValueError:
        raise Garbled(
            "The provider's answer is not a JSON object. Try again, or another model; "
            "if it stays, check the provider's base URL."
        ) from None
    reason = loose_string(fields.get("finish_reason"))
    failure = parse_end(reason, fields.get("error"))
    if failure is not None:
        raise failure
    if fields.keys().isdisjoint(_ANSWERS) or loose_string(fields.get("message")) is not None:
        raise parse_instead(fields)
    return Reply(fields=fields, usage=find_counts(fields), finish_reason=reason)


def text_of(raw: msgspec.Raw | None) -> bytes:
    """A field's own bytes; b"null" when it is missing."""
    return b"null" if raw is None else bytes(raw)
