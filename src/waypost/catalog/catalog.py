"""The catalogue in memory: prices and facts by provider and model id.

The file is kept as bytes; a provider's page is decoded when one of its models is first asked for, a tariff when its
model is. So start-up costs a decompression and one scan.
"""

from __future__ import annotations

import gzip
import zlib
from hashlib import blake2s
from pathlib import Path

import msgspec

from waypost.catalog.rows import PriceRow, Source
from waypost.catalog.rules import Rule, dash_compact_day, matches, undated
from waypost.catalog.tariff import PriceSheet, build_sheet
from waypost.core.facts import ModelFacts
from waypost.core.price import Tariff
from waypost.errors import ConfigError

FORMAT = 1
#: Answers kept; a client that asks for ever new names only makes the oldest be worked out again.
REMEMBERED = 4096
#: A longer model id is not looked up at all.
ID_MAX = 256

Found = tuple[Tariff | None, ModelFacts]
_UNKNOWN: Found = (None, ModelFacts())


class _File(msgspec.Struct, frozen=True):
    format: int
    date: str
    notice: str
    sources: tuple[Source, ...]
    words: tuple[tuple[str, ...], ...]
    providers: dict[str, msgspec.Raw]


class _FactRow(msgspec.Struct, frozen=True, array_like=True):
    context: int | None
    max_output: int | None
    modalities: int
    features: int
    mode: str | None
    deprecated_on: str | None


class _Page(msgspec.Struct, frozen=True):
    """One provider. `models`: id → index of its sheet and of its facts, -1 for none."""

    models: dict[str, tuple[int, int]]
    rules: tuple[tuple[list[object], str], ...]
    fallback: tuple[str, ...]
    sheets: tuple[msgspec.Raw, ...]
    facts: tuple[_FactRow, ...]


class _Provider:
    """A decoded page with what was built from it so far."""

    __slots__ = ("name", "page", "rules", "sheets")

    def __init__(self, name: str, page: _Page) -> None:
        self.name = name
        self.page = page
        self.rules = tuple((Rule.parse(raw), model) for raw, model in page.rules)
        self.sheets: dict[int, PriceSheet] = {}

    def match(self, model: str) -> tuple[int, int] | None:
        """Literal ids first; they were resolved against the rules when the file was compiled."""
        entry = self.page.models.get(model)
        if entry is not None:
            return entry
        for rule, target in self.rules:
            if matches(rule, model):
                return self.page.models[target]
        return None

    def sheet(self, index: int, date: str) -> PriceSheet:
        built = self.sheets.get(index)
        if built is None:
            raw = bytes(self.page.sheets[index])
            rows = msgspec.json.decode(raw, type=tuple[PriceRow, ...])
            digest = blake2s(raw, digest_size=4).hexdigest()
            built = self.sheets[index] = build_sheet(f"{self.name}@{date}#{digest}", rows)
        return built


class PriceCatalog:
    """Implements `config.snapshot.Catalog`. Provider names are catalogue ids (`ProviderSpec.prices` or `name`)."""

    def __init__(self, file: _File) -> None:
        self.date = file.date
        self.notice = file.notice
        self.sources = file.sources
        self._words = file.words
        self._raw = file.providers
        self._providers: dict[str, _Provider] = {}
        self._memory: dict[tuple[str, str], Found] = {}
        self._free: dict[str, PriceSheet] = {}

    def find(self, provider: str, model: str) -> Found:
        """Prices and facts of a provider's own model id; (None, empty facts) when it is unknown.

        An id that is not listed is tried by the match rules, then as a `models/…` path, as a `:free` variant and as
        a dated snapshot of a listed family.
        """
        key = (provider, model)
        found = self._memory.get(key)
        if found is None:
            if len(model) > ID_MAX:
                return _UNKNOWN
            found = self._resolve(provider, model.lower())
            if len(self._memory) >= REMEMBERED:
                del self._memory[next(iter(self._memory))]
            self._memory[key] = found
        return found

    def models(self, provider: str) -> tuple[str, ...]:
        """The ids listed for a provider, in alphabetical order; empty for an unknown provider."""
        page = self._provider(provider)
        return tuple(model for model in page.page.models if not model.endswith("\n")) if page else ()

    @property
    def providers(self) -> tuple[str, ...]:
        return tuple(self._raw)

    def _provider(self, name: str) -> _Provider | None:
        provider = self._providers.get(name)
        if provider is None:
            raw = self._raw.get(name)
            if raw is None:
                return None
            provider = self._providers[name] = _Provider(name, msgspec.json.decode(raw, type=_Page))
        return provider

    def _resolve(self, name: str, model: str) -> Found:
        provider = self._provider(name)
        if provider is None:
            return _UNKNOWN
        found = self._match(provider, model)
        if found is None and model.startswith("models/"):
            found = self._match(provider, model[len("models/") :])
        if found is None and model.endswith(":free"):
            base = self._match(provider, model[: -len(":free")])
            found = None if base is None else (self._free_sheet(name), base[1])
        if found is None:
            family = undated(model.removeprefix("models/"))
            found = self._match(provider, family) if family else None
        return _UNKNOWN if found is None else found

    def _match(self, provider: _Provider, model: str) -> Found | None:
        spellings = {model: None, dash_compact_day(model): None}
        for owner in (provider, *filter(None, map(self._provider, provider.page.fallback))):
            for spelling in spellings:
                entry = owner.match(spelling)
                if entry is not None:
                    return self._entry(owner, entry)
        return None

    def _entry(self, provider: _Provider, entry: tuple[int, int]) -> Found:
        sheet, facts = entry
        tariff = provider.sheet(sheet, self.date) if sheet >= 0 else None
        return tariff, self._facts(provider.page.facts[facts]) if facts >= 0 else ModelFacts()

    def _facts(self, row: _FactRow) -> ModelFacts:
        return ModelFacts(
            context=row.context,
            max_output=row.max_output,
            modalities=self._words[row.modalities],
            features=self._words[row.features],
            mode=row.mode,
            deprecated_on=row.deprecated_on,
        )

    def _free_sheet(self, name: str) -> PriceSheet:
        """`:free` names the variant that is served without charge: https://openrouter.ai/docs/faq"""
        sheet = self._free.get(name)
        if sheet is None:
            rows = (PriceRow(-1, "", None, None, 0, (0, 0)),)
            sheet = self._free[name] = build_sheet(f"{name}@{self.date}#free", rows)
        return sheet


def catalog_path() -> Path:
    """The catalogue file that ships with this version of Waypost."""
    return Path(__file__).with_name("catalog.json.gz")


def load(path: Path | None = None) -> PriceCatalog:
    """Read a catalogue file. Raises ConfigError when it is missing, damaged or of another format."""
    path = path or catalog_path()
    try:
        file = msgspec.json.decode(gzip.decompress(path.read_bytes()), type=_File)
    except OSError:
        raise ConfigError(
            f"The price catalogue {path} can not be read. Reinstall Waypost, or point to an existing file."
        ) from None
    except (EOFError, zlib.error, msgspec.MsgspecError):
        raise ConfigError(
            f"The price catalogue {path} is damaged. Reinstall Waypost or compile it anew."
        ) from None
    if file.format != FORMAT:
        raise ConfigError(
            f"The price catalogue {path} has format {file.format}; this version reads {FORMAT}."
        )
    return PriceCatalog(file)
