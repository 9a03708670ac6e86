"""The public tokenizers that tokens can be counted with, by the names OpenAI gave them."""

from __future__ import annotations

from typing import Literal

Encoding = Literal["o200k_base", "cl100k_base"]
