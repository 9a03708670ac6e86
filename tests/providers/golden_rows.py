"""What a row comes to on the wire: for each dialect the method, the URL and the headers, with the key masked.

The real code renders the heads: configuration, resolution, `Heads`, `fetch_models`. A dialect that this version does
not speak yet stands in with its path alone.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from urllib.parse import quote

import msgspec

from config.golden_view import NoCatalog
from providers.auth.steps import NOW, walk
from transcript import ScriptedAnswer, ScriptedUpstream
from waypost.config.load import load_bytes
from waypost.config.resolve import Surroundings, resolve
from waypost.config.targets import Provider, Target
from waypost.core.asked import Onward
from waypost.dialects.lane import SameLane
from waypost.dialects.registry import DIALECTS
from waypost.providers.fill import parts_of
from waypost.providers.rows import CLOUD, LOCAL
from waypost.providers.spec import ProviderSpec
from waypost.upstream.attempt import Heads
from waypost.upstream.listing import fetch_models

FOLDER = Path(__file__).parents[1] / "golden" / "providers"
ROWS = CLOUD + LOCAL
KEY = "THE-KEY-OF-THIS-PROVIDER"
MODEL = "vendor.model-1:0"

#: The paths of dialects, after what a row puts before them.
PATHS = {
    "openai_chat": "/chat/completions",
    "openai_completions": "/completions",
    "openai_embeddings": "/embeddings",
    "openai_responses": "/responses",
    "openai_input_tokens": "/responses/input_tokens",
    "openai_images": "/images/generations",
    "openai_image_edits": "/images/edits",
    "openai_speech": "/audio/speech",
    "openai_transcriptions": "/audio/transcriptions",
    "openai_translations": "/audio/translations",
    "openai_moderations": "/moderations",
    "anthropic_messages": "/messages",
    "anthropic_count_tokens": "/messages/count_tokens",
    "anthropic_vertex": "/models/{model}:rawPredict",
    "gemini_generate": "/models/{model}:generateContent",
    "gemini_embed": "/models/{model}:embedContent",
    "gemini_embed_batch": "/models/{model}:batchEmbedContents",
    "gemini_count_tokens": "/models/{model}:countTokens",
    "bedrock_converse": "/model/{model}/converse",
    "bedrock_embed": "/model/{model}/invoke",
    "cohere_chat": "/chat",
    "cohere_embed": "/embed",
    "cohere_rerank": "/rerank",
}
SAMPLES = {
    "resource": "my-company",
    "account": "my-account",
    "host": "my-workspace.example.com",
    "workspace": "ws-1",
    "project": "my-project",
    "region": "eu-west-1",
    "port": "4199",
}
TOKEN = f'{{"access_token":"{KEY}","expires_in":3600}}'.encode()


#: The same for every row, or said elsewhere.
_SAME = ("host: ", "content-length: ", "content-type: ", "accept: ", "accept-encoding: ", "user-agent: ")


class StandIn:
    """A dialect of which only the name and the path are known."""

    def __init__(self, name: str) -> None:
        self.name = name

    def onward_path(self, model: str, stream: bool) -> str:
        return PATHS[self.name].replace("{model}", quote(model, safe=""))


class StandInLane:
    forwarded = ()

    def __init__(self, name: str) -> None:
        self.target = StandIn(name)


def build(spec: ProviderSpec) -> Provider:
    """The row as a provider of a configuration that gives it all it needs."""
    given = {name: SAMPLES[name] for name in parts_of(spec) if needed(spec, name)}
    auth = ""
    if spec.auth == "sigv4":
        auth = ", auth: {scheme: sigv4, access_key_id: env:ID, secret_access_key: env:KEY}"
    elif spec.auth == "google":
        auth = ", auth: {scheme: google, source: metadata}"
    elif spec.auth != "none":
        auth = ", api_key: env:KEY"
    variables = ", ".join(f"{name}: '{value}'" for name, value in given.items())
    text = f"providers: [{{name: {spec.name}, preset: {spec.name}, variables: {{{variables}}}{auth}}}]"
    around = Surroundings(
        environ={"KEY": KEY, "ID": "AKIDEXAMPLE"},
        presets={spec.name: spec},
        dialects=DIALECTS,
        catalog=NoCatalog(),
    )
    provider = resolve(load_bytes(text.encode()), around, version=1).providers[spec.name]
    authorizer = provider.credential.authorizer
    if authorizer is not None and authorizer.renewal is not None:
        walk(authorizer.renewal.steps(NOW), [TOKEN])
    return provider


def needed(spec: ProviderSpec, part: str) -> bool:
    """Whether a part has to be given: it has no default."""
    return part not in spec.variables or spec.variables[part].default is None


def render_row(spec: ProviderSpec) -> str:
    """The text of the row's golden file."""
    provider = build(spec)
    requests = {dialect: show(request_head(provider, dialect), provider) for dialect in spec.dialects}
    listing = listing_head(provider)
    view = {
        "provider": spec.title,
        "models": show(listing, provider) if listing else None,
        "requests": requests,
    }
    return msgspec.json.format(msgspec.json.encode(view), indent=2).decode() + "\n"


def request_head(provider: Provider, dialect: str) -> bytes:
    lane = SameLane(DIALECTS[dialect]) if dialect in DIALECTS else StandInLane(dialect)
    heads = Heads(lambda: NOW)
    target = Target(provider=provider, model=MODEL)
    return heads.render(target, lane, False, {}, Onward(b"{}"), 1)  # type: ignore[arg-type]  # the stand-in has what is used


def listing_head(provider: Provider) -> bytes | None:
    if provider.models_path is None:
        return None
    upstream = ScriptedUpstream([ScriptedAnswer(200, b'{"data":[]}')])
    asyncio.run(fetch_models(upstream, provider, NOW))
    return upstream.sent[0][1]


def show(head: bytes, provider: Provider) -> dict[str, object]:
    first, *lines = head.decode().split("\r\n")[:-2]
    method, path, _ = first.split(" ")
    host = next(line.removeprefix("host: ") for line in lines if line.startswith("host: "))
    shown = [re.sub(r"Signature=\w+", "Signature=***", line.replace(KEY, "***")) for line in lines]
    return {
        "method": method,
        "url": f"{provider.origin.scheme}://{host}{path}",
        "headers": sorted(line for line in shown if not line.startswith(_SAME)),
    }


def rewrite() -> None:
    """Write every golden file anew; the difference is for a person to read against the provider's documentation."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for spec in ROWS:
        (FOLDER / f"{spec.name}.json").write_text(render_row(spec))


if __name__ == "__main__":
    rewrite()
