"""Response headers: what a client may want to know of how its request was served."""

from __future__ import annotations

from collections.abc import Sequence

from waypost.config.targets import Target
from waypost.core.money import render_usd
from waypost.errors import GatewayError

Line = tuple[bytes, bytes]
Headers = list[Line]

#: Targets whose names are kept as headers.
_NAMES_MOST = 4096

#: Account names, which never pass.
_KEPT_BACK = (b"openai-organization", b"openai-project")


def field(text: str) -> bytes:
    """A header value from text that may hold anything: printable ASCII, the rest as `?`, at most 256 bytes."""
    if text.isascii() and text.isprintable():
        return text[:256].encode()
    return bytes(byte if 32 <= byte < 127 else 63 for byte in text[:256].encode("ascii", "replace"))


def identity(exchange_id: str) -> Headers:
    value = exchange_id.encode()
    return [(b"x-request-id", value), (b"x-waypost-request-id", value)]


class Names:
    """Who answered, as headers: rendered once for each target."""

    def __init__(self) -> None:
        self._lines: dict[int, tuple[Target, tuple[Line, Line]]] = {}

    def of(self, target: Target) -> tuple[Line, Line]:
        """The lines of its model and of its provider."""
        known = self._lines.get(id(target))
        if known is not None and known[0] is target:
            return known[1]
        if len(self._lines) >= _NAMES_MOST:
            self._lines.clear()
        lines = _names(target.model, target.provider.name)
        self._lines[id(target)] = target, lines
        return lines


def _names(model: str, provider: str) -> tuple[Line, Line]:
    return (b"x-waypost-model", field(model)), (b"x-waypost-provider", field(provider))


def served(
    exchange_id: str,
    model: str,
    provider: str,
    attempts: int,
    overhead_us: int,
    said: Sequence[Line],
    passed: tuple[bytes, ...],
) -> Headers:
    """The headers of an answer by a target. Of what it `said`, headers that begin as one of `passed` go on."""
    return answered(exchange_id, _names(model, provider), attempts, overhead_us, said, passed)


def answered(
    exchange_id: str,
    names: tuple[Line, Line],
    attempts: int,
    overhead_us: int,
    said: Sequence[Line],
    passed: tuple[bytes, ...],
) -> Headers:
    """The same with `Names.of` the target."""
    value = exchange_id.encode()
    headers = [
        (b"x-request-id", value),
        (b"x-waypost-request-id", value),
        *names,
        (b"x-waypost-attempts", b"%d" % attempts),
        (b"x-waypost-overhead-ms", b"%.3f" % (overhead_us / 1000)),
    ]
    for pair in said:
        if pair[0].startswith(passed) and pair[0] not in _KEPT_BACK:
            headers.append(pair)
    return headers


#: The only limits of a provider's account that pass to clients.
_ACCOUNTS = b"anthropic-ratelimit-"


def with_own(lines: Headers, told: Sequence[tuple[bytes, bytes]]) -> Headers:
    """Beside limits of the gateway's own, those of the provider's account are nothing to a client."""
    if told[0][0].startswith(_ACCOUNTS):
        lines = [line for line in lines if not line[0].startswith(_ACCOUNTS)]
    lines.extend(told)
    return lines


def instead(budget: str, route: str) -> tuple[bytes, bytes]:
    """A budget is used up, and the request took the route that it names."""
    return (b"x-waypost-budget", field(f"{budget}; route={route}"))


def cost(nusd: int | None) -> tuple[bytes, bytes]:
    """Dollars, exact; `unknown` when the model has no known price."""
    return (b"x-waypost-cost", b"unknown" if nusd is None else render_usd(nusd).encode())


def upstream_cost(nusd: int) -> tuple[bytes, bytes]:
    """What of the cost is the provider's; told where there is a mark-up."""
    return (b"x-waypost-upstream-cost", render_usd(nusd).encode())


#: Names what of a request its target was not told.
DROPPED = b"x-waypost-dropped"


def dropped(names: Sequence[str]) -> tuple[bytes, bytes]:
    return (DROPPED, field(", ".join(names)))


#: Of an answer that is told again, what was true of the first telling only.
_OF_ONE_TELLING = (b"x-request-id", b"x-waypost-request-id", b"x-waypost-overhead-ms", b"x-waypost-cost",
                   b"x-waypost-upstream-cost")  # fmt: skip


def told_again(lines: Headers) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of an answer that other requests get too: without what was true of one request, or one moment."""
    return tuple(line for line in lines if line[0] not in _OF_ONE_TELLING and b"ratelimit" not in line[0])


def retold(exchange_id: str, original: str, lines: Sequence[tuple[bytes, bytes]]) -> Headers:
    """The headers of an answer that the exchange `original` made. It costs nothing to tell it again."""
    return [
        *identity(exchange_id),
        (b"x-waypost-original-request-id", original.encode()),
        (b"x-waypost-replayed", b"true"),
        (b"x-waypost-cost", b"0"),
        *lines,
    ]


def refusal(error: GatewayError) -> Headers:
    """When to ask again, or that asking again can not help; for a 401, how to present a key (RFC 9110 §11.6.1).

    OpenAI's SDKs obey `x-should-retry: false` and read `retry-after-ms` before `retry-after`; a budget that is spent
    must not be asked for again and again.
    """
    headers: Headers = []
    if error.retry_after_s is not None:
        wait = max(0.0, error.retry_after_s)
        headers.append((b"retry-after", b"%d" % -(-wait // 1)))
        headers.append((b"retry-after-ms", b"%d" % -(-wait * 1000 // 1)))
    if not error.repeatable:
        headers.append((b"x-should-retry", b"false"))
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    return headers
