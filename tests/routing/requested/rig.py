"""A small gateway's configuration, and requests to it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from transcript import NoCatalog, provider, target
from waypost.config.nodes import Fallback, Leaf, Need, Node, targets_of
from waypost.config.snapshot import Route, Settings, Snapshot
from waypost.config.targets import Target
from waypost.core.asked import Asked
from waypost.core.key import Key
from waypost.core.origin import Origin
from waypost.errors import CallerError
from waypost.policy.directory import Directory
from waypost.routing.requested.names import Names
from waypost.routing.requested.offers import Offers
from waypost.routing.requested.select import Selected, Selector
from waypost.routing.requested.wishes import NO_WISHES, Wishes

KEY = Key(key_id="k", name="app", digest=b"", hint="", created_at=0)
OPENAI = provider("openai")
AZURE = provider("azure", region="eu-west-1")
ROUTER = provider("openrouter", origin=Origin("https", "openrouter.ai", 443))
TOGETHER = provider("together", region="us")
OLLAMA = provider("ollama")
PROVIDERS = {each.name: each for each in (OPENAI, AZURE, ROUTER, TOGETHER, OLLAMA)}

LISTED = (
    "openai/gpt-5",
    "openai/gpt-5-mini",
    "azure/gpt-5",
    "openrouter/openai/gpt-5",
    "openrouter/meta/llama",
    "together/meta/llama",
    "together/qwen3:4b",
    "ollama/qwen3:4b",
    "openrouter/lone/model",
)


def listed(name: str) -> Route:
    at, _, model = name.partition("/")
    return Route(name, (target(PROVIDERS[at], model),), "discovered")


def built(node: Node, name: str) -> Route:
    return Route(name, targets_of(node), "config", node)


ROUTES = {name: listed(name) for name in LISTED}
ROUTES["fast"] = Route("fast", (target(OPENAI, "gpt-5"), target(AZURE, "gpt-5")))
ROUTES["route/prod"] = built(
    Fallback((Leaf(target(OPENAI, "gpt-5")), Leaf(target(TOGETHER, "meta/llama"))), Need(no_training=True)),
    "route/prod",
)
SNAPSHOT = Snapshot(
    version=1,
    providers=PROVIDERS,
    routes=ROUTES,
    aliases={
        "gpt-5": "openai/gpt-5",
        "gpt-5-mini": "openai/gpt-5-mini",
        "meta/llama": "openrouter/meta/llama",
        "qwen3:4b": "together/qwen3:4b",
        "lone/model": "openrouter/lone/model",
    },
    settings=Settings(),
    catalog=NoCatalog(),
)


def asked(model: str = "gpt-5", **fields: object) -> Asked:
    raws = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}
    return Asked(model, False, {"model": msgspec.Raw(msgspec.json.encode(model)), **raws})


def select(model: str = "gpt-5", wishes: Wishes = NO_WISHES, key: Key = KEY, **fields: object) -> Selected:
    return Selector().select(SNAPSHOT, asked(model, **fields), wishes, Directory().standing(key))


def limited(*models: str, route: str | None = None) -> Key:
    return msgspec.structs.replace(KEY, models=models, route=route)


def names(key: Key = KEY) -> Names:
    return Names(SNAPSHOT, Directory().standing(key), lambda: Offers(SNAPSHOT))


def refusal(call: Callable[[], object]) -> CallerError | None:
    """What a caller is refused with; any other error is raised."""
    try:
        call()
    except CallerError as refused:
        return refused
    return None


def targets(route: Route | tuple[Target, ...]) -> list[str]:
    found = route.targets if isinstance(route, Route) else route
    return [each.name for each in found]
