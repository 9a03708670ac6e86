"""A machine without any provider: the model that comes with Waypost gives real tokens, by the SDK and by curl."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from openai import OpenAI

from sdk.banner import served
from sdk.speakers.talk import Wishes
from sdk.targets import SPEAKERS
from waypost.providers.smollm import local_model_available

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

MODEL = "local/smollm2"
CONFIG = 'discovery: {environment: false, local: false, local_model: "on"}\n'
README = Path(__file__).parent.parent.parent / "README.md"


def test_it_is_installed() -> None:
    # `make test` installs it wherever there is a wheel for the machine.
    assert local_model_available() is None, f"run `make setup`: {local_model_available()}"


def ask(base_url: str, key: str) -> None:
    """A chat, whole and streamed: real words, their number, and that they cost nothing."""
    with OpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=60) as client:
        assert [model.id for model in client.models.list()] == [MODEL]
        assert client.models.retrieve(MODEL).id == MODEL
        said = client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "What is the capital of France?"}],
            max_tokens=16,
            temperature=0,
        )
        assert re.search(r"\w+", said.choices[0].message.content or "")
        assert said.usage is not None
        assert said.usage.prompt_tokens > 5
        assert 0 < said.usage.completion_tokens <= 16
        assert said.usage.model_extra is not None
        assert said.usage.model_extra["cost"] == 0
        *chunks, last = client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Say hello."}],
            max_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
        )
        assert len([chunk for chunk in chunks if chunk.choices[0].delta.content]) > 1
        assert last.usage is not None
        assert last.usage.model_extra is not None
        assert last.usage.model_extra["cost"] == 0


def every_client(url: str, key: str) -> None:
    """The other SDKs get real words of it too, whole and streamed, at no cost."""
    for connect in SPEAKERS.values():
        with connect(url, key) as speaker:
            for streams in (False, True):
                # OpenAI's own helper for streams raises when the limit ends an answer: a full stop ends this one.
                wishes = Wishes(system="Be brief.", limit=96, stop=".", temperature=0.0)
                said = speaker.talk(MODEL, wishes, streams=streams).say(
                    "Is the sky blue? Answer in one word."
                )
                assert re.search(r"\w+", said.text), speaker.name
                assert said.counted.input > 5
                assert 0 < said.counted.output <= 96
                assert said.pieces > 1 or not streams or said.counted.output == 1
                assert said.headers.get("x-waypost-cost", "0") == "0"


def test_real_tokens_from_nothing_and_again_after_a_restart(tmp_path: Path) -> None:
    with served(tmp_path, CONFIG) as first:
        assert first.key is not None
        assert MODEL in first.text
        ask(first.base_url, first.key)
        every_client(first.base_url.removesuffix("/v1"), first.key)
        if shutil.which("curl"):
            paste_readme(first.base_url, first.key)
    with served(tmp_path, CONFIG) as second:
        assert second.key is None
        assert "1 key from before" in second.text
        assert "sk-wp-" not in second.text
        ask(second.base_url, first.key)


def paste_readme(base_url: str, key: str) -> None:
    """The README's own curl, at this port."""
    block = re.search(r"```bash\n(curl .*?)```", README.read_text(), re.DOTALL)
    assert block is not None
    command = block[1].replace("http://127.0.0.1:4100/v1", base_url)
    done = subprocess.run(
        ["sh", "-c", command], env={"WAYPOST_KEY": key}, capture_output=True, timeout=60, text=True
    )
    assert done.returncode == 0, done.stderr
    assert '"choices"' in done.stdout
    assert '"cost":0' in done.stdout
