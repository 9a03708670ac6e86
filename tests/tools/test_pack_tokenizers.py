from __future__ import annotations

import base64
import zipfile
from pathlib import Path

import pytest

from tools.pack_tokenizers import ENCODINGS, FILES, main, parse_ranks, read_ranks
from waypost.catalog.tokenizers import Ranks, load_ranks, pack_ranks


def _published(ranks: Ranks) -> bytes:
    """The file as OpenAI publishes it, from the packed one: its SHA-256 shows that nothing was lost."""
    return b"".join(b"%s %d\n" % (base64.b64encode(token), rank) for rank, token in enumerate(ranks.tokens))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_packed_files_are_the_published_ones(encoding) -> None:
    packed = load_ranks(encoding)
    assert read_ranks(encoding, _published(packed)) == packed


def test_another_file_is_refused() -> None:
    with pytest.raises(ValueError, match="not the file"):
        read_ranks("o200k_base", _published(Ranks("", (b"a", b"b"))))


def test_a_gap_is_refused() -> None:
    assert parse_ranks(b"YQ== 0\nYg== 1\n") == (b"a", b"b")
    with pytest.raises(ValueError, match="gap"):
        parse_ranks(b"YQ== 0\nYg== 2\n")


def test_check_says_whether_a_file_would_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Ranks("x", (b"a",))
    monkeypatch.setattr("tools.pack_tokenizers.read_ranks", lambda encoding, text: small)
    wheel = tmp_path / "litellm.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in FILES.values():
            archive.writestr(path, b"")
    arguments = ["--litellm-wheel", str(wheel), "--out", str(tmp_path)]
    assert main([*arguments, "--check"]) == 1
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    assert (tmp_path / "o200k_base.ranks.xz").read_bytes() == pack_ranks(small)
