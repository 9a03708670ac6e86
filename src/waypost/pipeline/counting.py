"""Counting tokens here, for targets that can not: by the model's public tokenizer where there is one, else an estimate,
and labelled as what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from waypost.catalog.tokenizers import Tokenizer, find_tokenizer
from waypost.config.targets import Target
from waypost.core.asked import Asked
from waypost.core.token_estimate import estimate_tokens
from waypost.dialects.anthropic_count_tokens import codec as anthropic
from waypost.dialects.anthropic_messages.codec import MESSAGES
from waypost.dialects.dialect import ChatCodec, Dialect
from waypost.dialects.gemini_count_tokens import codec as gemini
from waypost.dialects.gemini_generate.codec import GENERATE
from waypost.dialects.openai_input_tokens import codec as openai
from waypost.dialects.openai_responses.codec import RESPONSES
from waypost.errors import Unrepresentable
from waypost.pipeline.weighing import Weighed, weigh
from waypost.ports import TokenCounter

_HEADER = b"x-waypost-count"


class _Way(msgspec.Struct, frozen=True):
    """Of a counting dialect: the request that it counts, and how a count is answered."""

    codec: ChatCodec | None
    counted: Callable[[Asked], Asked]
    render: Callable[[int], bytes]


def _itself(asked: Asked) -> Asked:
    return asked


_WAYS: Mapping[str, _Way] = MappingProxyType(
    {
        anthropic.COUNT_TOKENS.name: _Way(MESSAGES.codec, _itself, anthropic.render_count),
        gemini.COUNT_TOKENS.name: _Way(GENERATE.codec, gemini.counted, gemini.render_count),
        openai.INPUT_TOKENS.name: _Way(RESPONSES.codec, _itself, openai.render_count),
    }
)


class Count(msgspec.Struct, frozen=True):
    """A count made here."""

    body: bytes
    exact: bool

    @property
    def header(self) -> tuple[bytes, bytes]:
        """On every count that the gateway made itself."""
        return _HEADER, b"exact" if self.exact else b"estimated"


def can_count(dialect: Dialect) -> bool:
    """Whether an operation is a count that can be made here."""
    return dialect.name in _WAYS


async def count(
    dialect: Dialect, asked: Asked, targets: tuple[Target, ...], counter: TokenCounter | None
) -> Count:
    """The answer. `counter`: for exact counts; None has none. Raises InvalidRequest."""
    way = _WAYS[dialect.name]
    tokenizer = _shared_tokenizer(targets)
    try:
        weighed = None if way.codec is None else weigh(way.codec.parse_request(way.counted(asked)))
    except Unrepresentable:
        weighed = None
    if weighed is None:
        # Admission takes three bytes for a token, to be on the safe side; prose and code have about four.
        return Count(way.render(-(-asked.input_estimate * 3 // 4)), exact=False)
    tokens = None
    if tokenizer is not None and counter is not None:
        tokens = await counter.count(tokenizer.encoding, weighed.texts)
    exact = tokens is not None and tokenizer is not None and _is_exact(tokenizer, weighed, asked)
    if tokens is None:
        tokens = sum(map(estimate_tokens, weighed.texts))
    return Count(way.render(tokens + weighed.extra), exact)


def _shared_tokenizer(targets: tuple[Target, ...]) -> Tokenizer | None:
    """That of every target, if they have the same; nobody knows yet which one a request would go to."""
    found = {find_tokenizer(target.model) for target in targets}
    return found.pop() if len(found) == 1 else None


def _is_exact(tokenizer: Tokenizer, weighed: Weighed, asked: Asked) -> bool:
    return tokenizer.framed and weighed.plain and not openai.goes_on(asked)
