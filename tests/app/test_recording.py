from __future__ import annotations

from waypost.app.recording import environment_secrets


def test_keys_of_every_provider_and_of_names_that_say_so() -> None:
    environ = {
        "OPENAI_API_KEY": " sk-0123456789 ",
        "ANTHROPIC_API_KEY": "<your key>",
        "MY_OWN_TOKEN": "t0ken-abcdefgh",
        "DB_PASSWORD": "short",
        "HOME": "/home/somebody",
    }
    assert sorted(environment_secrets(environ)) == ["sk-0123456789", "t0ken-abcdefgh"]
