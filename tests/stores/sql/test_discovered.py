from ledger.books import AT
from waypost.core.facts import ModelFacts
from waypost.stores.sql.discovered import DiscoveredModels


def test_a_provider_has_its_newest_list(database):
    models = DiscoveredModels(database)
    facts = ModelFacts(context=128_000, features=("tools",))
    models.put("openai", {"b": ModelFacts(), "a": facts}, AT)
    models.put("ollama", {"qwen": ModelFacts()}, AT)
    models.put("ollama", {}, AT + 1)

    assert models.list() == {"openai": {"a": facts, "b": ModelFacts()}}
    models.put("openai", {"c": ModelFacts()}, AT + 2)
    assert list(models.list()["openai"]) == ["c"]
