"""The shape of a provider row."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from waypost.core.quirks import Quirks

AuthScheme = Literal["bearer", "header", "none", "sigv4", "google", "azure_entra", "ibm_iam"]
#: Schemes whose key is one constant header line.
KEYED: Final = frozenset(("bearer", "header"))
#: Schemes that sign, or fetch a token first.
MADE: Final = frozenset(("sigv4", "google", "azure_entra", "ibm_iam"))

ModelsShape = Literal[
    "openai",
    "anthropic",
    "gemini",
    "ollama",
    "cohere",
    "bedrock",
    "cloudflare",
    "databricks",
    "elevenlabs",
    "none",
]

#: Every dialect a row may name, whether this version speaks it or not.
DIALECT_NAMES: Final = frozenset(
    (
        "openai_chat",
        "openai_completions",
        "openai_embeddings",
        "openai_responses",
        "openai_input_tokens",
        "openai_images",
        "openai_image_edits",
        "openai_speech",
        "openai_transcriptions",
        "openai_translations",
        "openai_moderations",
        "openai_realtime",
        "anthropic_count_tokens",
        "anthropic_messages",
        "anthropic_vertex",
        "gemini_generate",
        "gemini_count_tokens",
        "gemini_embed",
        "gemini_embed_batch",
        "bedrock_converse",
        "bedrock_embed",
        "cohere_chat",
        "cohere_embed",
        "cohere_rerank",
        "elevenlabs_speech",
        "elevenlabs_transcriptions",
        "deepgram_speech",
        "deepgram_transcriptions",
    )
)


class Variable(msgspec.Struct, frozen=True):
    """A part in braces of a row's URLs."""

    env: tuple[str, ...] = ()
    """Variables that hold it, in order of preference."""
    default: str | None = None


class RateHeaders(msgspec.Struct, frozen=True):
    """Names of the response headers that tell of rate limits, in lower case; "" for what is not told."""

    requests_limit: str = ""
    requests_remaining: str = ""
    requests_reset: str = ""
    tokens_limit: str = ""
    tokens_remaining: str = ""
    tokens_reset: str = ""
    input_limit: str = ""
    input_remaining: str = ""
    input_reset: str = ""
    output_limit: str = ""
    output_remaining: str = ""
    output_reset: str = ""


class ProviderSpec(msgspec.Struct, frozen=True):
    """One provider: base URL, auth, environment, dialects, quirks, and where that was read.

    `{name}` parts of `base_url`, `regions`, `paths`, `query` and `models_path` are filled from the configuration, from
    the environment, or from a default.
    """

    name: str
    title: str
    base_url: str
    """Including the version segment, without a trailing slash."""
    dialects: tuple[str, ...]
    """What it speaks, the one that carries everything first."""
    imitates: tuple[str, ...] = ()
    """Dialects of others that it has an endpoint for which quietly leaves things out. Requests in those cross to one of
    `dialects` instead, where what is left out is named; the configuration can choose them by `dialects`."""
    serves: dict[str, tuple[str, ...]] = {}
    """Where a model is not served in all of `dialects`: in which it is, by a pattern of its id such as `claude-*`. The
    first that fits counts; a model that none fits is served in all of them. Requests in others cross to these."""
    auth: AuthScheme = "bearer"
    auth_header: str = "authorization"
    """With `auth="header"`: the header that holds the bare key."""
    auth_word: str = "Bearer"
    """What stands before the key in `authorization`."""
    dialect_auth: dict[str, str] = {}
    """By dialect, the header that holds the key there; `authorization` holds it as a bearer token."""
    aws_service: str = "bedrock"
    """What `sigv4` signs for."""
    env: tuple[str, ...] = ()
    """Environment variables that hold its key, in order of preference."""
    implicit: bool = True
    """Whether a key in one of them is enough to use it unasked. False where such a variable is set for other reasons on
    many machines, or holds what is exchanged for a token first: then it counts only for a provider of the
    configuration."""
    variables: dict[str, Variable] = {}
    """What is known of the parts in braces."""
    regions: dict[str, str] = {}
    """Base URLs by region, for those that `{region}` alone does not lead to."""
    paths: dict[str, str] = {}
    """By dialect, what is added to the base URL's path there; it may climb out of it with `..`. `{model}` is the model
    that is asked."""
    endings: dict[str, str] = {}
    """By dialect, the path in place of the dialect's own, where it is another one."""
    query: str = ""
    """Goes with every request of a dialect: `api-version=…`."""
    headers: dict[str, str] = {}
    """Constant headers of every request."""
    dialect_headers: dict[str, dict[str, str]] = {}
    """More of them, by dialect."""
    models_path: str | None = "/models"
    """Lists its models: added to the base URL's path, or a whole URL; None if it can not."""
    models_shape: ModelsShape = "openai"
    """What the list looks like; `catalog/discovery.py` reads them all."""
    prices: str | None = None
    """The provider's id in the price catalogue, when it is not `name`."""
    local_ports: tuple[int, ...] = ()
    """A server usually run beside the gateway: ports to look at on loopback."""
    rates: RateHeaders = RateHeaders()
    quirks: Quirks = Quirks()
    docs_url: str = ""
    checked: str = ""
    """ISO date of the last check against `docs_url`."""
