"""A tiny provider that answers from fixtures, and says what differs when it has none for a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from waypost.edge.client import EdgeClient
from waypost.errors import ConfigError
from waypost.recorder.exchange import Asked, Opened
from waypost.recorder.fixture import Fixture, Options, Request, split_lines
from waypost.recorder.folder import read_folder
from waypost.recorder.known import HIDDEN, Known
from waypost.recorder.record import client_secrets
from waypost.recorder.serving import Told

_SHOWN = 5
_WIDTH = 120
_ABSENT = "nothing"
_OWN = frozenset(("content-length", "transfer-encoding", "connection", "content-encoding", "cache-control"))


class Form(msgspec.Struct, frozen=True):
    """What a request is known by: its method, its path without credentials, its body with its fields in order."""

    method: str
    path: str
    body: bytes


class Missed(msgspec.Struct, frozen=True):
    """The fixture that is nearest to a request, and what differs."""

    file: str
    differences: tuple[str, ...]


class _Detail(msgspec.Struct):
    message: str
    nearest: str | None
    differences: tuple[str, ...]
    type: str = "not_found_error"
    code: str = "no_fixture"


class _Envelope(msgspec.Struct):
    error: _Detail


class Replay:
    """Answers. The same request asked again gets the next of its recordings, and the last one from then on."""

    def __init__(self, fixtures: Mapping[Path, Fixture], tell: Callable[[Told], None]) -> None:
        self._fixtures = [(file, fixture, form_of(fixture.request)) for file, fixture in fixtures.items()]
        self._options = tuple(dict.fromkeys(fixture.options for fixture in fixtures.values()))
        self._used: dict[Form, int] = {}
        self._tell = tell

    async def __call__(self, asked: Asked, client: EdgeClient) -> None:
        """Answer one request."""
        forms = {options: form_of(scrubbed(asked, options)) for options in self._options}
        hits = [each for each in self._fixtures if each[2] == forms[each[1].options]]
        if not hits:
            await self._miss(asked, forms, client)
            return
        form = hits[0][2]
        turn = self._used.get(form, 0)
        self._used[form] = turn + 1
        file, fixture, _ = hits[min(turn, len(hits) - 1)]
        await _play(fixture, client)
        self._tell(Told(asked.method, form.path, fixture.response.status, str(file)))

    async def _miss(self, asked: Asked, forms: Mapping[Options, Form], client: EdgeClient) -> None:
        missed = nearest([(str(file), forms[each.options], form) for file, each, form in self._fixtures])
        path = next(iter(forms.values())).path
        message = f"No fixture answers {asked.method} {path}."
        if missed is not None:
            message += f" The nearest is {missed.file}: {'; '.join(missed.differences)}."
        detail = _Detail(message, None, ())
        if missed is not None:
            detail = _Detail(message, missed.file, missed.differences)
        body = msgspec.json.encode(_Envelope(detail))
        await client.reply(404, [(b"content-type", b"application/json"), (b"x-should-retry", b"false")], body)
        self._tell(Told(asked.method, path, 404, None, (message,)))


def open_replay(folder: Path, tell: Callable[[Told], None]) -> tuple[Replay, int]:
    """The provider of a folder, and how many fixtures it has. Raises ConfigError when there is none, or a faulty
    one."""
    fixtures, faulty = read_folder(folder)
    for file, why in faulty.items():
        raise ConfigError(
            f"{file} can not be replayed: {why}. Record it again, or take it out of the folder."
        )
    if not fixtures:
        raise ConfigError(
            f"There is no fixture in {folder}. Make some: waypost record --provider NAME --out DIR."
        )
    return Replay(fixtures, tell), len(fixtures)


def scrubbed(asked: Asked, options: Options) -> Request:
    """A request as it would have been recorded."""
    return Opened(asked, None, Known(client_secrets(asked)), options).request()


def form_of(request: Request) -> Form:
    """What a recorded request is known by."""
    path, _, query = request.path.partition("?")
    pairs = [pair for pair in query.split("&") if pair and pair.partition("=")[2] != HIDDEN]
    path = "?".join((path, "&".join(sorted(pairs)))) if pairs else path
    if request.body is not msgspec.UNSET:
        value = msgspec.json.decode(request.body)
        return Form(request.method, path, msgspec.json.encode(value, order="sorted"))
    return Form(
        request.method, path, b"" if request.content is None else msgspec.json.encode(request.content)
    )


def nearest(candidates: list[tuple[str, Form, Form]]) -> Missed | None:
    """Of (file, form asked, form recorded): the file with the fewest differences; of a path of its own only when no
    other has the asked one."""
    found: tuple[tuple[int, int], Missed] | None = None
    for file, asked, recorded in candidates:
        lines = list(differences(asked, recorded))
        elsewhere = (asked.method != recorded.method) + (asked.path != recorded.path)
        rank = (elsewhere, len(lines))
        if found is None or rank < found[0]:
            more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
            found = (rank, Missed(file, (*lines[:_SHOWN], *more)))
    return None if found is None else found[1]


def differences(asked: Form, recorded: Form) -> Iterator[str]:
    """What is not the same, one line each."""
    for name, new, old in (("method", asked.method, recorded.method), ("path", asked.path, recorded.path)):
        if new != old:
            yield f"{name}: recorded {old}, asked {new}"
    if asked.body != recorded.body:
        yield from _differ("body", _decode(asked.body), _decode(recorded.body))


def _decode(body: bytes) -> object:
    return msgspec.json.decode(body) if body else None


def _differ(place: str, asked: object, recorded: object) -> Iterator[str]:
    if isinstance(asked, dict) and isinstance(recorded, dict):
        for name in dict.fromkeys((*recorded, *asked)):
            yield from _differ(f"{place}.{name}", asked.get(name, _ABSENT), recorded.get(name, _ABSENT))
    elif isinstance(asked, list) and isinstance(recorded, list) and len(asked) == len(recorded):
        for at, (new, old) in enumerate(zip(asked, recorded, strict=True)):
            yield from _differ(f"{place}[{at}]", new, old)
    elif asked != recorded:
        yield f"{place}: recorded {_show(recorded)}, asked {_show(asked)}"


def _show(value: object) -> str:
    if value == _ABSENT:
        return _ABSENT
    if isinstance(value, list):
        return f"{len(value)} items"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


async def _play(fixture: Fixture, client: EdgeClient) -> None:
    response = fixture.response
    lines = _lines(response.headers)
    if response.chunks is None:
        await client.reply(response.status, lines, response.data() or b"")
        return
    await client.start(response.status, lines)
    for chunk in response.chunks:
        await client.write(chunk.data())
    await client.finish()


def _lines(headers: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    said = ((name, value) for name, value in split_lines(headers) if name not in _OWN)
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in said]
