"""One provider of the configuration, resolved: preset, URL, key, headers, deadlines."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import msgspec

from waypost.config.credentials import RESERVED, SecretStore, render_header
from waypost.config.faults import Faults
from waypost.config.origins import BadUrl, ProviderUrl, parse_base_url, parse_proxy
from waypost.config.preset import surface, unlisted
from waypost.config.problems import Path, did_you_mean
from waypost.config.proving import NOTHING, Proving
from waypost.config.schema import DeadlinesConfig, ProviderConfig, QuirksConfig
from waypost.config.schemes import Schemes
from waypost.config.targets import Probe, Provider
from waypost.config.values import is_secret_reference, parse_duration
from waypost.core.origin import Deadlines, Origin, Proxy, TlsFiles
from waypost.core.quirks import Quirks
from waypost.providers.fill import Filled, fill, parts_of
from waypost.providers.spec import DIALECT_NAMES, ProviderSpec, RateHeaders

#: Dialects that a server of the OpenAI kind speaks beside chat, at the same base URL.
FAMILIES = {"openai_chat": ("openai_chat", "openai_completions", "openai_embeddings")}


class Endpoints:
    """Builds providers. A fault is collected and a stand-in used, so that every fault of a file is found at once."""

    def __init__(
        self,
        presets: Mapping[str, ProviderSpec],
        dialects: Mapping[str, object],
        secrets: SecretStore,
        faults: Faults,
        defaults: DeadlinesConfig,
        schemes: Schemes,
        exists: Callable[[str], bool] = os.path.isfile,
    ) -> None:
        self._presets = presets
        self._dialects = dialects
        self._secrets = secrets
        self._faults = faults
        self._schemes = schemes
        self._proving = Proving(secrets, faults, schemes)
        self._exists = exists
        self._deadlines = merge_deadlines(Deadlines(), defaults)

    def build_pool(self, entry: ProviderConfig, path: Path) -> tuple[Provider, ...]:
        """The provider of one entry, once for each of its keys; `path` is where it stands."""
        spec = self._preset(entry, path)
        filled = self._fill(entry, spec, path)
        url = self._url(entry, spec, filled, path)
        plain, hidden = self._headers(entry, path)
        spoken = self._speaks(entry, spec, path)
        given = frozenset(name.lower() for name in entry.headers)
        over = (
            surface(spec, filled, url, given)
            if spec is not None and filled is not None
            else unlisted(spoken, given)
        )
        origin = Origin(
            scheme=url.scheme,
            host=url.host,
            port=url.port,
            private=entry.base_url is not None or url.loopback,
            proxy=self._proxy(entry, path),
            tls=self._tls(entry, path),
        )
        plainly = Provider(
            name=entry.name,
            dialects=spoken,
            origin=origin,
            path=url.path,
            credential=NOTHING,
            quirks=merge_quirks(spec.quirks if spec else Quirks(), entry.quirks),
            deadlines=merge_deadlines(self._deadlines, entry.deadlines),
            headers=over.headers + plain,
            dialect_headers=over.dialect_headers,
            paths={**over.paths, **self._paths(entry, path)},
            endings=over.endings,
            query=over.query,
            on_disconnect=entry.on_disconnect,
            drain_s=parse_duration(entry.drain),
            retries=entry.retries,
            models_path=over.models_path if entry.discover else None,
            models_origin=over.models_origin,
            prices=entry.prices_from or (spec.prices or spec.name if spec else None),
            serves=spec.serves if spec and not (entry.dialect or entry.dialects) else {},
            rates=spec.rates if spec else RateHeaders(),
            origin_label="config",
            region=entry.region or (filled.region if filled is not None else None) or "",
            trains=entry.data.training if entry.data is not None else None,
            retains=entry.data.retention != "none"
            if entry.data is not None and entry.data.retention
            else None,
            probe=Probe(entry.probe.model, parse_duration(entry.probe.every)) if entry.probe else None,
        )
        return self._proving.provers(plainly, entry, spec, filled, hidden, path)

    def _paths(self, entry: ProviderConfig, path: Path) -> dict[str, str]:
        for name in entry.paths:
            if name not in DIALECT_NAMES:
                self._unknown_dialect(name, (*path, "paths", name))
        return dict(entry.paths)

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
            self._unknown_dialect(dialect, path)

    def _unknown_dialect(self, dialect: str, path: Path) -> None:
        self._faults.add(
            path,
            f"there is no dialect {dialect[:80]!r}",
            expected="one of " + ", ".join(sorted(self._dialects)),
            hint=did_you_mean(dialect, self._dialects),
        )

    def _url(
        self, entry: ProviderConfig, spec: ProviderSpec | None, filled: Filled | None, path: Path
    ) -> ProviderUrl:
        stand_in = ProviderUrl("https", "invalid", 443, "")
        text, at = entry.base_url, (*path, "base_url")
        if text is None:
            if spec is None or filled is None:
                return stand_in
            text, at = filled.base_url, (*path, "preset")
        try:
            return parse_base_url(text)
        except BadUrl as fault:
            self._faults.add(at, str(fault), expected="a URL such as https://llm.example.com/v1")
            return stand_in

    def _fill(self, entry: ProviderConfig, spec: ProviderSpec | None, path: Path) -> Filled | None:
        """The row's URLs; None after a fault. With a `base_url` of its own, only what goes beside it is filled."""
        if spec is None:
            return None
        env = self._secrets.environ
        filled = fill(spec, entry.variables, env, entry.region)
        project = self._schemes.google_project(entry.auth) if "project" in filled.missing else None
        if project is not None:
            filled = fill(spec, {**entry.variables, "project": project}, env, entry.region)
        if entry.base_url is not None and not filled.unusable:
            return filled
        if filled.missing:
            name = filled.missing[0]
            known = spec.variables.get(name)
            add = "`region: …`" if name == "region" else f"`variables: {{{name}: …}}`"
            named = f" set {known.env[0]}," if known is not None and known.env else ""
            self._faults.add(
                path,
                f"the URL of {spec.title} has parts that are not known: {', '.join(filled.missing)}",
                hint=f"Add {add},{named} or the whole `base_url`.",
            )
        for name in filled.unknown:
            self._faults.add(
                (*path, "variables", name),
                f"the URL of {spec.title} has no part {name[:80]!r}",
                hint=did_you_mean(name, parts_of(spec)),
            )
        for name in filled.unusable:
            at = ("region",) if name == "region" and entry.region else ("variables", name)
            self._faults.add(
                (*path, *at), "this value can not stand in a URL", expected="a word without slashes"
            )
        if filled.no_region:
            self._faults.add(
                (*path, "region"),
                f"{spec.title} has no region {entry.region!r}",
                expected="one of " + ", ".join(sorted(spec.regions)) if spec.regions else "no `region`",
            )
        return filled if filled.whole else None

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
            found = self._proving.secret(value, here) if secret else value
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
            text = self._proving.secret(entry.proxy, here)
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
