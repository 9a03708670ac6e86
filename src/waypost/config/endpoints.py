"""One provider of the configuration, resolved: preset, URL, key, headers, deadlines."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

import msgspec

from waypost.config.credentials import (
    RESERVED,
    SecretMissing,
    SecretStore,
    render_credential,
    render_header,
)
from waypost.config.load import Loaded
from waypost.config.origins import BadUrl, ProviderUrl, parse_base_url, parse_proxy
from waypost.config.problems import ConfigProblem, Path, did_you_mean
from waypost.config.schema import DeadlinesConfig, ProviderConfig, QuirksConfig
from waypost.config.snapshot import Credential, Provider
from waypost.config.values import is_secret_reference, parse_duration
from waypost.core.origin import Deadlines, Origin, Proxy, TlsFiles
from waypost.core.quirks import Quirks
from waypost.providers.spec import ProviderSpec

#: Dialects that a server of the OpenAI kind speaks beside chat, at the same base URL.
FAMILIES = {"openai_chat": ("openai_chat", "openai_completions", "openai_embeddings")}


class Faults:
    """Collects problems with their places."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self.found: list[ConfigProblem] = []

    def add(self, path: Path, message: str, *, expected: str | None = None, hint: str | None = None) -> None:
        self.found.append(self._loaded.problem(path, message, expected=expected, hint=hint))


class Endpoints:
    """Builds providers. A fault is collected and a stand-in used, so that every fault of a file is found at once."""

    def __init__(
        self,
        presets: Mapping[str, ProviderSpec],
        dialects: Mapping[str, object],
        secrets: SecretStore,
        faults: Faults,
        defaults: DeadlinesConfig,
        exists: Callable[[str], bool] = os.path.isfile,
    ) -> None:
        self._presets = presets
        self._dialects = dialects
        self._secrets = secrets
        self._faults = faults
        self._exists = exists
        self._deadlines = merge_deadlines(Deadlines(), defaults)

    def build(self, entry: ProviderConfig, path: Path) -> Provider:
        """The provider of one entry; `path` is where it stands."""
        spec = self._preset(entry, path)
        url = self._url(entry, spec, path)
        plain, hidden = self._headers(entry, path)
        origin = Origin(
            scheme=url.scheme,
            host=url.host,
            port=url.port,
            private=entry.base_url is not None or url.loopback,
            proxy=self._proxy(entry, path),
            tls=self._tls(entry, path),
        )
        return Provider(
            name=entry.name,
            dialects=self._speaks(entry, spec, path),
            origin=origin,
            path=url.path,
            # Header lines made of secrets go with the credential, which no repr shows.
            credential=Credential(self._credential(entry, spec, path).reveal() + hidden),
            quirks=merge_quirks(spec.quirks if spec else Quirks(), entry.quirks),
            deadlines=merge_deadlines(self._deadlines, entry.deadlines),
            headers=plain,
            on_disconnect=entry.on_disconnect,
            drain_s=parse_duration(entry.drain),
            retries=entry.retries,
            models_path=(spec.models_path if spec else "/models") if entry.discover else None,
            prices=entry.prices_from or (spec.prices or spec.name if spec else None),
            origin_label="config",
        )

    def _preset(self, entry: ProviderConfig, path: Path) -> ProviderSpec | None:
        if entry.preset is None:
            if entry.base_url is None or not (entry.dialect or entry.dialects):
                known = entry.name in self._presets
                self._faults.add(
                    path,
                    f"the provider {entry.name!r} has neither a `preset` nor a `dialect` with a `base_url`",
                    expected="`preset: openai`, or `dialect: openai_chat` and `base_url: http://host:port/v1`",
                    hint=f"Add `preset: {entry.name}`." if known else None,
                )
            return None
        spec = self._presets.get(entry.preset)
        if spec is None:
            self._faults.add(
                (*path, "preset"),
                f"there is no preset {entry.preset!r}",
                expected="one of " + ", ".join(sorted(self._presets)),
                hint=did_you_mean(entry.preset, self._presets)
                or "Any other server: leave `preset` out, and give `dialect` and `base_url`.",
            )
        return spec

    def _speaks(self, entry: ProviderConfig, spec: ProviderSpec | None, path: Path) -> tuple[str, ...]:
        if entry.dialect is not None and entry.dialects is not None:
            self._faults.add((*path, "dialects"), "`dialect` and `dialects` are both given", hint="Keep one.")
        if entry.dialect is not None:
            self._known(entry.dialect, (*path, "dialect"))
            return FAMILIES.get(entry.dialect, (entry.dialect,))
        for index, name in enumerate(entry.dialects or ()):
            self._known(name, (*path, "dialects", index))
        return tuple(entry.dialects) if entry.dialects else (spec.dialects if spec else ())

    def _known(self, dialect: str, path: Path) -> None:
        if dialect not in self._dialects:
            self._faults.add(
                path,
                f"there is no dialect {dialect[:80]!r}",
                expected="one of " + ", ".join(sorted(self._dialects)),
                hint=did_you_mean(dialect, self._dialects),
            )

    def _url(self, entry: ProviderConfig, spec: ProviderSpec | None, path: Path) -> ProviderUrl:
        stand_in = ProviderUrl("https", "invalid", 443, "")
        text = entry.base_url
        if text is None:
            if spec is None:
                return stand_in
            text = self._fill(spec, entry.variables, path)
            path = (*path, "preset")
        else:
            path = (*path, "base_url")
        if text is None:
            return stand_in
        try:
            return parse_base_url(text)
        except BadUrl as fault:
            self._faults.add(path, str(fault), expected="a URL such as https://llm.example.com/v1")
            return stand_in

    def _fill(self, spec: ProviderSpec, variables: Mapping[str, str], path: Path) -> str | None:
        wanted = set(re.findall(r"\{(\w+)\}", spec.base_url))
        missing = sorted(wanted - set(variables))
        if missing:
            self._faults.add(
                path,
                f"the URL of {spec.title} has parts that are not known: {', '.join(missing)}",
                hint=f"Add `variables: {{{missing[0]}: …}}`, or the whole `base_url`.",
            )
            return None
        for name in variables:
            if name not in wanted:
                self._faults.add(
                    (*path, "variables", name),
                    f"the URL of {spec.title} has no part {name[:80]!r}",
                    hint=did_you_mean(name, wanted),
                )
        return re.sub(r"\{(\w+)\}", lambda part: variables[part.group(1)], spec.base_url)

    def _credential(self, entry: ProviderConfig, spec: ProviderSpec | None, path: Path) -> Credential:
        secret: str | None = None
        if entry.api_key is not None:
            secret = self._secret(entry.api_key, (*path, "api_key"))
            if secret is None:
                return Credential(b"")
        elif spec is not None and spec.env:
            secret = next((value for value in map(self._from_environment, spec.env) if value), None)
            if secret is None and spec.auth != "none" and not spec.local_ports:
                self._faults.add(
                    path,
                    f"the provider {entry.name!r} has no key: {' and '.join(spec.env)} "
                    + ("are not set" if len(spec.env) > 1 else "is not set"),
                    hint=f"Set {spec.env[0]}, or write `api_key: env:NAME` or `api_key: file:/path`.",
                )
        if secret is None:
            return Credential(b"")
        credential = render_credential(secret, spec)
        if credential is None:
            self._faults.add((*path, "api_key"), "the key has characters that can not stand in a header")
        return credential or Credential(b"")

    def _from_environment(self, name: str) -> str | None:
        try:
            return self._secrets.resolve(f"env:{name}")
        except SecretMissing:
            return None

    def _secret(self, reference: str, path: Path) -> str | None:
        try:
            return self._secrets.resolve(reference)
        except SecretMissing as fault:
            self._faults.add(path, str(fault), hint="Set it before the gateway starts, or name another one.")
            return None

    def _headers(self, entry: ProviderConfig, path: Path) -> tuple[bytes, bytes]:
        plain = hidden = b""
        for name, value in entry.headers.items():
            here = (*path, "headers", name)
            if name.lower() in RESERVED:
                instead = RESERVED[name.lower()]
                self._faults.add(
                    here,
                    f"the gateway writes the header {name.lower()} itself",
                    hint=f"Use `{instead}` in place of it." if instead else None,
                )
                continue
            secret = is_secret_reference(value)
            found = self._secret(value, here) if secret else value
            line = render_header(name, found) if found is not None else b""
            if line is None:
                self._faults.add(here, "this name or value can not stand in an HTTP header")
            elif secret:
                hidden += line
            else:
                plain += line
        return plain, hidden

    def _proxy(self, entry: ProviderConfig, path: Path) -> Proxy | None:
        if entry.proxy is None:
            return None
        here = (*path, "proxy")
        text: str | None = entry.proxy
        if is_secret_reference(entry.proxy):
            text = self._secret(entry.proxy, here)
        elif "@" in entry.proxy:
            self._faults.add(
                here,
                "a password must not be written into this file",
                hint="Write `proxy: env:NAME`, where the variable holds the whole URL.",
            )
            return None
        if text is None:
            return None
        try:
            return parse_proxy(text)
        except BadUrl as fault:
            self._faults.add(here, str(fault), expected="a URL such as http://proxy:3128")
            return None

    def _tls(self, entry: ProviderConfig, path: Path) -> TlsFiles | None:
        if entry.tls is None:
            return None
        tls = TlsFiles(ca=entry.tls.ca, cert=entry.tls.cert, key=entry.tls.key)
        for field, file in (("ca", tls.ca), ("cert", tls.cert), ("key", tls.key)):
            if file is not None and not self._exists(file):
                self._faults.add((*path, "tls", field), f"there is no file {file}")
        if tls.key is not None and tls.cert is None:
            self._faults.add((*path, "tls", "key"), "`key` is given without its `cert`")
        return tls


def merge_deadlines(base: Deadlines, given: DeadlinesConfig | None) -> Deadlines:
    """`base`, with what is given in its place."""
    if given is None:
        return base
    changes = {
        f"{name}_s": value for name, value in msgspec.structs.asdict(given).items() if value is not None
    }
    return msgspec.structs.replace(base, **{name: parse_duration(value) for name, value in changes.items()})


def merge_quirks(base: Quirks, given: QuirksConfig | None) -> Quirks:
    """`base`, with what is given in its place."""
    if given is None:
        return base
    changes = {name: value for name, value in msgspec.structs.asdict(given).items() if value is not None}
    if given.drop is not None:
        changes["drop"] = tuple(given.drop)
    if given.takes is not None:
        changes["takes"] = tuple(given.takes)
    return msgspec.structs.replace(base, **changes)
