"""`waypost record`: real traffic into fixtures that can be committed, for people who have keys."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waypost.cli.exits import Exit
from waypost.cli.options import ConfigFile, Json, chosen_config
from waypost.cli.output import NOTE, OK, WRONG, fail, people, print_json, visible

if TYPE_CHECKING:
    from waypost.app.recording import Place
    from waypost.config.targets import Provider
    from waypost.recorder.record import Settings
    from waypost.recorder.serving import Told


ProviderName = Annotated[
    str | None,
    typer.Option(
        envvar="WAYPOST_RECORD_PROVIDER",
        metavar="NAME",
        help="Whom to ask: a provider of the configuration, or a known one whose key is in its usual variable.",
    ),
]
Out = Annotated[
    Path,
    typer.Option(envvar="WAYPOST_RECORD_OUT", metavar="DIR", help="Folder to write the fixtures to."),
]
Host = Annotated[
    str, typer.Option(envvar="WAYPOST_RECORD_HOST", metavar="HOST", help="Address to listen on.")
]
Port = Annotated[
    int,
    typer.Option(
        envvar="WAYPOST_RECORD_PORT", min=0, max=65535, help="Port to listen on; 0 for any free one."
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        envvar="WAYPOST_RECORD_LIMIT", min=1, help="Stop after this many fixtures. Default: Ctrl-C."
    ),
]
Note = Annotated[
    str,
    typer.Option(envvar="WAYPOST_RECORD_NOTE", metavar="TEXT", help="A remark that each fixture carries."),
]
RedactText = Annotated[
    bool,
    typer.Option(
        "--redact-text",
        envvar="WAYPOST_RECORD_REDACT_TEXT",
        help="Write `xxxx` for the words of prompts, answers and arguments, as long as they were.",
    ),
]
KeepMedia = Annotated[
    bool,
    typer.Option(
        "--keep-media",
        envvar="WAYPOST_RECORD_KEEP_MEDIA",
        help="Write pictures, sounds and files whole. Default: long ones as their length and SHA-256.",
    ),
]
MediaKib = Annotated[
    int,
    typer.Option(
        envvar="WAYPOST_RECORD_MEDIA_KIB", min=1, help="KiB of base64 from which on a text is shortened."
    ),
]
AllowRemote = Annotated[
    bool,
    typer.Option(
        "--allow-remote",
        envvar="WAYPOST_RECORD_ALLOW_REMOTE",
        help="Allow a --host that other machines reach. Whoever reaches it spends your key.",
    ),
]
Check = Annotated[
    Path | None,
    typer.Option(
        envvar="WAYPOST_RECORD_CHECK",
        metavar="DIR",
        help="Record nothing: look for secrets and ids in the fixtures of a folder, for CI.",
    ),
]
Replay = Annotated[
    Path | None,
    typer.Option(
        envvar="WAYPOST_RECORD_REPLAY",
        metavar="DIR",
        help="Record nothing: be a provider that answers from the fixtures of a folder.",
    ),
]


def record(
    provider: ProviderName = None,
    out: Out = Path("fixtures"),
    host: Host = "127.0.0.1",
    port: Port = 4190,
    limit: Limit = None,
    note: Note = "",
    redact_text: RedactText = False,
    keep_media: KeepMedia = False,
    media_kib: MediaKib = 4,
    allow_remote: AllowRemote = False,
    check: Check = None,
    replay: Replay = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Record a provider's traffic as fixtures: point an SDK at the URL it prints, and each exchange becomes a file.

    The provider's key is added on the way; the SDK may send any. Keys, account names, ids, e-mail and IP addresses,
    cookies and dates are taken out before anything is written; what you ask and what is answered is kept. Nothing is
    written when a known secret is still found. Read what you commit.

    Examples:

      ANTHROPIC_API_KEY=… waypost record --provider anthropic --out fixtures --limit 3

      waypost record --check fixtures

      waypost record --replay fixtures --port 4191
    """
    from waypost.app.recording import Place

    if sum(each is not None for each in (provider, check, replay)) != 1:
        fail("Say one of --provider NAME, --check DIR and --replay DIR.", Exit.USAGE)
    place = Place(host=host, port=port, allow_remote=allow_remote)
    if check is not None:
        _check(check, as_json)
    elif replay is not None:
        _replay(replay, place, as_json)
    elif provider is not None:
        from waypost.recorder.fixture import Options
        from waypost.recorder.record import Settings

        options = Options(media_kib * 1024, keep_media, redact_text)
        _record(_provider(provider, config), out, place, Settings(options, note, limit), as_json)


def _record(provider: Provider, out: Path, place: Place, settings: Settings, as_json: bool) -> None:
    from waypost.app.recording import record as run
    from waypost.recorder.bases import bases

    def ready(root: str) -> None:
        urls = bases(provider, root)
        if as_json:
            print_json({"url": root, "provider": provider.name, "sdk": urls, "out": str(out)})
            return
        console = people()
        console.print(f"{OK} recording [bold]{provider.name}[/] into {out}  [dim]Ctrl-C stops it[/]")
        for sdk, url in urls.items():
            console.print(f"  base URL for {sdk:13} [bold]{url}[/]")
        console.print("  API key                    [dim]any: yours is added here[/]")

    run(
        provider,
        out,
        place,
        settings,
        environ=os.environ,
        ready=ready,
        tell=lambda told: _tell(told, as_json),
        stream=sys.stderr,
    )


def _replay(folder: Path, place: Place, as_json: bool) -> None:
    from waypost.app.recording import replay as run

    def ready(root: str, count: int) -> None:
        if as_json:
            print_json({"url": root, "fixtures": count})
            return
        console = people()
        console.print(f"{OK} answering from {count} fixtures at [bold]{root}[/]  [dim]Ctrl-C stops it[/]")
        console.print("  [dim]An OpenAI client takes this URL with /v1.[/]")

    run(folder, place, ready=ready, tell=lambda told: _tell(told, as_json), stream=sys.stderr)


def _tell(told: Told, as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    mark = WRONG if told.refused else OK
    said = told.file or "; ".join(told.refused)
    people().print(f"{mark} {told.status} {told.method}", visible(told.path), visible(said))


def _check(folder: Path, as_json: bool) -> None:
    from waypost.app.recording import environment_secrets
    from waypost.recorder.check import check as look

    if not folder.is_dir():
        fail(f"There is no folder {folder}.", hint="Name the one with the fixtures.")
    checked = look(folder, environment_secrets(os.environ))
    if as_json:
        print_json(checked)
    else:
        console = people()
        for found in checked.findings:
            console.print(WRONG, visible(f"{found.file}: {found.place}: {found.why}"))
        if not checked.fixtures:
            console.print(f"{NOTE} no fixtures in {folder}")
        elif not checked.findings:
            console.print(f"{OK} {checked.fixtures} fixtures, nothing found")
    if checked.findings:
        raise typer.Exit(int(Exit.REFUSED))


def _provider(name: str, config: Path | None) -> Provider:
    """The provider to record. Raises ConfigError, which says what is missing."""
    import msgspec

    from waypost.cli.surroundings import load_config, resolve_config
    from waypost.config.load import Loaded
    from waypost.config.problems import did_you_mean
    from waypost.config.schema import ProviderConfig
    from waypost.providers.registry import all_providers

    loaded = load_config(chosen_config(config))
    found = resolve_config(loaded).providers
    if name in found:
        return found[name]
    known = [spec.name for spec in all_providers()]
    if name not in known:
        fail(f"There is no provider {name!r}.", Exit.USAGE, did_you_mean(name, [*found, *known]))
    more = [*loaded.config.providers, ProviderConfig(name=name, preset=name)]
    wanted = Loaded(msgspec.structs.replace(loaded.config, providers=more), "--provider")
    return resolve_config(wanted).providers[name]
