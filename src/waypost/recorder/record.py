"""Passes requests on to the provider as they came, with its key, and keeps each exchange as a fixture."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import msgspec

from waypost.config.targets import Credential, Provider
from waypost.edge.client import EdgeClient
from waypost.errors import UpstreamError
from waypost.ports import Answer, Clock, Upstream
from waypost.recorder import rules
from waypost.recorder.exchange import Answered, Asked, Label, Opened
from waypost.recorder.fixture import Options
from waypost.recorder.folder import Folder, Leaked
from waypost.recorder.known import Known
from waypost.recorder.paths import place_of
from waypost.recorder.serving import Told
from waypost.upstream.head import finish_head, render_line, render_prefix

#: Bytes of a stream that are kept; a longer one is passed on and not recorded.
KEEP_MAX = 16 * 1024 * 1024

#: Of a client's request, what is not passed on: it is about this connection, or proves who the client is.
_HELD = frozenset(
    (
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "accept-encoding",
        "cookie",
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "xi-api-key",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-content-sha256",
    )
)
#: Of an answer, what is about the provider's connection or said by this one anew.
_OWN = frozenset(
    (
        b"content-length",
        b"transfer-encoding",
        b"connection",
        b"keep-alive",
        b"content-encoding",
        b"cache-control",
    )
)


class Settings(msgspec.Struct, frozen=True):
    """How to record."""

    options: Options = Options()
    note: str = ""
    limit: int | None = None
    """Exchanges after which to stop."""


class Recorder:
    """One provider, one folder. `prepare` brings the credential up to date, `tell` hears of every exchange, and `full`
    is called once the limit is reached."""

    def __init__(
        self,
        provider: Provider,
        upstream: Upstream,
        folder: Folder,
        clock: Clock,
        settings: Settings,
        *,
        secrets: Iterable[str],
        prepare: Callable[[], Awaitable[None]],
        tell: Callable[[Told], None],
        full: Callable[[], None],
    ) -> None:
        self._provider = provider
        self._upstream = upstream
        self._folder = folder
        self._clock = clock
        self._settings = settings
        self._secrets = tuple(secrets)
        self._prepare = prepare
        self._tell = tell
        self._full = full
        self._recorded = 0

    async def __call__(self, asked: Asked, client: EdgeClient) -> None:
        """Answer one request. Raises InvalidRequest and UpstreamError, and then records nothing."""
        place = place_of(asked.target)
        dialect = place.dialect if place is not None else ""
        credential = self._provider.credential_for(dialect)
        await self._prepare()
        target = self._target(asked.target)
        head = self._head(asked, target, dialect, credential)
        known = self._known(asked, credential)
        answer = await self._upstream.send(
            self._provider.origin, head, asked.body, self._provider.deadlines, stream=True
        )
        answered = await _pass(answer, client, self._clock)
        self._record(asked, answered, dialect, known)

    def _target(self, target: str) -> str:
        """The path as it came, without the client's own key in its query, and with the provider's constant part."""
        path, _, query = target.partition("?")
        pairs = [pair for pair in query.split("&") if pair]
        kept = [pair for pair in pairs if not rules.SECRET_NAME.search(pair.partition("=")[0])]
        names = {pair.partition("=")[0] for pair in kept}
        more = [pair for pair in self._provider.query.split("&") if pair]
        kept += [pair for pair in more if pair.partition("=")[0] not in names]
        return f"{path}?{'&'.join(kept)}" if kept else path

    def _head(self, asked: Asked, target: str, dialect: str, credential: Credential) -> bytes:
        provider = self._provider
        sent = [(name, value) for name, value in asked.headers if name not in _HELD]
        names = {name.encode() for name, _ in sent}
        own = [line for name, line in provider.dialect_headers.get(dialect, ()) if name not in names]
        prefix = render_prefix(
            asked.method,
            target,
            provider.origin.authority,
            credential.lines(asked.method, provider.origin.authority, target, asked.body, self._clock.wall()),
            provider.headers,
            *own,
            b"accept-encoding: identity\r\n",
            *(render_line(name, value) for name, value in sent),
        )
        return finish_head(prefix, len(asked.body) if asked.body or asked.method != "GET" else None)

    def _known(self, asked: Asked, credential: Credential) -> Known:
        known = Known(self._secrets)
        every = (credential, self._provider.credential, *self._provider.credentials.values())
        for each in every:
            for raw in each.secrets():
                known.add(raw.decode("latin-1"))
        for secret in client_secrets(asked):
            known.add(secret)
        return known

    def _record(self, asked: Asked, answered: Answered | None, dialect: str, known: Known) -> None:
        if answered is None:
            told = Told(
                asked.method, asked.target.partition("?")[0], 200, None, (f"it is over {KEEP_MAX} bytes",)
            )
            self._tell(told)
            return
        date = datetime.fromtimestamp(self._clock.wall(), UTC).strftime("%Y-%m-%d")
        label = Label(self._provider.name, dialect, date, self._settings.note)
        fixture = Opened(asked, answered, known, self._settings.options).fixture(label)
        written = self._folder.write(fixture, known)
        path = fixture.request.path.partition("?")[0]
        if isinstance(written, Leaked):
            places = tuple(f"a known secret is still at {place}" for place in written.places)
            self._tell(Told(asked.method, path, answered.status, None, places))
            return
        self._recorded += 1
        self._tell(Told(asked.method, path, answered.status, str(written)))
        if self._recorded == self._settings.limit:
            self._full()


def client_secrets(asked: Asked) -> list[str]:
    """Whatever the client proves itself with: in headers, in cookies and in the query."""
    found: list[str] = []
    for name, value in asked.headers:
        rule = rules.HEADERS.get(name)
        if rule == "secret" or (
            rule is None and rules.SECRET_NAME.search(name) and not rules.COUNTING.search(name)
        ):
            found += _parts(value)
    query = asked.target.partition("?")[2]
    found += [value for name, value in parse_qsl(query) if rules.SECRET_NAME.search(name)]
    return found


def _parts(value: str) -> list[str]:
    scheme, space, rest = value.partition(" ")
    if scheme.upper().startswith("AWS4-"):
        fields = dict(each.strip().partition("=")[::2] for each in rest.split(","))
        return [fields.get("Credential", "").partition("/")[0], fields.get("Signature", "")]
    if "=" in value and ";" in value:
        return [each.strip().partition("=")[2] for each in value.split(";")]
    return [rest if space else value]


async def _pass(answer: Answer, client: EdgeClient, clock: Clock) -> Answered | None:
    """Hand the answer to the client as it comes. None: it is too long to be kept."""
    lines = [(name, value) for name, value in answer.headers if name not in _OWN]
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers)
    if answer.body is not None:
        answer.close()
        await client.reply(answer.status, lines, answer.body)
        return Answered(answer.status, headers, ((0, answer.body),))
    began = clock.monotonic()
    stream = _Stream(client, lambda: round((clock.monotonic() - began) * 1000))
    complete = True
    try:
        await client.start(answer.status, lines)
        while await answer.pump(stream.deliver):
            await client.write(stream.take())
        await client.finish()
    except UpstreamError:
        # The client sees the break that the provider made; the fixture says so.
        complete = False
        await client.finish()
    finally:
        answer.close()
    if stream.kept is None:
        return None
    kind = (answer.header(b"content-type") or b"").lower()
    events = kind.startswith((b"text/event-stream", b"application/vnd.amazon.eventstream"))
    return Answered(answer.status, headers, tuple(stream.kept), events, complete)


class _Stream:
    """Pieces on their way to the client, kept. One that left is not waited for: the exchange is recorded all the
    same."""

    def __init__(self, client: EdgeClient, ms: Callable[[], int]) -> None:
        self.kept: list[tuple[int, bytes]] | None = []
        self._client = client
        self._ms = ms
        self._size = 0
        self._pending = b""

    def deliver(self, piece: bytes) -> bool:
        self._size += len(piece)
        if self.kept is not None:
            self.kept.append((self._ms(), piece))
            if self._size > KEEP_MAX:
                self.kept = None
        if self._client.try_write(piece):
            return True
        self._pending = piece
        return False

    def take(self) -> bytes:
        pending, self._pending = self._pending, b""
        return pending
