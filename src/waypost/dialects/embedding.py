"""Embeddings between two dialects, through the core, and what the codecs for them share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from waypost.core.asked import Asked, Onward, Reply, Stamp
from waypost.core.embed import EmbedInput, EmbedRequest
from waypost.core.loss import Loss
from waypost.core.quirks import Quirks
from waypost.core.request import Text
from waypost.core.usage import Usage
from waypost.dialects.cross import foreign_fields, parse_cross_error
from waypost.dialects.dialect import Dialect, EmbedCodec, Pricer, StreamRelay
from waypost.dialects.taking import Json
from waypost.errors import Unrepresentable, UpstreamError


class EmbedLane:
    """A `Lane` whose ends both have an `EmbedCodec`: nothing is lost without its being named."""

    __slots__ = ("_client", "_codec", "forwarded", "passed", "target")

    def __init__(self, client: EmbedCodec, target: Dialect, codec: EmbedCodec) -> None:
        self.target = target
        self.forwarded: tuple[bytes, ...] = ()
        self.passed: tuple[bytes, ...] = ()
        self._client = client
        self._codec = codec

    def render_onward(self, asked: Asked, model: str, quirks: Quirks) -> Onward:
        """Raises InvalidRequest and Unrepresentable, in the client's own names."""
        client, names = self._client, self._client.names
        request = msgspec.structs.replace(client.parse_request(asked), model=model)
        loss = Loss(drop=asked.drop_content)
        for name in _foreign(request, client, self._codec.dialect):
            loss.setting(name)
        try:
            body = self._codec.render_request(request, quirks, loss)
        except Unrepresentable as error:
            raise Unrepresentable(error.message, param=names.get(error.param or "", error.param)) from None
        return Onward(body, tuple(names.get(name, name) for name in loss.names))

    def parse_reply(self, body: bytes) -> Reply:
        """Raises UpstreamError."""
        response = self._codec.parse_response(body)
        return Reply(fields={}, usage=response.usage, embedded=response)

    def render_reply(self, asked: Asked, reply: Reply, cost_nusd: int | None, stamp: Stamp) -> bytes:
        """Raises Garbled for numbers that the client's encoding can not hold."""
        assert reply.embedded is not None  # noqa: S101 - parse_reply set it
        response = msgspec.structs.replace(
            reply.embedded,
            usage=reply.embedded.usage or reply.usage,
            model=reply.embedded.model or asked.model,
        )
        return self._client.render_response(response, asked, cost_nusd, stamp)

    def stream_relay(self, asked: Asked, price: Pricer, stamp: Stamp) -> StreamRelay:
        """The target's own: no request for embeddings streams."""
        return self.target.stream_relay(asked, price)

    def estimate_output(self, asked: Asked, reply: Reply) -> Usage:
        """Input as estimated at admission; vectors are not counted."""
        return Usage(input=asked.input_estimate, source="estimated")

    def parse_error(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> UpstreamError:
        """See `cross.parse_cross_error`."""
        return parse_cross_error(self.target, status, headers, body)


def embed_lane(client: Dialect, known: Iterable[Dialect]) -> EmbedLane | None:
    """The lane to the first of a provider's dialects that a client's embeddings cross to. One that takes several inputs
    comes before one that takes a single one."""
    if client.embed_codec is None:
        return None
    able = [(target, codec) for target in known if (codec := target.embed_codec) is not None]
    for target, codec in sorted(able, key=lambda pair: not pair[1].many):
        return EmbedLane(client.embed_codec, target, codec)
    return None


def _foreign(request: EmbedRequest, client: EmbedCodec, family: str) -> Iterator[str]:
    yield from foreign_fields(request.extras, client.neutral, family, "")
    for item in request.inputs:
        yield from foreign_fields(item.extras, client.neutral, family, "")


def single(request: EmbedRequest) -> EmbedInput:
    """The input of a request to a target that takes one. Raises Unrepresentable."""
    if len(request.inputs) != 1:
        raise Unrepresentable(
            f"This model embeds one input in a request, and this one has {len(request.inputs)}. Send one at a time, or "
            "choose a model that takes several.",
            param="input",
        )
    return request.inputs[0]


def text_of(item: EmbedInput, number: int, loss: Loss) -> str:
    """The text of an input for a target that takes nothing else; several are put on lines of their own. Raises
    Unrepresentable."""
    texts = [part.text for part in item.parts if isinstance(part, Text)]
    if len(texts) < len(item.parts):
        if not texts:
            raise not_shown(number)
        loss.content("input", not_shown(number).message)
    return "\n".join(texts)


def not_shown(number: int) -> Unrepresentable:
    """An input, by its place, that the target has no word for."""
    return Unrepresentable(
        f"Input {number + 1} is, or holds, what this model can not be shown: token ids, a picture or a file. Send "
        "text, or choose a model of the dialect you ask in.",
        param="input",
    )


def name_lost(request: EmbedRequest, loss: Loss, *settings: str) -> None:
    """Names those of the settings that the request has and the target has no word for."""
    for name in settings:
        if getattr(request, name) is not None:
            loss.setting(name)


def drop_refused(out: Json, quirks: Quirks, loss: Loss) -> Json:
    """`out` without the fields that the provider is known to refuse."""
    for name in quirks.drop:
        if out.pop(name, None) is not None:
            loss.setting(name)
    return out
