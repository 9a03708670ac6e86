"""What to hand to the official SDKs as their base URL."""

from __future__ import annotations

import re

from waypost.config.targets import Provider

#: By SDK, the dialect whose path counts, and whether the SDK adds the version itself.
_SDKS = (
    ("openai", "openai_chat", False),
    ("openai", "openai_responses", False),
    ("openai", "openai_embeddings", False),
    ("anthropic", "anthropic_messages", True),
    ("google-genai", "gemini_generate", True),
    ("boto3", "bedrock_converse", True),
    ("cohere", "cohere_chat", True),
    ("cohere", "cohere_rerank", True),
)
_VERSION = re.compile(r"/v\d\w*(/projects/.*)?$")


def bases(provider: Provider, root: str) -> dict[str, str]:
    """By SDK, its base URL at a recorder or a replay that listens at `root`."""
    found: dict[str, str] = {}
    for sdk, dialect, adds_version in _SDKS:
        if dialect in provider.dialects and sdk not in found:
            path = provider.prefix_for(dialect)
            found[sdk] = root + (_VERSION.sub("", path) if adds_version else path)
    return found
