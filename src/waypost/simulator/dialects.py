"""Every dialect of the simulator beside OpenAI's, which owns what they leave."""

from __future__ import annotations

from waypost.simulator.anthropic import Anthropic
from waypost.simulator.bedrock import Bedrock
from waypost.simulator.cohere import Cohere
from waypost.simulator.dialect import Dialect
from waypost.simulator.gemini import Gemini
from waypost.simulator.media import Media
from waypost.simulator.responses import Responses
from waypost.simulator.seals import Seals
from waypost.simulator.sounds import Sounds


def all_dialects(seed: int) -> tuple[Dialect, ...]:
    """New ones for one simulator; the first that owns a request has it."""
    seals = Seals(seed)
    return (Anthropic(seals), Gemini(seals), Responses(seals), Bedrock(seals), Cohere(), Sounds(), Media())
