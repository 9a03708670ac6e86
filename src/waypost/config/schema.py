"""The shape of `waypost.yaml`. The text under each field is its documentation, in the docs and in editors."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from waypost.config.credits_schema import CreditsConfig
from waypost.config.kept_schema import IdempotencyConfig, ResponsesConfig
from waypost.config.kinds import (
    Duration,
    Markup,
    Name,
    Origins,
    Port,
    RateCount,
    Retention,
    RouteName,
    Secret,
    Size,
    Slug,
    Text,
    UrlPath,
)
from waypost.config.log_schema import LogConfig
from waypost.config.overload_schema import OverloadConfig
from waypost.config.price_schema import PricesConfig
from waypost.config.resilience_schema import ResilienceConfig
from waypost.config.route_schema import Quantized, RouteConfig
from waypost.config.shared_schema import SharedConfig
from waypost.config.storage_schema import BatchesConfig, FilesConfig
from waypost.core.quirks import Taken


class TargetConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One place a model can be answered from."""

    provider: Name
    """Name of a provider: of this file, or one found by its environment variable or as a local server."""
    model: Text
    """The model's id at that provider, such as `gpt-5-mini`."""
    priority: Annotated[int, Meta(ge=1, le=1000)] = 1
    """Targets of the lowest number are tried first; the next number is the fallback."""
    weight: Annotated[int, Meta(ge=0, le=1_000_000)] = 1
    """Share of the requests among targets of the same priority. 0 takes none unless the others fail."""
    prices: PricesConfig | None = None
    """What this target costs, when it differs from the model's `prices` and from the catalogue."""
    markup: Markup | None = None
    """What is charged above its cost, in place of the model's `markup`."""
    quantization: Quantized | None = None
    """How its weights are stored there, for routes that want it so. Left out: not known."""


class ModelConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A name that clients ask for, and the targets behind it. `provider/model` works without an entry."""

    name: RouteName
    """What clients send as `model`."""
    targets: Annotated[list[TargetConfig], Meta(min_length=1)]
    """Where it is answered from. Same priority: by weight; a higher number is the fallback of a lower one."""
    prices: PricesConfig | None = None
    """What every target of it costs, in place of the catalogue's prices."""
    markup: Markup | None = None
    """What is charged above its cost, in place of the provider's `markup` and the gateway's; `0%` for nothing."""


class TlsConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """PEM files for TLS to a provider. Certificates are always verified; there is no switch to turn that off."""

    ca: Text | None = None
    """Certificate authorities to trust in place of the built-in ones."""
    cert: Text | None = None
    """Client certificate, with its chain, for providers that ask for one."""
    key: Text | None = None
    """Private key of the client certificate."""


class DeadlinesConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How long each phase of an attempt may take. What a provider leaves out is taken from the top level."""

    connect: Duration | None = None
    """Name lookup, TCP and TLS together. Default 5s."""
    first_byte: Duration | None = None
    """From the last byte of the request to the first byte of the answer. Default 2m."""
    idle: Duration | None = None
    """Between two reads of a streamed answer. Default 1m."""
    progress: Duration | None = None
    """Between two pieces of content in a stream; comments and pings do not count. Default 2m."""
    total: Duration | None = None
    """The whole attempt. Default 10m."""


class QuirksConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a provider differs from its dialect. What is left out is taken from the preset."""

    drop: list[Text] | None = None
    """Top-level request fields it refuses: dropped, and named in the `x-waypost-dropped` header."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    """Send the client's output limit under this name."""
    stream_usage: bool | None = None
    """Whether it understands `stream_options.include_usage`."""
    json_schema: Literal["native", "unsure", "tool", "prompt"] | None = None
    """How it comes by an answer in the shape of a JSON schema. `native`: it enforces the schema. `unsure`: it is asked
    in its own way and its answer is checked, and asked for once more if it is wrong. `tool`: it has no word for it, so
    it is made to call a tool of that shape. `prompt`: it is told in words."""
    reports_charge: bool | None = None
    """Whether its `usage.cost` is what it charges in USD; then it is preferred over the catalogue."""
    takes: list[Taken] | None = None
    """What it takes beyond OpenAI's own chat format; only sent for requests that come in another dialect."""


class AuthConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the gateway proves itself to a provider, where that is not the preset's way with one key."""

    scheme: Literal["bearer", "header", "none", "sigv4", "google", "azure_entra", "ibm_iam"]
    """`bearer`: the `api_key` as a bearer token. `header`: the bare `api_key` in the header named by `header`. `none`:
    no key. `sigv4`: each request is signed with AWS keys. `google`: access tokens for Google Cloud. `azure_entra`:
    access tokens of Microsoft Entra. `ibm_iam`: the `api_key` is exchanged for tokens of IBM Cloud. Tokens are fetched
    and renewed in the background."""
    header: Name | None = None
    """With `header`: the name of the header, such as `x-api-key`."""
    source: (
        Literal[
            "auto",
            "environment",
            "profile",
            "container",
            "web_identity",
            "instance",
            "metadata",
            "managed_identity",
        ]
        | None
    ) = None
    """Where keys or tokens come from. `sigv4`: `auto` takes the first of the fields here, `environment`,
    `web_identity`, `profile` and `container` that there is; `instance` (EC2) has to be named. `google`: `auto` reads
    `credentials`, or the file of GOOGLE_APPLICATION_CREDENTIALS or of `gcloud auth application-default login`;
    `metadata` asks the machine's own identity. `azure_entra`: `auto` takes `client_secret`, AZURE_CLIENT_SECRET or
    AZURE_FEDERATED_TOKEN_FILE; `web_identity` the last of these; `managed_identity` the machine's own. Default auto."""
    region: Slug | None = None
    """With `sigv4`: the region to sign for, when it is not the provider's `region`."""
    service: Slug | None = None
    """With `sigv4`: the service to sign for, when it is not the preset's, such as `bedrock`."""
    access_key_id: Secret | None = None
    """With `sigv4`: where the access key's id is."""
    secret_access_key: Secret | None = None
    """With `sigv4`: where the access key's secret is."""
    session_token: Secret | None = None
    """With `sigv4`: where the session token of temporary keys is. Keys that the gateway can renew itself are better."""
    profile: Text | None = None
    """With `sigv4`: a profile of `~/.aws/credentials` and `~/.aws/config`."""
    role_arn: Text | None = None
    """With `sigv4`: a role to take on with these keys, such as `arn:aws:iam::123456789012:role/waypost`."""
    external_id: Text | None = None
    """With `role_arn`: the external id that the role asks for."""
    session_name: Slug | None = None
    """With `role_arn`: the session's name in AWS's logs. Default `waypost`."""
    credentials: Secret | None = None
    """With `google`: where the JSON of a service account's key, or of `gcloud auth application-default login`, is."""
    tenant_id: Slug | None = None
    """With `azure_entra`: the tenant. Left out: AZURE_TENANT_ID."""
    client_id: Slug | None = None
    """With `azure_entra`: the application, or the user-assigned managed identity. Left out: AZURE_CLIENT_ID."""
    client_secret: Secret | None = None
    """With `azure_entra`: where the application's secret is."""
    scope: Text | None = None
    """With `azure_entra`: what tokens are asked for. Default `https://cognitiveservices.azure.com/.default`."""


class KeyConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One of a provider's several keys."""

    name: Name
    """What it is called in logs, in metrics and by `explain`; the key itself is never shown."""
    api_key: Secret
    """Where it is: `env:NAME` or `file:/path`. Never the key itself."""
    weight: Annotated[int, Meta(ge=0, le=1_000_000)] = 1
    """Share of the requests among keys that have as much of their quota left. 0 takes none unless the others fail."""
    rpm: RateCount | None = None
    """Most requests per minute with it, where the provider does not tell what is left of its quota. Of several workers
    each holds its share, and at least 1."""
    concurrency: RateCount | None = None
    """Most requests under way with it at once. Of several workers each holds its share, and at least 1."""


class DataConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a provider does with what it is sent, as your contract with it says. Routes can ask for it."""

    training: bool | None = None
    """Whether it trains on it. Left out: not known, which is not good enough for `no_training`."""
    retention: Retention | None = None
    """How long it keeps it: `none`, or a number of days such as `30d`. Left out: not known, which is not good enough
    for `zero_retention`."""


class ProbeConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A question of one word that is asked when nobody else asks: a provider that is down is noticed before a client
    meets it, and one that is well again before a client has to try. It costs a few tokens each, billed to no key."""

    model: Text
    """The model that is asked: the provider's own id of a cheap one."""
    every: Duration = "30s"
    """How often, at most: not while others have asked it within this time."""


class ProviderConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who answers: a known provider by its `preset`, or any server by its `dialect` and `base_url`."""

    name: Name
    """What targets and clients call it: `name/model`."""
    preset: Name | None = None
    """A known provider whose URL, authentication and quirks are used, such as `openai`. The page
    about providers lists them."""
    dialect: str | None = None
    """The wire format it speaks, such as `openai_chat`, which stands for completions and embeddings too."""
    dialects: list[str] | None = None
    """The wire formats it speaks, when it is more than one; in place of `dialect`."""
    variables: dict[str, Text] = {}
    """Values for the parts in braces of a preset's URL, such as `{resource: my-company}`."""
    region: Slug | None = None
    """The preset's region, such as `eu` or `us-east-1`. The page about providers lists those that have any. Of a server
    without a preset: where it is, for routes that ask for `regions`."""
    base_url: Text | None = None
    """Its URL up to the version, such as `http://10.0.0.5:8000/v1`. Replaces the preset's. Private and loopback
    addresses are allowed here, because only the operator writes this file."""
    api_key: Secret | None = None
    """Where its key is: `env:NAME` or `file:/path`. Never the key itself. Left out: the preset's usual environment
    variables, or none for a server without one."""
    keys: Annotated[list[KeyConfig], Meta(min_length=1, max_length=100)] | None = None
    """Several keys, in place of `api_key`: each request takes the one with the most of its quota left. The list of
    models is asked for with the first."""
    auth: AuthConfig | None = None
    """How the gateway proves itself, where that is not the preset's way: signatures, tokens, another header."""
    paths: dict[str, UrlPath] = {}
    """By dialect, the path in place of the `base_url`'s, for a server that speaks several dialects under several paths:
    `{anthropic_messages: /anthropic/v1}`."""
    headers: dict[str, str] = {}
    """More headers for each request to it. A value may be a reference to a secret: `env:NAME` or `file:/path`."""
    tls: TlsConfig | None = None
    """PEM files for its TLS."""
    proxy: Text | None = None
    """An HTTP proxy to reach it through, such as `http://proxy:3128`. For a proxy with a password: `env:NAME`, where
    the variable holds `http://user:password@proxy:3128`."""
    deadlines: DeadlinesConfig | None = None
    """Deadlines of attempts at it, where they differ from the top-level `deadlines`."""
    on_disconnect: Literal["drain", "cancel"] = "drain"
    """When a client leaves in the middle of a stream: `drain` reads the rest to know what it costs, `cancel` closes at
    once and counts what was delivered."""
    drain: Duration = "30s"
    """How long `on_disconnect: drain` goes on reading."""
    retries: Annotated[int, Meta(ge=0, le=10)] = 1
    """How often the same target is asked again after a failure that allows it."""
    models: list[Text] | None = None
    """Model ids to offer, for a server that can not list its own, or in place of its list."""
    prices_from: Text | None = None
    """Whose prices in the catalogue apply, when it is not the preset's or its own name: `openai` for a mirror of it."""
    markup: Markup | None = None
    """What is charged above the cost of its models, in place of the gateway's `markup`."""
    quirks: QuirksConfig | None = None
    """Where it differs from its dialect."""
    data: DataConfig | None = None
    """What it does with what it is sent."""
    probe: ProbeConfig | None = None
    """Ask it for a word now and then. Left out: it is judged by its clients' requests alone."""
    discover: bool = True
    """Ask it for its list of models and offer them as `name/model`."""


class ServerConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where the gateway listens, and how patient it is with its clients. `host` and `port` need a restart."""

    host: Text = "127.0.0.1"
    """Address to listen on. `0.0.0.0` or `::` for every network interface."""
    port: Port = 4100
    """Port to listen on; 0 for any free one."""
    header_deadline: Duration = "10s"
    """How long a client may take to send its headers."""
    body_deadline: Duration = "60s"
    """How long a client may take to send its body."""
    write_stall: Duration = "60s"
    """How long a client may leave an answer unread before its connection is closed."""
    drain: Duration = "30s"
    """How long running answers may go on after a stop was asked for."""


class LimitsConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one request, and all of them together, may take."""

    body: Size = "32MiB"
    """Largest request body."""
    json_depth: Annotated[int, Meta(ge=4, le=512)] = 64
    """Deepest nesting of a JSON body."""
    json_nodes: Annotated[int, Meta(ge=100, le=100_000_000)] = 2_000_000
    """Most values in a JSON body. Embeddings of token arrays hold many."""
    concurrency: Annotated[int, Meta(ge=1, le=1_000_000)] = 4096
    """Most requests under way at once; more are answered 503. The last tenth is for keys of high priority, and from
    seven tenths on keys of low priority are turned away. Of several workers each takes its share: the number divided by
    theirs, rounded down, and at least 1."""
    exchange: Duration = "15m"
    """The longest that a request may take, with everything that is tried for it. A request can ask for less."""


class LedgerConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How money is counted."""

    durability: Literal["process", "fsync"] = "process"
    """What a record survives: `process` a crash of the gateway, `fsync` a loss of power too, for some milliseconds more
    per request."""
    allow_unpriced: bool = False
    """Let keys with a budget use models without a known price. Their cost is then unknown and not held to the
    budget."""
    reserve_output_tokens: Annotated[int, Meta(ge=1, le=10_000_000)] = 4096
    """Output tokens to set money aside for when the client sets no limit and the model's own is larger."""


class CorsConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which web pages may call the gateway from a browser. Off by default."""

    origins: list[Origins] = []
    """Allowed origins, such as `https://app.example.com`; `*` for any."""


class DiscoveryConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is found without being configured."""

    environment: bool = True
    """Use providers whose key is in its usual environment variable, such as `OPENAI_API_KEY`."""
    local: bool = True
    """Use model servers that run on this machine: Ollama, vLLM, LM Studio, llama.cpp, SGLang."""
    interval: Duration = "10m"
    """How often providers are asked for their models."""
    local_model: Literal["auto", "on", "off"] = "auto"
    """Serve the small built-in model as `local/smollm2`. `auto`: when nothing else was found."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything in `waypost.yaml`. All of it is optional; an empty file is valid."""

    providers: list[ProviderConfig] = []
    """Who answers."""
    models: list[ModelConfig] = []
    """Names that clients ask for, with failover and weights."""
    routes: list[RouteConfig] = []
    """Trees of targets that clients ask for as `route/name`: by cost, by speed, by conditions, and more."""
    server: ServerConfig = ServerConfig()
    """Where the gateway listens."""
    limits: LimitsConfig = LimitsConfig()
    """What requests may take."""
    overload: OverloadConfig = OverloadConfig()
    """What happens when there is more to do than can be done."""
    deadlines: DeadlinesConfig = DeadlinesConfig()
    """How long each phase of an attempt may take, for every provider."""
    resilience: ResilienceConfig = ResilienceConfig()
    """When targets that fail are left alone, and when they are tried again."""
    shared: SharedConfig | None = None
    """A Valkey or Redis server over which gateways share the health of targets."""
    ledger: LedgerConfig = LedgerConfig()
    """How money is counted."""
    markup: Markup = "0%"
    """What is charged above the provider's cost, unless the provider, the model or the target has a `markup` of its
    own. Clients see it wherever they see a cost."""
    credits: CreditsConfig = CreditsConfig()
    """The credit that new organizations begin with."""
    log: LogConfig = LogConfig()
    """What is written down."""
    responses: ResponsesConfig = ResponsesConfig()
    """What is kept of `/v1/responses`."""
    idempotency: IdempotencyConfig = IdempotencyConfig()
    """Requests that come again."""
    files: FilesConfig = FilesConfig()
    """What is kept of `/v1/files`."""
    batches: BatchesConfig = BatchesConfig()
    """How `/v1/batches` are worked off."""
    cors: CorsConfig = CorsConfig()
    """Which web pages may call the gateway."""
    discovery: DiscoveryConfig = DiscoveryConfig()
    """What is found without being configured."""
