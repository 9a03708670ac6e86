"""One target, one try: render the request, send it, and tell an answer from a failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote

from waypost.config.targets import Credential, Lines, Provider, Target
from waypost.core.asked import Asked, Onward
from waypost.dialects.lane import Lane
from waypost.errors import Garbled, Rejected, UpstreamError
from waypost.ports import Answer
from waypost.providers.auth.authorizer import Authorizer
from waypost.upstream.head import render_prefix

#: Client headers that reach every provider, besides those of the dialect (`Dialect.forwarded`). Everything else stays
#: here: hosts, credentials and account selectors (`openai-organization`, `openai-project`) are the operator's to
#: choose, and an `idempotency-key` would be looked up among the answers to the operator's account, where those of other
#: clients are too.
FORWARDED = (b"traceparent", b"tracestate")

#: Heads kept ready. Where the model stands in the path there is one for each model that is asked for.
_HEADS_MAX = 4096

_MODEL = "{model}"

_CONSTANT = (
    b"accept: application/json, text/event-stream, */*;q=0.5\r\n"
    b"accept-encoding: identity\r\n"
    b"user-agent: waypost\r\n"
)


class _More(NamedTuple):
    """What a request has beyond its prefix."""

    path: str
    defaults: Lines
    authorizer: Authorizer | None


class Heads:
    """Request heads, prebuilt once per credential and dialect, until the configuration changes."""

    __slots__ = ("_prefixes", "_version", "_wall")

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._prefixes: dict[tuple[str, str, str, str], tuple[bytes, _More | None]] = {}
        self._version = 0

    def render(
        self,
        target: Target,
        lane: Lane,
        stream: bool,
        headers: Mapping[bytes, bytes],
        onward: Onward,
        version: int,
    ) -> bytes:
        """The head for a request, with those of the client's `headers` that may pass.

        Raises Unavailable and CredentialRefused when the provider's token or temporary keys have ended.
        """
        if version != self._version or len(self._prefixes) > _HEADS_MAX:
            self._prefixes.clear()
            self._version = version
        dialect = lane.target
        path = onward.path or dialect.onward_path(target.model, stream)
        provider = target.provider
        known = self._prefixes.get((provider.name, provider.key_name, dialect.name, path))
        if known is None:
            known = self._build(target, dialect.name, path)
        prefix, more = known
        if more is not None:
            prefix += self._render_more(provider, lane, headers, onward.body, more)
        forwarded = render_forwarded(headers, lane.forwarded)
        return b"%b%bcontent-type: %b\r\ncontent-length: %d\r\n\r\n" % (
            prefix,
            forwarded,
            onward.content_type,
            len(onward.body),
        )

    def _build(self, target: Target, dialect: str, onward: str) -> tuple[bytes, _More | None]:
        provider = target.provider
        path = render_path(target, dialect, onward)
        # Where the model stands in what a provider puts before the dialect's path, there is one head for each.
        own = path if _MODEL in provider.prefix_for(dialect) else onward
        key = (provider.name, provider.key_name, dialect, own)
        known = self._prefixes.get(key)
        if known is None:
            defaults = provider.dialect_headers.get(dialect, ())
            authorizer = provider.credential_for(dialect).authorizer
            more = _More(path, defaults, authorizer) if defaults or authorizer is not None else None
            known = self._prefixes[key] = _render_prefix(provider, dialect, path), more
        return known

    def _render_more(
        self, provider: Provider, lane: Lane, headers: Mapping[bytes, bytes], body: bytes, more: _More
    ) -> bytes:
        lines = [line for name, line in more.defaults if name not in headers or name not in lane.forwarded]
        if more.authorizer is not None:
            authority = provider.origin.authority
            lines.append(more.authorizer.lines("POST", authority, more.path, body, self._wall()))
        return b"".join(lines)


def accept(lane: Lane, asked: Asked, answer: Answer, credential: Credential) -> None:
    """Pass a 2xx answer of the kind that was asked for. Raises UpstreamError for all else, and closes the answer.

    A refusal may quote the key it refuses: the gateway's own `credential` is taken out of it, whatever it looks like.
    """
    if answer.status // 100 != 2:
        answer.close()
        raise lane.parse_error(answer.status, answer.headers, without_key(answer.body or b"", credential))
    if asked.stream and answer.body is not None:
        raise _not_a_stream(lane, answer)


def without_key(body: bytes, credential: Credential) -> bytes:
    """A provider's words without the gateway's own secrets."""
    for key in credential.secrets():
        body = body.replace(key, b"***")
    return body


def hide_key(error: UpstreamError, credential: Credential) -> None:
    """The same for an error that came with a 2xx, in a stream or in place of an answer: its message may be a
    provider's words, too."""
    secrets = [secret.decode("latin-1") for secret in credential.secrets()]
    if any(secret in error.message for secret in secrets):
        for secret in secrets:
            error.message = error.message.replace(secret, "***")
        error.args = (error.message,)
    if isinstance(error, Rejected) and error.body is not None:
        error.body = without_key(error.body, credential)


def _not_a_stream(lane: Lane, answer: Answer) -> Garbled:
    """A stream was asked for and something else came: an error object says why, anything else is garbage."""
    answer.close()
    lane.parse_reply(answer.body or b"")
    return Garbled("The provider answered a request for a stream with something that is not an event stream.")


def render_path(target: Target, dialect: str, path: str) -> str:
    """The whole path at the provider, with its query."""
    provider = target.provider
    start = provider.prefix_for(dialect)
    path = provider.endings.get(dialect, path)
    if _MODEL in start:
        start = start.replace(_MODEL, quote(target.model, safe=""))
    if not provider.query:
        return start + path
    return f"{start}{path}{'&' if '?' in path else '?'}{provider.query}"


def _render_prefix(provider: Provider, dialect: str, path: str) -> bytes:
    return render_prefix(
        "POST",
        path,
        provider.origin.authority,
        provider.credential_for(dialect).reveal(),
        _CONSTANT,
        provider.headers,
    )


def render_forwarded(headers: Mapping[bytes, bytes], names: tuple[bytes, ...]) -> bytes:
    """Lines for those of the client's headers that may pass."""
    lines = b""
    for name in names + FORWARDED if names else FORWARDED:
        if name in headers:
            lines += b"%b: %b\r\n" % (name, headers[name])
    return lines
