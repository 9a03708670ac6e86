"""A row's URLs with the parts in braces filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from waypost.providers.spec import ProviderSpec

#: Filled for each request, with the model that is asked.
MODEL = "model"

_PART = re.compile(r"\{(\w+)\}")
#: A host name, a resource's name, a version. No slash, so that a value can not lead to another place.
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*")


class Filled(msgspec.Struct, frozen=True):
    """What a row comes to. With `missing`, `unknown` or `unusable` it comes to nothing."""

    base_url: str
    paths: dict[str, str]
    query: str
    models_path: str | None
    region: str | None
    missing: tuple[str, ...] = ()
    """Parts that nothing is known of."""
    unknown: tuple[str, ...] = ()
    """Given, and no part of this row."""
    unusable: tuple[str, ...] = ()
    """Their values can not stand in a URL."""
    no_region: bool = False
    """The region that was asked for is none of this row's."""

    @property
    def whole(self) -> bool:
        return not (self.missing or self.unknown or self.unusable or self.no_region)


def parts_of(spec: ProviderSpec) -> frozenset[str]:
    """The names in braces that a row needs, apart from the model."""
    texts = (spec.base_url, spec.query, spec.models_path or "", *spec.regions.values(), *spec.paths.values())
    return frozenset(name for text in texts for name in _PART.findall(text)) - {MODEL}


def fill(
    spec: ProviderSpec, given: Mapping[str, str], env: Mapping[str, str], region: str | None = None
) -> Filled:
    """Values come from `given`, else from the row's variables in `env`, else from its defaults."""
    wanted = parts_of(spec)
    named = dict(given) if region is None else {**given, "region": region}
    values = {name: _value(spec, name, named, env) for name in wanted | {"region"}}
    chosen = values.get("region")
    base_url = spec.regions.get(chosen or "", spec.base_url)
    odd = named.keys() - wanted - ({"region"} if spec.regions else set())
    known = {name: value for name, value in values.items() if value is not None and name in wanted}

    def put(text: str) -> str:
        return _PART.sub(lambda part: known.get(part.group(1), part.group(0)), text)

    return Filled(
        base_url=put(base_url),
        paths={dialect: put(path) for dialect, path in spec.paths.items()},
        query=put(spec.query),
        models_path=None if spec.models_path is None else put(spec.models_path),
        region=chosen,
        missing=tuple(sorted(wanted - known.keys())),
        unknown=tuple(sorted(odd - {"region"})),
        unusable=tuple(sorted(name for name, value in known.items() if not _VALUE.fullmatch(value))),
        no_region=region is not None and "region" not in wanted and region not in spec.regions,
    )


def _value(spec: ProviderSpec, name: str, given: Mapping[str, str], env: Mapping[str, str]) -> str | None:
    if name in given:
        return _bare(given[name])
    variable = spec.variables.get(name)
    if variable is None:
        return None
    found = next((env[each] for each in variable.env if env.get(each, "").strip()), variable.default)
    return None if found is None else _bare(found)


def _bare(value: str) -> str:
    """Hosts are often kept as URLs: `https://dbc-1.cloud.databricks.com/`."""
    return value.strip().removeprefix("https://").rstrip("/")
