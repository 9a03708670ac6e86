"""Takes secrets out of texts that come from providers, before a client or a log sees them."""

from __future__ import annotations

import re

import msgspec

#: Longest provider message that is passed on, in characters.
MESSAGE_CAP = 2000

_SECRETS = re.compile(
    r"""(?P<keep>[a-z][a-z0-9+.-]*://)[^\s/@"'<>]+@          # credentials in a URL
    | (?P<bearer>bearer\s+)[^\s"'<>,]{6,}
    | (?P<query>[?&](?:api[_-]?key|key|token|access_token|sig|signature)=)[^\s&"'<>]+
    | \b(?:sk|pk|rk|gsk|xai|pplx|hf|nvapi|wp|r8|fw|csk|ghp)[-_][A-Za-z0-9*_.=-]{8,}
    | \b(?:org|proj|acct)[-_][A-Za-z0-9]{16,}               # account names: the operator's, not the client's
    | \b(?:AIza|ya29|eyJ|AKIA)[A-Za-z0-9*_.=-]{9,}
    | \b(?=[A-Za-z0-9_+=-]*[0-9])(?=[A-Za-z0-9_+=-]*[A-Za-z])[A-Za-z0-9_+=-]{40,}
    """,
    re.VERBOSE | re.IGNORECASE,
)


def mask(text: str) -> str:
    """`text` with anything that looks like a key, a token or a URL's credentials replaced by `***`."""
    return _SECRETS.sub(_replacement, text)


def find_secrets(text: str) -> list[tuple[int, int]]:
    """Where `mask` would put `***`: start and end of each, in order."""
    return [(found.start() + _kept(found), found.end()) for found in _SECRETS.finditer(text)]


def _kept(found: re.Match[str]) -> int:
    return len(found["keep"] or found["bearer"] or found["query"] or "")


def mask_json(body: bytes) -> bytes | None:
    """A JSON document with its texts masked: the same bytes when there was nothing to mask, None when it is not JSON.

    Text by text, since an escape such as `\\n` in front of a key hides from `mask` where the key begins.
    """
    try:
        document: object = msgspec.json.decode(body)
        masked = _masked(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return body if masked == document else msgspec.json.encode(masked)


def _masked(value: object) -> object:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_masked(each) for each in value]
    if isinstance(value, dict):
        return {_masked(name): _masked(each) for name, each in value.items()}
    return value


def _replacement(found: re.Match[str]) -> str:
    keep: str | None = found["keep"]
    if keep:
        return f"{keep}***@"
    return f"{found['bearer'] or found['query'] or ''}***"


def clean_message(text: str) -> str:
    """A provider's message made safe to show: masked, one line, at most `MESSAGE_CAP` characters."""
    line = " ".join(mask(text[: 4 * MESSAGE_CAP]).split())
    return line if len(line) <= MESSAGE_CAP else line[: MESSAGE_CAP - 1] + "…"
