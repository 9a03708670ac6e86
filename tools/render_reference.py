"""Renders docs/reference/{config,errors,cli}.md from the code: `python -m tools.render_reference [--check]`.

With `--check` nothing is written: it exits 1 and names the pages that are no longer true.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer.main

from waypost import errors
from waypost.config.describe import describe_fields

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE = (
    "<!-- Rendered from the code by `python -m tools.render_reference`. Change the code, not this page. -->\n"
)

EXAMPLE = """```yaml
providers:
  - {name: openai, preset: openai, api_key: env:OPENAI_API_KEY}
  - {name: lab, dialect: openai_chat, base_url: http://10.0.0.5:8000/v1, api_key: file:/run/secrets/lab}
models:
  - name: fast                     # what clients ask for; `provider/model` always works without an entry
    targets:                       # same priority: by weight; a lower priority is the fallback
      - {provider: openai, model: gpt-5-mini, priority: 1, weight: 3}
      - {provider: lab, model: qwen3, priority: 2}
    prices: {input: 0.25, output: 2.00}   # USD per million tokens; overrides the catalogue
```
"""

#: What to do about an error, by its code. A code that is not here fails the rendering.
ADVICE = {
    "internal_error": "Report it with the request id; the log has the stack under it.",
    "invalid_request": "Change the field that `param` names.",
    "invalid_value": "Change the field that `param`, or `errors`, names: what it says is not there, or not allowed.",
    "unrepresentable": "Leave that part out, or ask for a model whose provider can take it.",
    "conflict": "Read it again and repeat the change on what it is now, or choose another name.",
    "precondition_failed": "Read it again, and repeat the change on what it is now.",
    "idempotency_key_reused": "Send each request with an idempotency key of its own.",
    "invalid_api_key": "Send a valid key; `waypost keys create` makes one.",
    "not_signed_in": "Send a token of the control API, or sign in again; a client's key opens nothing there.",
    "permission_denied": "Ask for a model the key may use, or have the key changed.",
    "model_not_found": "Take a name that `GET /v1/models` lists, or `provider/model`.",
    "not_found": "Correct the path.",
    "no_suitable_target": "Ask for less, or give the route a target that has what the request needs.",
    "method_not_allowed": "Use the method that the `allow` header names.",
    "request_timeout": "Send the request faster, or raise `server.body_deadline`.",
    "request_too_large": "Send less, or raise `limits.body`, `limits.json_depth` or `limits.json_nodes`.",
    "unsupported_media_type": "Send `content-type: application/json`.",
    "client_disconnected": "Raise the client's own timeout if it gave up early.",
    "headers_too_large": "Send fewer or shorter headers.",
    "rate_limit_exceeded": "Wait as long as `retry-after` says.",
    "request_over_limit": "Send less in one request, set a smaller output limit, or ask for a higher limit.",
    "budget_exceeded": "Wait for the next budget window, or have the budget raised.",
    "credits_exhausted": "Have credit added (`waypost credits add`), or set a smaller output limit.",
    "free_tier_exhausted": "Wait for the next window (`retry-after` says how long), or have credit added.",
    "model_unpriced": "Give the model `prices`, or set `ledger.allow_unpriced`.",
    "upstream_error": "Try again; look at the attempts with `waypost requests show ID`.",
    "upstream_rejected": "Change the request as the provider's own message says.",
    "context_length_exceeded": "Send less, or ask for a model with a larger context.",
    "content_filter": "Change what the provider's filter objects to.",
    "upstream_credential_refused": "Give the provider a valid key: `waypost doctor --online`.",
    "upstream_quota_spent": "Add credit at the provider, raise its spend limit, or add a second target.",
    "upstream_overloaded": "Try again in a moment, or add a second target.",
    "upstream_rate_limited": "Wait as long as `retry-after` says, or add a second target.",
    "upstream_unavailable": "Try again, or add a second target.",
    "upstream_untrusted": "Correct the provider's certificate, or name its authority in `tls.ca`.",
    "upstream_address_denied": "If the address is meant, write it as `base_url` into the configuration.",
    "upstream_timeout": "Try again, or raise the deadline of that phase in `deadlines`.",
    "upstream_garbled": "Check that the `base_url` is the API's and no proxy answers in its place.",
    "upstream_truncated": "Try again; what was delivered is billed.",
    "upstream_failed": "Try again; the provider reported the fault inside its answer.",
    "upstream_misshapen": "Ask again, simplify the schema, or choose a model whose provider enforces schemas.",
    "gateway_unavailable": "Try again; `GET /readyz` says what is missing.",
    "store_unavailable": "Check the disk and the database; the gateway goes on by itself.",
    "all_targets_down": "Wait as long as `retry-after` says; `waypost doctor --online` looks at each provider.",
    "draining": "Try again: another node, or the restarted one, answers.",
    "overloaded": "Wait as long as `retry-after` says; the page about overload tells what is short.",
    "config_error": "Correct the file; `waypost check` says where.",
}


def render_config() -> str:
    """The configuration reference."""
    lines = [
        "# Configuration reference\n",
        NOTE,
        "The gateway reads `waypost.yaml` in the current folder, or the file given by `--config` or `WAYPOST_CONFIG`. "
        "An empty or missing file is valid. `waypost check` says what is wrong with a file, `waypost reload` (or "
        "`SIGHUP`, or saving the file) puts it into force without dropping a request, and `waypost schema` prints a "
        "JSON Schema for editors.\n",
        EXAMPLE,
        "Secrets are never written into the file: `env:NAME` is the value of an environment variable, `file:/path` the "
        "content of a file. Durations are written like `10s`, `5m` or `1h30m`, sizes like `32MiB`. Prices are read "
        "exactly as they are written.\n",
    ]
    rows = describe_fields()
    for section in [row for row in rows if "." not in row.path]:
        inner = [row for row in rows if row.path.startswith((f"{section.path}.", f"{section.path}[]."))]
        lines += [f"## `{section.path}`\n", f"{section.doc}\n"]
        lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
        for row in inner:
            default = f"`{row.default}`" if row.default not in ("", "required") else row.default
            lines.append(f"| `{row.path}` | {_cell(row.type)} | {_cell(default)} | {_cell(row.doc)} |")
        lines.append("")
    return "\n".join(lines)


def error_classes() -> Iterator[type[errors.GatewayError]]:
    """Every error with a code of its own, in the order of errors/__init__.py."""
    seen: set[str] = set()
    for value in map(vars(errors).__getitem__, errors.__all__):
        if isinstance(value, type) and issubclass(value, errors.GatewayError) and value.code not in seen:
            seen.add(value.code)
            yield value


def render_errors() -> str:
    """The error reference."""
    lines = [
        "# Error reference\n",
        NOTE,
        "Every error says what happened, why, and what to do, in the envelope of the client's own dialect. `code` is "
        "stable; `x-should-retry: false` is sent where repeating the same request can not help.\n",
        "| code | status | repeat? | meaning | what to do |",
        "|---|---|---|---|---|",
    ]
    for error in error_classes():
        meant = errors.Bug if error is errors.GatewayError else error
        meaning = " ".join((inspect.getdoc(meant) or "").split())
        status = _status_of(error)
        cells = [f"`{error.code}`", status, "yes" if error.repeatable else "no", meaning, ADVICE[error.code]]
        lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(lines) + "\n"


def _status_of(error: type[errors.GatewayError]) -> str:
    if error is errors.Rejected:
        return "the provider's"
    if issubclass(error, errors.Rejected):
        return "400"
    return "503, 529" if error is errors.Overcrowded else str(error.status)


def render_cli() -> str:
    """The command reference."""
    from waypost.cli.main import EPILOG, app

    lines = ["# Command reference\n", NOTE, EPILOG + "\n"]
    for names, command in commands(typer.main.get_command(app), ()):
        lines += [f"## `waypost {' '.join(names)}`\n", _prose(command.help or ""), ""]
        given = [
            one for one in command.params if one.name not in ("help", "install_completion", "show_completion")
        ]
        if given:
            lines += ["| option | variable | default | meaning |", "|---|---|---|---|"]
        for one in given:
            argument = one.param_type_name == "argument"
            flag = f"`{one.metavar or one.name}`" if argument else ", ".join(f"`{opt}`" for opt in one.opts)
            default = "required" if one.required else _default(one.default)
            cells = [flag, f"`{one.envvar}`" if one.envvar else "", default, getattr(one, "help", "") or ""]
            lines.append("| " + " | ".join(map(_cell, cells)) + " |")
        lines.append("")
    return "\n".join(lines)


def commands(command: Any, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with its words."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield names, command
        return
    for name, one in inner.items():
        yield from commands(one, (*names, name))


def _default(value: object) -> str:
    if value is None or value is False or value == ():
        return ""
    return f"`{value}`"


def _prose(text: str) -> str:
    """Help text as Markdown: paragraphs that are a command become code."""
    paragraphs = []
    for paragraph in inspect.cleandoc(text).replace("[bold]", "").replace("[/]", "").split("\n\n"):
        flat = " ".join(paragraph.split())
        is_command = flat.split(" ")[0] in ("waypost", "export", "git") or flat.startswith("OPENAI_API_KEY=")
        paragraphs.append(f"```sh\n{flat}\n```" if is_command else flat)
    return "\n\n".join(paragraphs)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {
    "config.md": render_config,
    "errors.md": render_errors,
    "cli.md": render_cli,
}


def stale() -> list[str]:
    """The pages that are not what the code says."""
    return [
        name
        for name, render in PAGES.items()
        if not (FOLDER / name).is_file() or (FOLDER / name).read_text("utf-8") != render()
    ]


def main(argv: list[str]) -> int:
    """Write the pages, or with `--check` say which are stale."""
    if "--check" in argv:
        for name in (found := stale()):
            print(f"docs/reference/{name} is not what the code says: run `python -m tools.render_reference`")
        return 1 if found else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, render in PAGES.items():
        (FOLDER / name).write_text(render(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
