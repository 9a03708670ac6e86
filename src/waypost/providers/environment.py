"""Which providers the usual environment variables hold keys for."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from waypost.providers.registry import all_providers
from waypost.providers.spec import ProviderSpec

#: Shorter values are never a provider's key.
KEY_MIN = 8

_PLACEHOLDER = re.compile(
    r"""^(
        \$?[<\[{].*[>\]}]                             # <your key>, ${KEY}
      | .*(\.{3}|…)$                                  # sk-...
      | (sk[-_])?(x+|\*+|0+|1234\w*)                  # sk-xxxx
      | .*(change[-_ ]?me|replace[-_ ]?(me|this|with)|placeholder|(put|insert|enter|paste)[-_ ]your).*
      | .*\byour[-_ ]?\w*[-_ ]?(key|token|secret).*   # your-openai-api-key
      | (example|dummy|fake|none|null|undefined|todo|secret|api[-_ ]?key)([-_ ]?(key|token))?
    )$""",
    re.IGNORECASE | re.VERBOSE,
)


class FoundProvider(msgspec.Struct, frozen=True):
    """A provider with the name of the variable that holds its key. Never the value."""

    spec: ProviderSpec
    variable: str


class IgnoredVariable(msgspec.Struct, frozen=True):
    """A variable that is set to something that is not a key, and why it was passed over."""

    spec: ProviderSpec
    variable: str
    reason: str


class EnvironmentScan(msgspec.Struct, frozen=True):
    found: tuple[FoundProvider, ...]
    ignored: tuple[IgnoredVariable, ...]


def find_in_environment(env: Mapping[str, str]) -> EnvironmentScan:
    """Look at every provider's variables in order of preference; the first that can be a key counts."""
    found: list[FoundProvider] = []
    ignored: list[IgnoredVariable] = []
    for spec in all_providers():
        for variable in spec.env if spec.implicit else ():
            value = env.get(variable)
            if value is None:
                continue
            reason = why_not_a_key(value)
            if reason is None:
                found.append(FoundProvider(spec, variable))
                break
            ignored.append(IgnoredVariable(spec, variable, reason))
    return EnvironmentScan(tuple(found), tuple(ignored))


def why_not_a_key(value: str) -> str | None:
    """None when the value can be a key; otherwise the reason, which never quotes it."""
    text = value.strip()
    if not text:
        return "it is empty"
    if not text.isascii() or not text.isprintable() or " " in text:
        return "it has characters that no key has"
    if _PLACEHOLDER.match(text):
        return "it looks like a placeholder"
    if len(text) < KEY_MIN:
        return f"it is shorter than {KEY_MIN} characters"
    return None
