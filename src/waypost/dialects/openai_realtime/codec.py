"""The dialect `openai_realtime`: a WebSocket that is opened for a model, and JSON events both ways on it.

What it shares with the other dialects is how it is found, admitted and refused. Its events are in `events.py`.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, quote

from waypost.core.asked import Asked, PathAsk
from waypost.dialects.dialect import NO_PATH, Entry
from waypost.dialects.json_limits import DEFAULT, JsonLimits
from waypost.dialects.openai.codec import OpenAIDialect
from waypost.errors import InvalidRequest

#: They join a call, or a session of another kind, whose model is not the one that is named here:
#: https://platform.openai.com/docs/guides/realtime-server-controls (2026-11-25).
_ELSEWHERE = ("call_id", "intent")


class RealtimeDialect(OpenAIDialect):
    """A `Dialect` that has no body: what is asked stands in the query."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("openai_realtime", "realtime", "/realtime", b"", _no_body)
        self.entries = (Entry("/realtime", socket=True),)
        self.forwarded = (b"openai-beta", b"openai-safety-identifier")

    def onward_path(self, model: str, stream: bool) -> str:
        """With the model, percent-encoded. Nothing else of the client's query goes on."""
        return f"{self._path}?model={quote(model, safe='')}"

    def parse_ask(self, body: bytes, limits: JsonLimits = DEFAULT, path: PathAsk = NO_PATH) -> Asked:
        """`model` of the query. Raises InvalidRequest, with `param`."""
        said = dict(parse_qsl(path.query.decode("latin-1")))
        for name in _ELSEWHERE:
            if name in said:
                raise InvalidRequest(
                    f"`{name}` is not forwarded: its session is not for a model that can be checked here. Open the "
                    "WebSocket with `?model=…`.",
                    param=name,
                )
        model = said.get("model")
        if not model:
            raise InvalidRequest(
                "`model` is missing. Open the WebSocket with `?model=…`; GET /v1/models lists them.",
                param="model",
            )
        return Asked(model=model, stream=True, fields={})


def _no_body(_: bytes, __: JsonLimits) -> Asked:
    raise InvalidRequest("A realtime session has no body. Open a WebSocket at this path.")


REALTIME = RealtimeDialect()
