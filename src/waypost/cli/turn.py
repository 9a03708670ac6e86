"""A conversation with a model, turn by turn."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from time import perf_counter

import msgspec

from waypost.cli.link import GatewayLink, raise_stream_fault
from waypost.errors import CallerError, Failed


class Turn(msgspec.Struct, frozen=True):
    """One answer. `cost` in USD, as a decimal text; None when the price is unknown."""

    model: str
    text: str
    input_tokens: int | None
    output_tokens: int | None
    cost: str | None
    seconds: float


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta = msgspec.field(default_factory=_Delta)


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


class Conversation:
    """Keeps what was said. Each `say` sends all of it."""

    def __init__(self, link: GatewayLink, model: str, system: str | None, max_tokens: int | None) -> None:
        self.model = model
        self._link = link
        self._max_tokens = max_tokens
        self._messages = [{"role": "system", "content": system}] if system else []

    async def say(self, text: str, show: Callable[[str], None] | None) -> Turn:
        """Ask, and hand each piece of the answer to `show` as it arrives. Raises GatewayError."""
        self._messages.append({"role": "user", "content": text})
        asked: dict[str, object] = {
            "model": self.model,
            "messages": self._messages,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._max_tokens is not None:
            asked["max_tokens"] = self._max_tokens
        started, pieces, usage = perf_counter(), [], None
        async for data in self._link.stream("/v1/chat/completions", msgspec.json.encode(asked)):
            raise_stream_fault(data)
            chunk = _decode(data)
            usage = chunk.usage or usage
            for choice in chunk.choices[:1]:
                if choice.delta.content:
                    pieces.append(choice.delta.content)
                    if show is not None:
                        show(choice.delta.content)
        answer = "".join(pieces)
        self._messages.append({"role": "assistant", "content": answer})
        return Turn(
            model=self.model,
            text=answer,
            input_tokens=usage.prompt_tokens if usage else None,
            output_tokens=usage.completion_tokens if usage else None,
            cost=format(usage.cost, "f") if usage and usage.cost is not None else None,
            seconds=round(perf_counter() - started, 3),
        )


async def read_models(link: GatewayLink) -> list[str]:
    """The models this key may use, in the gateway's order. Raises CallerError and Unavailable."""
    status, body = await link.get("/v1/models")
    if status == 401:
        raise CallerError(
            "The gateway does not know this key. Set WAYPOST_KEY; `waypost keys create` makes one."
        )
    try:
        return [model.id for model in msgspec.json.decode(body, type=_Models).data]
    except msgspec.DecodeError:
        raise Failed("The gateway's model list can not be read.") from None


def _decode(data: bytes) -> _Chunk:
    try:
        return msgspec.json.decode(data, type=_Chunk)
    except msgspec.DecodeError:
        raise Failed("The gateway sent an event that can not be read.") from None
