"""What a provider row says, in the form that requests are served from. The same for configured and found providers."""

from __future__ import annotations

from collections.abc import Mapping
from posixpath import normpath
from typing import Final
from urllib.parse import urlsplit

import msgspec

from waypost.config.credentials import BEARER, render_header, render_keyed
from waypost.config.origins import ProviderUrl
from waypost.config.targets import Credential, Keying, Lines
from waypost.core.origin import Origin
from waypost.providers.fill import Filled
from waypost.providers.rows.shapes import ANTHROPIC_COUNTING_HEADERS
from waypost.providers.spec import KEYED, ProviderSpec

#: Schemes whose requests carry a token that is fetched first.
_FETCHED: Final = frozenset(("google", "azure_entra", "ibm_iam"))


class Surface(msgspec.Struct, frozen=True):
    """Paths and constant headers: the part of a `Provider` that follows from its row and its base URL."""

    paths: dict[str, str] = {}
    endings: dict[str, str] = {}
    query: str = ""
    headers: bytes = b""
    dialect_headers: dict[str, Lines] = {}
    models_path: str | None = "/models"
    models_origin: Origin | None = None


#: What holds for any server of a dialect, where no row says otherwise: the header that its clients put the key in, and
#: those that it can not do without.
UNLISTED = ProviderSpec(
    name="unlisted",
    title="A server of the configuration",
    base_url="",
    dialects=(),
    dialect_auth={
        **dict.fromkeys(("anthropic_messages", "anthropic_count_tokens"), "x-api-key"),
        **dict.fromkeys(
            ("gemini_generate", "gemini_count_tokens", "gemini_embed", "gemini_embed_batch"), "x-goog-api-key"
        ),
        **dict.fromkeys(("elevenlabs_speech", "elevenlabs_transcriptions"), "xi-api-key"),
    },
    dialect_headers=ANTHROPIC_COUNTING_HEADERS,
)


def unlisted(spoken: tuple[str, ...], but: frozenset[str] = frozenset()) -> Surface:
    """The surface of a server that no row describes and that speaks these dialects."""
    headers = UNLISTED.dialect_headers
    return Surface(dialect_headers={name: _lines(headers[name], but) for name in spoken if name in headers})


def surface(
    spec: ProviderSpec, filled: Filled, url: ProviderUrl, but: frozenset[str] = frozenset()
) -> Surface:
    """`but` are names of headers, in lower case, that the operator sets in place of the row's."""
    models_path, models_origin = filled.models_path, None
    if models_path is not None and models_path.startswith("https://"):
        parts = urlsplit(models_path)
        models_origin = Origin("https", parts.hostname or "", parts.port or 443)
        models_path = parts.path + (f"?{parts.query}" if parts.query else "")
    return Surface(
        paths={dialect: join(url.path, path) for dialect, path in filled.paths.items()},
        endings=spec.endings,
        query=filled.query,
        headers=b"".join(line for _, line in _lines(spec.headers, but)),
        dialect_headers={name: _lines(each, but) for name, each in spec.dialect_headers.items()},
        models_path=models_path,
        models_origin=models_origin,
    )


def keyed(spec: ProviderSpec, secret: str, hidden: bytes = b"") -> dict[str, Credential]:
    """By dialect, the credentials of those that want the key in another header than the row's own. `hidden` are more
    lines made of secrets."""
    if spec.auth not in KEYED:
        return {}
    made: dict[str, Credential] = {}
    for dialect, header in spec.dialect_auth.items():
        line = render_keyed(secret, header)
        if line is not None:
            made[dialect] = Credential(line + hidden)
    return made


def keying_of(spec: ProviderSpec, hidden: bytes = b"") -> Keying | None:
    """How a row's provider is shown a key; None where that is not one header line. Where the row's own way is a
    signature of AWS, a key stands in `authorization`, as Bedrock's API keys do."""
    if spec.auth in _FETCHED:
        return None
    header = spec.auth_header.lower() if spec.auth == "header" else BEARER
    return Keying(header, spec.auth_word, spec.dialect_auth if spec.auth in KEYED else {}, hidden)


def join(start: str, path: str) -> str:
    """`/v1` and `/../anthropic/v1` are `/anthropic/v1`; no trailing slash."""
    joined = normpath(f"{start}/{path}").lstrip("/")
    return f"/{joined}" if joined and joined != "." else ""


def _lines(headers: Mapping[str, str], but: frozenset[str]) -> Lines:
    lines = [(name.lower().encode(), render_header(name, value)) for name, value in headers.items()]
    return tuple((name, line) for name, line in lines if line is not None and name.decode() not in but)
