"""The dialect `openai_input_tokens`: how many tokens the input of a response would have. It bills nothing.

https://developers.openai.com/api/reference/resources/responses/subresources/input_tokens (2026-11-26): the fields of a
response's request that the model is shown, and `{"object": "response.input_tokens", "input_tokens": n}` for an answer.
"""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, PathAsk, Reply
from waypost.core.usage import Usage
from waypost.dialects.dialect import NO_PATH, Entry
from waypost.dialects.fields import parse_object, render_fields
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai.errors import parse_instead
from waypost.dialects.openai_responses.ask import is_set, parse_ask
from waypost.dialects.openai_responses.codec import ResponsesDialect
from waypost.dialects.openai_responses.errors import read_failure
from waypost.errors import Garbled

_PATH = "/responses/input_tokens"
_ANSWER = "input_tokens"
_KEPT = ("prompt", "previous_response_id", "conversation")
_NOTHING = Usage()


class InputTokens(ResponsesDialect):
    """A `Dialect`. Immutable. A count costs nothing, so an answer passes without a cost in it."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(None)
        self.name = self.family = "openai_input_tokens"
        self.operation = "count_tokens"
        self.entries = (Entry(_PATH),)

    def onward_path(self, model: str, stream: bool) -> str:
        """Always the same."""
        return _PATH

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """As for a response that generates nothing. Raises InvalidRequest (with `param`) and TooLarge."""
        asked = parse_ask(body, limits)
        return msgspec.structs.replace(asked, stream=False, wants_usage=False, max_output=None, choices=0)

    def parse_reply(self, body: bytes) -> Reply:
        """Raises Garbled, and what the provider reports inside a 200."""
        try:
            fields = parse_object(body)
        except ValueError:
            raise Garbled(
                "The provider's count is not a JSON object. Try again, or another model; "
                "if it stays, check the provider's base URL."
            ) from None
        if _ANSWER not in fields:
            raise read_failure(fields["error"]) if is_set(fields, "error") else parse_instead(fields)
        return Reply(fields=fields, usage=_NOTHING)

    def render_reply(self, answer: Reply, cost_nusd: int | None) -> bytes:
        """The answer as it came."""
        return render_fields(answer.fields)

    def estimate_output(self, asked: Asked, answer: Reply) -> Usage:
        """Nothing was used."""
        return _NOTHING


def render_count(tokens: int) -> bytes:
    """The whole answer, for a gateway that counts by itself."""
    return b'{"object":"response.input_tokens","input_tokens":%d}' % tokens


def goes_on(asked: Asked) -> bool:
    """The request goes on from something that the provider keeps and a gateway does not see."""
    return any(is_set(asked.fields, name) for name in _KEPT)


INPUT_TOKENS = InputTokens()
