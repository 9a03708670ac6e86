from __future__ import annotations

from waypost.config.targets import Credential, Provider
from waypost.core.origin import Origin
from waypost.recorder.bases import bases

ROOT = "http://127.0.0.1:4190"


def provider(path: str, *dialects: str, **paths: str) -> Provider:
    origin = Origin("https", "api.example.com", 443)
    return Provider("x", dialects, origin, path, Credential(b""), paths=paths)


def test_each_sdk_gets_what_it_adds_its_paths_to() -> None:
    every = ("openai_chat", "anthropic_messages", "gemini_generate", "cohere_chat", "bedrock_converse")
    assert bases(provider("/v1", *every), ROOT) == {
        "openai": f"{ROOT}/v1", "anthropic": ROOT, "google-genai": ROOT, "boto3": ROOT, "cohere": ROOT,
    }  # fmt: skip


def test_paths_of_dialects_and_projects() -> None:
    moved = provider("/v1", "openai_chat", "anthropic_messages", anthropic_messages="/anthropic/v1")
    assert bases(moved, ROOT) == {"openai": f"{ROOT}/v1", "anthropic": f"{ROOT}/anthropic"}
    assert bases(provider("/v1/projects/p/locations/eu", "gemini_generate"), ROOT) == {"google-genai": ROOT}
