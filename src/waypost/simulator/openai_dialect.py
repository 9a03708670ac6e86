"""OpenAI's chat completions, completions and embeddings as a dialect of the simulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from waypost.simulator import openai
from waypost.simulator.answers import Answer
from waypost.simulator.ask import Ask, Refused
from waypost.simulator.dialect import Lock, Odd, Page, Request, Shelf, Stamp, UsageForm
from waypost.simulator.models import Behaviour
from waypost.simulator.openai_ask import parse_chat, parse_completions, parse_embeddings
from waypost.simulator.wire import Told, Wire

PARSERS: Mapping[bytes, Callable[[bytes], Ask]] = {
    b"/chat/completions": parse_chat,
    b"/completions": parse_completions,
    b"/embeddings": parse_embeddings,
}
_PREFIXES = {"chat": "chatcmpl-", "completions": "cmpl-", "embeddings": "embd-"}

GARBAGE_EVENT = b'data: {"choices":[{"delta":\x00\xff not json\n\n'


class OpenAI:
    """The dialect of every path that no other dialect owns. Paths stand without `/v1`."""

    name = "openai"
    id_header = b"x-request-id"

    def owns(self, _: Request) -> bool:
        return True

    def admit(self, request: Request, lock: Lock, _: float) -> None:
        bearer(request.headers.get(b"authorization"), lock)

    def parse(self, request: Request) -> Ask | None:
        parser = PARSERS.get(request.path.encode())
        return None if parser is None or request.method != "POST" else parser(request.body)

    def page(self, request: Request, shelf: Shelf) -> Page | None:
        if request.method == "GET" and request.path == "/models":
            return Page(openai.render_models(list(shelf.names), shelf.created))
        return None

    def stamp_id(self, ask: Ask, name: str) -> str:
        return _PREFIXES[ask.operation] + name

    def render(self, ask: Ask, answer: Answer, behaviour: Behaviour, stamp: Stamp, form: UsageForm) -> Wire:
        if ask.operation == "embeddings":
            return openai.render_embeddings(ask, answer, stamp, behaviour.dimensions, form)
        if ask.stream:
            return openai.render_stream(ask, answer, stamp, form)
        return openai.render_whole(ask, answer, stamp, form)

    def told(self, refused: Refused, _: str) -> Told:
        return Told(refused.status, openai.render_error(refused))

    def odd(self, _: Ask, stamp: Stamp) -> Odd:
        return Odd(
            told=lambda refused: self.told(refused, stamp.request_id),
            event=openai.render_error_event,
            reset=reset_headers,
            garbage=GARBAGE_EVENT,
            tiny=b'data: {"choices":[]}\n\n',
            padded=_padded,
        )


def _padded(size: int) -> bytes:
    """A valid event of an object that no client knows, under `x_pad`."""
    form = b'data: {"choices":[],"x_pad":"%b"}\n\n'
    return form % (b"x" * max(0, size - len(form) + 2))


def bearer(given: bytes | None, lock: Lock) -> None:
    """Ask for `Authorization: Bearer KEY`, as OpenAI does. Raises Refused."""
    if lock.key is None:
        return
    if given is None:
        raise Refused(401, "You didn't provide an API key.")
    scheme, _, key = given.decode("latin-1").partition(" ")
    if scheme != "Bearer" or not lock.opens(key):
        raise Refused(401, "Incorrect API key provided.", code="invalid_api_key")


def reset_headers(seconds: float, _: float) -> list[tuple[bytes, bytes]]:
    """When the limit on requests ends, as a duration."""
    return [
        (b"x-ratelimit-remaining-requests", b"0"),
        (b"x-ratelimit-reset-requests", duration(seconds)),
        (b"x-ratelimit-reset-tokens", b"0s"),
    ]


def duration(seconds: float) -> bytes:
    """OpenAI's way to write a duration: `1m30.5s`, `6ms`."""
    if seconds < 1:
        return b"%dms" % max(0, seconds * 1000)
    minutes, rest = divmod(seconds, 60)
    text = f"{rest:g}s"
    return (f"{minutes:.0f}m{text}" if minutes else text).encode()
