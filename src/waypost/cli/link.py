"""Talks to a running gateway as any client would: over HTTP, with a key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec

from waypost.config.origins import BadUrl, parse_base_url
from waypost.core.origin import Deadlines, Origin
from waypost.dialects.sse import SseParser
from waypost.errors import CallerError, Failed, InvalidRequest, Unavailable
from waypost.upstream.client import HttpUpstream
from waypost.upstream.head import finish_head, render_line, render_prefix

_QUICK = Deadlines(connect_s=2.0, first_byte_s=5.0, idle_s=5.0, progress_s=5.0, total_s=10.0)
_PATIENT = Deadlines(connect_s=2.0, first_byte_s=600.0, idle_s=600.0, progress_s=600.0, total_s=3600.0)


class _Fault(msgspec.Struct):
    message: str = "The gateway refused the request."


class _FaultBody(msgspec.Struct):
    error: _Fault = msgspec.field(default_factory=_Fault)


class GatewayLink:
    """One gateway. Make it in a running event loop; `aclose` it.

    Every method raises Unavailable when nothing answers there, CallerError or Failed with the gateway's own words
    when it answers with an error.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        try:
            base = parse_base_url(url)
        except BadUrl as fault:
            raise InvalidRequest(f"--url: {fault}.", param="url") from None
        self._url = f"{base.scheme}://{Origin(base.scheme, base.host, base.port).authority}"
        self._origin = Origin(base.scheme, base.host, base.port, private=True)
        self._path = base.path.removesuffix("/v1")
        self._key = render_line("authorization", f"Bearer {key}") if key else b""
        self._upstream = HttpUpstream(asyncio.get_running_loop())

    async def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a GET."""
        return await self.ask("GET", path)

    async def ask(
        self, method: str, path: str, body: bytes | None = None, lines: tuple[str, ...] = ()
    ) -> tuple[int, bytes]:
        """Status and body of a request; its body, if any, is JSON. `lines`: more of its head."""
        more = b"".join(render_line(*line.split(": ", 1)) for line in lines)
        head = self._head(method, path, None if body is None else len(body), more)
        try:
            answer = await self._upstream.send(self._origin, head, body or b"", _QUICK)
        except Unavailable:
            raise self._silent() from None
        answer.close()
        return answer.status, answer.body or b""

    async def stream(self, path: str, body: bytes) -> AsyncIterator[bytes]:
        """POST a JSON body; the data of each event of the answer, without the closing `[DONE]`."""
        head = self._head("POST", path, len(body))
        try:
            answer = await self._upstream.send(self._origin, head, body, _PATIENT, stream=True)
        except Unavailable:
            raise self._silent() from None
        try:
            if answer.status != 200 or answer.body is not None:
                raise CallerError(read_fault(answer.body or b""))
            parser = SseParser()
            while chunk := await answer.next():
                for event in parser.feed(chunk):
                    if event.data == b"[DONE]":
                        return
                    if event.data is not None:
                        yield event.data
        finally:
            answer.close()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._upstream.aclose()

    def _head(self, method: str, path: str, length: int | None, more: bytes = b"") -> bytes:
        lines = b"accept: */*\r\nuser-agent: waypost-cli\r\n" + more
        if length is not None:
            lines += b"content-type: application/json\r\n"
        prefix = render_prefix(method, self._path + path, self._origin.authority, lines, self._key)
        return finish_head(prefix, length)

    def _silent(self) -> Unavailable:
        return Unavailable(
            f"No gateway answers at {self._url}. Start one with `waypost serve`, or name it by --url."
        )


def raise_stream_fault(data: bytes) -> None:
    """Raise Failed when an event of a stream is an error event."""
    if b'"error"' in data[:200]:
        raise Failed(read_fault(data))


def read_fault(body: bytes) -> str:
    """What the gateway says in an answer that is an error."""
    try:
        return msgspec.json.decode(body, type=_FaultBody).error.message
    except msgspec.DecodeError:
        return "What answers there is not a Waypost gateway, or something is between it and this command."
