"""What a golden file holds: a snapshot without secrets, or the rendered problems."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from waypost.config.load import load_bytes
from waypost.config.outline import outline
from waypost.config.problems import problems_of, render_problem
from waypost.config.resolve import Surroundings, resolve
from waypost.config.shared_store import SharedStore
from waypost.config.snapshot import Settings, Snapshot
from waypost.config.storage import Storage
from waypost.config.targets import Provider
from waypost.config.tuning import Resilience
from waypost.core.facts import ModelFacts
from waypost.core.price import Tariff
from waypost.core.quirks import Quirks
from waypost.core.usage import Usage
from waypost.dialects.registry import DIALECTS
from waypost.errors import ConfigError
from waypost.providers.spec import ProviderSpec, Variable

FOLDER = Path(__file__).parents[1] / "golden" / "config"
NOON = 1_795_200_000.0

ENVIRON = {
    "OPENAI_API_KEY": "sk-THISISASECRET",
    "LAB_KEY": "THISISASECRET",
    "LAB_TOKEN": "THISISASECRET",
    "LAB_PROXY": "http://user:THISISASECRET@proxy.example:3129",
    "EMPTY": " ",
    "HOME": "/home/me",
    "BROKEN": "THISISASECRET\r\nx-evil: 1",
}
FILES = {
    "/run/secrets/lab": b"THISISASECRET\n",
    "/run/secrets/google": (
        b'{"type":"service_account","client_email":"me@p1","private_key_id":"k",'
        b'"private_key":"-----BEGIN THISISASECRET","project_id":"p1"}'
    ),
    "/home/me/.aws/credentials": b"[work]\naws_access_key_id = AK\naws_secret_access_key = THISISASECRET\n",
}

PRESETS = {
    spec.name: spec
    for spec in (
        ProviderSpec(
            name="openai",
            title="OpenAI",
            base_url="https://api.openai.com/v1",
            dialects=("openai_chat", "openai_completions", "openai_embeddings"),
            env=("OPENAI_API_KEY",),
            quirks=Quirks(max_tokens_field="max_completion_tokens"),
        ),
        ProviderSpec(
            name="anthropic",
            title="Anthropic",
            base_url="https://api.anthropic.com/v1",
            dialects=("openai_chat",),
            env=("ANTHROPIC_API_KEY", "CLAUDE_API_KEY"),
        ),
        ProviderSpec(
            name="groq",
            title="Groq",
            base_url="https://api.groq.com/openai/v1",
            dialects=("openai_chat",),
            env=("GROQ_API_KEY",),
        ),
        ProviderSpec(
            name="gemini",
            title="Gemini",
            base_url="https://generativelanguage.googleapis.com/v1beta/openai",
            dialects=("openai_chat",),
            env=("GEMINI_API_KEY",),
            prices="google",
        ),
        ProviderSpec(
            name="ollama",
            title="Ollama",
            base_url="http://127.0.0.1:11434/v1",
            dialects=("openai_chat",),
            auth="none",
            local_ports=(11434,),
        ),
        ProviderSpec(
            name="azure",
            title="Azure",
            base_url="https://{resource}.openai.azure.com/openai/v1",
            dialects=("openai_chat",),
            auth="header",
            auth_header="api-key",
            env=("AZURE_API_KEY",),
        ),
        ProviderSpec(
            name="native",
            title="Native",
            base_url="https://api.native.example/v2",
            dialects=("anthropic_messages", "openai_chat"),
            auth="header",
            auth_header="x-api-key",
            dialect_auth={"openai_chat": "authorization"},
            paths={"openai_chat": "/../compatibility/v1"},
            headers={"x-client": "waypost"},
            dialect_headers={"anthropic_messages": {"anthropic-version": "2023-06-01"}},
            regions={"eu": "https://api.eu.native.example/v2"},
            models_path="/../v1/models?limit=1000",
            env=("NATIVE_API_KEY",),
        ),
        ProviderSpec(
            name="bedrock",
            title="Bedrock",
            base_url="https://bedrock-runtime.{region}.amazonaws.com",
            dialects=("bedrock_converse",),
            auth="sigv4",
            env=("AWS_BEARER_TOKEN_BEDROCK",),
            variables={"region": Variable(("AWS_REGION",))},
            models_path="https://bedrock.{region}.amazonaws.com/foundation-models",
        ),
        ProviderSpec(
            name="vertex",
            title="Vertex",
            base_url="https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}",
            dialects=("gemini_generate", "openai_chat"),
            auth="google",
            variables={
                "project": Variable(("GOOGLE_CLOUD_PROJECT",)),
                "region": Variable(default="us-central1"),
            },
            regions={"global": "https://aiplatform.googleapis.com/v1/projects/{project}/locations/global"},
            paths={"gemini_generate": "/publishers/google", "openai_chat": "/endpoints/openapi"},
            models_path=None,
        ),
        ProviderSpec(
            name="deployments",
            title="Deployments",
            base_url="https://{resource}.openai.azure.com/openai",
            dialects=("openai_chat",),
            auth="header",
            auth_header="api-key",
            variables={"version": Variable(default="2024-10-21")},
            paths={"openai_chat": "/deployments/{model}"},
            query="api-version={version}",
            models_path=None,
        ),
        ProviderSpec(
            name="ibm",
            title="IBM",
            base_url="https://{region}.ml.cloud.ibm.com/ml/gateway/v1",
            dialects=("openai_chat",),
            auth="ibm_iam",
            env=("WATSONX_APIKEY",),
        ),
        ProviderSpec(
            name="local",
            title="The small model",
            base_url="http://127.0.0.1:{port}/v1",
            dialects=("openai_chat",),
            auth="none",
        ),
    )
}


class NoCatalog:
    """Knows nothing."""

    def find(self, provider: str, model: str) -> tuple[Tariff | None, ModelFacts]:
        return None, ModelFacts()


def read_file(path: str) -> bytes:
    if path not in FILES:
        raise FileNotFoundError(path)
    return FILES[path]


def surroundings(environ: Mapping[str, str] = ENVIRON) -> Surroundings:
    return Surroundings(
        environ=environ, presets=PRESETS, dialects=DIALECTS, catalog=NoCatalog(), read_file=read_file
    )


def render_case(data: bytes) -> tuple[str, str]:
    """The ending and the text of the golden file for these bytes."""
    try:
        snapshot = resolve(load_bytes(data), surroundings(), version=1)
    except ConfigError as error:
        return ".error", "".join(f"{render_problem(problem)}\n" for problem in problems_of(error))
    text = msgspec.json.format(msgspec.json.encode(_view(snapshot)), indent=2).decode()
    return ".json", text + "\n"


def _view(snapshot: Snapshot) -> dict[str, object]:
    return {
        "providers": {
            name: {
                **{
                    field: getattr(provider, field)
                    for field in (
                        "dialects", "path", "quirks", "deadlines", "on_disconnect", "drain_s", "retries",
                        "models_path", "prices", "origin_label",
                    )
                },
                "origin": f"{provider.origin.scheme}://{provider.origin.authority}",
                "private": provider.origin.private,
                "proxy": str(provider.origin.proxy) if provider.origin.proxy else None,
                "headers": provider.headers.decode().split("\r\n")[:-1],
                **_more(provider, snapshot.pools.get(name, ())),
                "secret_headers": [line.partition(b":")[0].decode() for line in _lines(provider.credential.reveal())],
            }
            for name, provider in snapshot.providers.items()
        },
        "routes": {
            name: {
                "kind": route.kind,
                **({"node": outline(route.node)} if route.node is not None else {}),
                "targets": [
                    {
                        "target": target.label,
                        "priority": target.priority,
                        "weight": target.weight,
                        "cost_of_a_million_each": _cost(target.tariff),
                    }
                    for target in route.targets
                ],
            }
            for name, route in snapshot.routes.items()
        },
        "aliases": snapshot.aliases,
        "settings": _settings(snapshot.settings),
        **({"shared": _shared(snapshot.shared)} if snapshot.shared is not None else {}),
    }  # fmt: skip


def _settings(settings: Settings) -> dict[str, object]:
    """Without the figures of resilience, unless one was set."""
    shown = msgspec.structs.asdict(settings)
    if settings.storage == Storage():
        del shown["storage"]
    if settings.resilience == Resilience():
        del shown["resilience"]
    return shown


def _shared(store: SharedStore) -> dict[str, object]:
    return {**msgspec.structs.asdict(store), "password": "***" if store.password else None}


def _more(provider: Provider, pool: tuple[Provider, ...]) -> dict[str, object]:
    """What only some have."""
    authorizer = provider.credential.authorizer
    found = {
        "paths": provider.paths,
        "query": provider.query,
        "dialect_headers": {
            name: [line.decode().strip() for _, line in lines]
            for name, lines in provider.dialect_headers.items()
        },
        "dialect_secret_headers": {
            name: [line.partition(b":")[0].decode() for line in _lines(credential.reveal())]
            for name, credential in provider.credentials.items()
        },
        "authorizer": repr((authorizer, authorizer.key)) if authorizer else "",
        "models_origin": provider.models_origin.authority if provider.models_origin else "",
    }
    found |= {
        "region": provider.region,
        "keys": [[key.key_name, key.key_weight, key.key_rpm, key.key_concurrency] for key in pool],
        "trains": None if provider.trains is None else str(provider.trains),
        "retains": None if provider.retains is None else str(provider.retains),
    }
    return {name: value for name, value in found.items() if value}


def _lines(block: bytes) -> list[bytes]:
    return block.split(b"\r\n")[:-1]


def _cost(tariff: Tariff | None) -> list[int] | None:
    if tariff is None:
        return None
    million = 1_000_000
    return [tariff.cost(usage, NOON) for usage in (Usage(), Usage(input=million), Usage(output=million))]


def rewrite() -> None:
    """Write every golden file anew; the difference is for a person to read."""
    for case in sorted(FOLDER.glob("*.yaml")):
        ending, text = render_case(case.read_bytes())
        case.with_suffix(ending).write_text(text)


if __name__ == "__main__":
    rewrite()
