"""Renders the tables of docs/providers.md from the provider rows: `python -m tools.render_providers [--check]`.

With `--check` nothing is written: it exits 1 when the page is no longer true.
"""

from __future__ import annotations

import sys
from pathlib import Path

from waypost.providers.fill import parts_of
from waypost.providers.rows.china import CHINA
from waypost.providers.rows.clouds import CLOUDS
from waypost.providers.rows.hosts import HOSTS
from waypost.providers.rows.labs import LABS
from waypost.providers.rows.local import LOCAL
from waypost.providers.rows.routers import ROUTERS
from waypost.providers.spec import ProviderSpec

PAGE = Path(__file__).resolve().parent.parent / "docs" / "providers.md"
BEGIN = "<!-- Rendered from the code by `python -m tools.render_providers`. Change the rows, not these tables. -->\n"
END = "<!-- End of the tables. -->\n"

GROUPS: dict[str, tuple[ProviderSpec, ...]] = {
    "Makers of models": LABS,
    "Clouds": CLOUDS,
    "Hosts of open models": HOSTS,
    "Makers and hosts in China": CHINA,
    "Routers": ROUTERS,
    "Servers of your own": LOCAL,
}

#: Dialects in the words of the page.
WORDS = {
    "openai_chat": "chat",
    "openai_completions": "completions",
    "openai_embeddings": "embeddings",
    "openai_responses": "responses",
    "openai_input_tokens": "token counts",
    "openai_images": "images",
    "openai_image_edits": "image edits",
    "openai_speech": "speech",
    "openai_transcriptions": "transcriptions",
    "openai_translations": "translations",
    "openai_moderations": "moderations",
    "openai_realtime": "realtime",
    "anthropic_count_tokens": "token counts",
    "anthropic_messages": "Anthropic messages",
    "anthropic_vertex": "Anthropic messages",
    "gemini_generate": "Gemini",
    "gemini_count_tokens": "token counts",
    "gemini_embed": "Gemini embeddings",
    "gemini_embed_batch": "Gemini embeddings",
    "bedrock_converse": "Converse",
    "bedrock_embed": "Bedrock embeddings",
    "cohere_chat": "Cohere chat",
    "cohere_embed": "Cohere embeddings",
    "cohere_rerank": "rerank",
    "elevenlabs_speech": "speech",
    "elevenlabs_transcriptions": "transcriptions",
    "deepgram_speech": "speech",
    "deepgram_transcriptions": "transcriptions",
}
SCHEMES = {
    "sigv4": "AWS keys",
    "google": "Google credentials",
    "azure_entra": "Entra token",
    "ibm_iam": "exchanged for a token",
}


def render_tables() -> str:
    """Every group of rows as a table."""
    lines: list[str] = []
    for title, rows in GROUPS.items():
        lines += [
            f"### {title}\n",
            "| preset | provider | key | needs | speaks | checked |",
            "|---|---|---|---|---|---|",
        ]
        for row in rows:
            name = f"[{row.title}]({row.docs_url})" if row.docs_url else row.title
            cells = [f"`{row.name}`", name, _key(row), _needs(row), _speaks(row), row.checked]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines) + "\n"


def _key(row: ProviderSpec) -> str:
    if row.local_ports:
        return f"port {', '.join(map(str, row.local_ports))}"
    words = [f"`{name}`" for name in row.env]
    if row.auth in SCHEMES:
        words.append(SCHEMES[row.auth])
    told = ", ".join(words) or ("none" if row.auth == "none" else "`api_key`")
    return told if row.implicit else f"{told} (only when configured)"


def _needs(row: ProviderSpec) -> str:
    words: list[str] = []
    for part in sorted(parts_of(row) - {"region"}):
        variable = row.variables.get(part)
        env = f" (`{variable.env[0]}`)" if variable is not None and variable.env else ""
        default = f" (`{variable.default}`)" if variable is not None and variable.default else ""
        words.append(f"`{part}`{default or env}")
    if "region" in parts_of(row):
        usual = row.variables["region"].default if "region" in row.variables else None
        words.append(f"`region` (`{usual}`)" if usual else "`region`")
    if row.regions:
        words.append("`region`: " + ", ".join(f"`{name}`" for name in row.regions))
    return "; ".join(words)


def _speaks(row: ProviderSpec) -> str:
    return ", ".join(dict.fromkeys(WORDS[dialect] for dialect in row.dialects))


def render_page(text: str) -> str:
    """The page with its tables as they should be. Raises ValueError for a page without the marks."""
    start, end = text.index(BEGIN), text.index(END)
    return f"{text[:start]}{BEGIN}\n{render_tables()}{text[end:]}"


def main(argv: list[str]) -> int:
    """Write the tables, or with `--check` say whether they are stale."""
    text = PAGE.read_text("utf-8")
    wanted = render_page(text)
    if "--check" in argv:
        if text != wanted:
            print("docs/providers.md is not what the rows say: run `python -m tools.render_providers`")
        return int(text != wanted)
    PAGE.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
