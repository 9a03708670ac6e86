"""`waypost serve` once its options are read, and how they are read in short.

A gateway runs for months with what its command line loaded: the library that reads it takes 12 MB, and a quarter of a
second of the start. So options that are plain are read here; whatever is not, `--help` and mistakes among it, is left
to that library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from waypost.cli.banner import announce, announce_json
from waypost.cli.defaults import DEFAULT_DATA, chosen_config
from waypost.config.values import parse_duration
from waypost.stores.seat import MOST

if TYPE_CHECKING:
    from waypost.errors import GatewayError

#: Options that take a value, and their variables, as `serve_options` and `options` have them.
_VALUES: Final = {
    "--host": "WAYPOST_HOST",
    "--port": "WAYPOST_PORT",
    "--workers": "WAYPOST_WORKERS",
    "--drain-delay": "WAYPOST_DRAIN_DELAY",
    "--data": "WAYPOST_DATA",
    "--config": "WAYPOST_CONFIG",
}
_JSON: Final = ("--json", "WAYPOST_JSON")
_PORT_MOST: Final = 65_535


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    host: str | None = None
    port: int | None = None
    workers: int = 1
    drain_delay_s: float = 0.0
    data: Path = DEFAULT_DATA
    config: Path | None = None
    as_json: bool = False


def read_order(words: Sequence[str], environ: Mapping[str, str]) -> Order | None:
    """What the words of a command line ask for; None when they are another command's, or are not plain."""
    if list(words[:1]) != ["serve"] or environ.get(_JSON[1]):
        return None
    given = {option: environ[variable] for option, variable in _VALUES.items() if environ.get(variable)}
    rest, as_json = iter(words[1:]), False
    for word in rest:
        option, equals, value = word.partition("=")
        if word == _JSON[0]:
            as_json = True
            continue
        if not equals:
            value = next(rest, "")
        if option not in _VALUES or not value or value.startswith("-"):
            return None
        given[option] = value
    port, workers = given.get("--port"), given.get("--workers", "1")
    if not (port is None or _is_number(port, 0, _PORT_MOST)) or not _is_number(workers, 1, MOST):
        return None
    try:
        delay = parse_duration(given.get("--drain-delay", "0s"))
    except ValueError:
        return None
    config = given.get("--config")
    return Order(
        host=given.get("--host"),
        port=None if port is None else int(port),
        workers=int(workers),
        drain_delay_s=delay,
        data=Path(given.get("--data", DEFAULT_DATA)),
        config=chosen_config(None if config is None else Path(config)),
        as_json=as_json,
    )


def _is_number(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most


def serve_gateway(order: Order) -> int:
    """Serve until a signal; the exit status. Raises GatewayError when it can not start."""
    from waypost.app import Options, serve

    options = Options(
        data=order.data,
        config=order.config,
        host=order.host,
        port=order.port,
        drain_delay_s=order.drain_delay_s,
    )
    tell = announce_json if order.as_json else announce
    if order.workers > 1:
        from waypost.app.workers.serve import serve_workers

        return serve_workers(options, order.workers, tell, ended_by)
    return serve(options, tell)


def ended_by(error: GatewayError) -> int:
    """Tell of it as any command does; the exit status."""
    import typer

    from waypost.cli.failures import end_by

    try:
        end_by(error)
    except typer.Exit as end:
        return int(end.exit_code)
