"""Every provider Waypost knows, as data. A new OpenAI-compatible one is one row here and one recorded fixture.

`checked` is set where the base URL and authentication were read on that day in the provider's own documentation (a
stored copy of it); it is empty where only secondary sources were at hand.
"""

from __future__ import annotations

from typing import Final

from waypost.core.quirks import Quirks
from waypost.providers.spec import ProviderSpec

_CHAT: Final = ("openai_chat",)
_CHAT_EMBED: Final = ("openai_chat", "openai_embeddings")
_CHAT_TEXT: Final = ("openai_chat", "openai_completions")
_ALL: Final = ("openai_chat", "openai_completions", "openai_embeddings")
_DAY: Final = "2026-11-21"

#: What routers of many models pass on to them: https://openrouter.ai/docs/api-reference/overview (2026-11-25).
_ROUTER: Final = ("cache_control", "file_url", "images", "reasoning", "reasoning_details", "video_url")
#: Reasoning comes back in the field it was given in: https://api-docs.deepseek.com/guides/thinking_mode,
#: https://docs.vllm.ai/en/latest/features/reasoning_outputs.html (2026-11-25).
_THINKS: Final = ("reasoning_content",)

CLOUD: Final[tuple[ProviderSpec, ...]] = (
    ProviderSpec(
        name="openai",
        title="OpenAI",
        base_url="https://api.openai.com/v1",
        dialects=_ALL,
        env=("OPENAI_API_KEY",),
        # Its reasoning models refuse `max_tokens` and all of its chat models take the newer name.
        quirks=Quirks(max_tokens_field="max_completion_tokens", takes=("developer",)),
        docs_url="https://platform.openai.com/docs/api-reference/chat/create",
    ),
    ProviderSpec(
        name="anthropic",
        title="Anthropic (OpenAI-compatible endpoint)",
        base_url="https://api.anthropic.com/v1",
        dialects=_CHAT,
        env=("ANTHROPIC_API_KEY",),
        docs_url="https://platform.claude.com/docs/en/cli-sdks-libraries/libraries/openai-sdk",
        checked=_DAY,
    ),
    ProviderSpec(
        name="gemini",
        title="Google Gemini (OpenAI-compatible endpoint)",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        dialects=_CHAT_EMBED,
        env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        prices="google",
        quirks=Quirks(takes=("thought_signature",)),
        docs_url="https://ai.google.dev/gemini-api/docs/openai",
    ),
    ProviderSpec(
        name="groq",
        title="Groq",
        base_url="https://api.groq.com/openai/v1",
        dialects=_CHAT,
        env=("GROQ_API_KEY",),
        # Each of these is answered with 400.
        quirks=Quirks(drop=("logprobs", "top_logprobs", "logit_bias")),
        docs_url="https://console.groq.com/docs/openai",
        checked=_DAY,
    ),
    ProviderSpec(
        name="mistral",
        title="Mistral AI",
        base_url="https://api.mistral.ai/v1",
        dialects=_CHAT_EMBED,
        env=("MISTRAL_API_KEY",),
        # It always sends usage in the last chunk and takes no field it does not know.
        quirks=Quirks(max_tokens_field="max_tokens", stream_usage=False),
        docs_url="https://docs.mistral.ai/api/",
    ),
    ProviderSpec(
        name="deepseek",
        title="DeepSeek",
        base_url="https://api.deepseek.com/v1",
        dialects=_CHAT,
        env=("DEEPSEEK_API_KEY",),
        quirks=Quirks(max_tokens_field="max_tokens", takes=_THINKS),
        docs_url="https://api-docs.deepseek.com/",
    ),
    ProviderSpec(
        name="xai",
        title="xAI",
        base_url="https://api.x.ai/v1",
        dialects=_CHAT,
        env=("XAI_API_KEY",),
        prices="x-ai",
        docs_url="https://docs.x.ai/docs/api-reference",
    ),
    ProviderSpec(
        name="together",
        title="Together AI",
        base_url="https://api.together.xyz/v1",
        dialects=_ALL,
        env=("TOGETHER_API_KEY", "TOGETHERAI_API_KEY"),
        docs_url="https://docs.together.ai/docs/openai-api-compatibility",
    ),
    ProviderSpec(
        name="fireworks",
        title="Fireworks AI",
        base_url="https://api.fireworks.ai/inference/v1",
        dialects=_ALL,
        env=("FIREWORKS_API_KEY",),
        docs_url="https://docs.fireworks.ai/tools-sdks/openai-compatibility",
    ),
    ProviderSpec(
        name="openrouter",
        title="OpenRouter",
        base_url="https://openrouter.ai/api/v1",
        dialects=_ALL,
        env=("OPENROUTER_API_KEY",),
        quirks=Quirks(reports_charge=True, takes=_ROUTER),
        docs_url="https://openrouter.ai/docs/use-cases/usage-accounting",
        checked=_DAY,
    ),
    ProviderSpec(
        name="cerebras",
        title="Cerebras",
        base_url="https://api.cerebras.ai/v1",
        dialects=_CHAT_TEXT,
        env=("CEREBRAS_API_KEY",),
        docs_url="https://inference-docs.cerebras.ai/resources/openai",
    ),
    ProviderSpec(
        name="perplexity",
        title="Perplexity",
        base_url="https://api.perplexity.ai",
        dialects=_CHAT,
        env=("PERPLEXITY_API_KEY", "PPLX_API_KEY"),
        models_path=None,
        quirks=Quirks(max_tokens_field="max_tokens"),
        docs_url="https://docs.perplexity.ai/docs/grounded-llm/openai-compatibility",
    ),
    ProviderSpec(
        name="nvidia",
        title="NVIDIA API catalogue",
        base_url="https://integrate.api.nvidia.com/v1",
        dialects=_ALL,
        env=("NVIDIA_API_KEY", "NVIDIA_NIM_API_KEY"),
        docs_url="https://docs.api.nvidia.com/nim/reference/llm-apis",
    ),
    ProviderSpec(
        name="sambanova",
        title="SambaNova",
        base_url="https://api.sambanova.ai/v1",
        dialects=_CHAT_EMBED,
        env=("SAMBANOVA_API_KEY",),
        docs_url="https://docs.sambanova.ai/docs/en/features/openai-compatibility",
    ),
    ProviderSpec(
        name="deepinfra",
        title="DeepInfra",
        base_url="https://api.deepinfra.com/v1/openai",
        dialects=_ALL,
        env=("DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"),
        docs_url="https://deepinfra.com/docs/openai_api",
    ),
    ProviderSpec(
        name="nebius",
        title="Nebius Token Factory",
        base_url="https://api.tokenfactory.nebius.com/v1",
        dialects=_ALL,
        env=("NEBIUS_API_KEY",),
        docs_url="https://docs.tokenfactory.nebius.com/api-reference/introduction",
    ),
    ProviderSpec(
        name="hyperbolic",
        title="Hyperbolic",
        base_url="https://api.hyperbolic.xyz/v1",
        dialects=_CHAT_TEXT,
        env=("HYPERBOLIC_API_KEY",),
        docs_url="https://docs.hyperbolic.xyz/docs/rest-api",
    ),
    ProviderSpec(
        name="novita",
        title="Novita AI",
        base_url="https://api.novita.ai/openai/v1",
        dialects=_ALL,
        env=("NOVITA_API_KEY",),
        docs_url="https://novita.ai/docs/guides/llm-api",
        checked=_DAY,
    ),
    ProviderSpec(
        name="moonshot",
        title="Moonshot AI (Kimi)",
        base_url="https://api.moonshot.ai/v1",
        dialects=_CHAT,
        env=("MOONSHOT_API_KEY",),
        prices="moonshotai",
        quirks=Quirks(takes=_THINKS),
        docs_url="https://platform.moonshot.ai/docs/api/chat",
    ),
    ProviderSpec(
        name="zhipu",
        title="Zhipu AI (BigModel)",
        base_url="https://open.bigmodel.cn/api/paas/v4",
        dialects=_CHAT_EMBED,
        env=("ZHIPUAI_API_KEY", "ZHIPU_API_KEY"),
        prices="zhipuai",
        docs_url="https://docs.bigmodel.cn/cn/guide/develop/openai/introduction",
    ),
    ProviderSpec(
        name="zai",
        title="Z.ai",
        base_url="https://api.z.ai/api/paas/v4",
        dialects=_CHAT,
        env=("ZAI_API_KEY",),
        docs_url="https://docs.z.ai/api-reference/introduction",
    ),
    ProviderSpec(
        name="dashscope",
        title="Alibaba Cloud Model Studio (DashScope, international)",
        base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        dialects=_CHAT_EMBED,
        env=("DASHSCOPE_API_KEY",),
        docs_url="https://www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope",
    ),
    ProviderSpec(
        name="huggingface",
        title="Hugging Face Inference Providers",
        base_url="https://router.huggingface.co/v1",
        dialects=_CHAT,
        env=("HF_TOKEN", "HUGGINGFACE_API_KEY"),
        docs_url="https://huggingface.co/docs/inference-providers/index",
    ),
    ProviderSpec(
        name="github",
        title="GitHub Models",
        base_url="https://models.github.ai/inference",
        dialects=_CHAT_EMBED,
        # Not GITHUB_TOKEN: that is set for other reasons on many machines, and would be sent unasked.
        env=("GITHUB_MODELS_TOKEN",),
        models_path="/../catalog/models",
        docs_url="https://docs.github.com/en/github-models/quickstart",
        checked=_DAY,
    ),
    ProviderSpec(
        name="cohere",
        title="Cohere (OpenAI-compatible endpoint)",
        base_url="https://api.cohere.ai/compatibility/v1",
        dialects=_CHAT_EMBED,
        env=("COHERE_API_KEY", "CO_API_KEY"),
        # The compatibility endpoint lists no models; the native list answers on the same host.
        models_path="/../../v1/models",
        quirks=Quirks(max_tokens_field="max_tokens", stream_usage=False),
        docs_url="https://docs.cohere.com/docs/compatibility-api",
        checked=_DAY,
    ),
    ProviderSpec(
        name="requesty",
        title="Requesty",
        base_url="https://router.requesty.ai/v1",
        dialects=_CHAT_EMBED,
        env=("REQUESTY_API_KEY",),
        quirks=Quirks(reports_charge=True),
        docs_url="https://docs.requesty.ai/quickstart",
        checked=_DAY,
    ),
)

LOCAL: Final[tuple[ProviderSpec, ...]] = (
    ProviderSpec(
        name="ollama",
        title="Ollama",
        base_url="http://127.0.0.1:11434/v1",
        dialects=_ALL,
        auth="none",
        local_ports=(11434,),
        docs_url="https://docs.ollama.com/api/openai-compatibility",
    ),
    ProviderSpec(
        name="vllm",
        title="vLLM",
        base_url="http://127.0.0.1:8000/v1",
        dialects=_ALL,
        auth="none",
        local_ports=(8000,),
        quirks=Quirks(takes=("reasoning_content", "video_url")),
        docs_url="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    ),
    ProviderSpec(
        name="lmstudio",
        title="LM Studio",
        base_url="http://127.0.0.1:1234/v1",
        dialects=_ALL,
        auth="none",
        local_ports=(1234,),
        docs_url="https://lmstudio.ai/docs/developer/openai-compat",
    ),
    ProviderSpec(
        name="llamacpp",
        title="llama.cpp server",
        base_url="http://127.0.0.1:8080/v1",
        dialects=_ALL,
        auth="none",
        local_ports=(8080,),
        docs_url="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    ),
    ProviderSpec(
        name="local",
        title="The small model that comes with Waypost (SmolLM2-135M)",
        base_url="http://127.0.0.1:{port}/v1",
        dialects=_CHAT_TEXT,
        auth="none",
        docs_url="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    ),
    ProviderSpec(
        name="simulated",
        title="The simulated provider (`waypost simulate`)",
        base_url="http://127.0.0.1:{port}/v1",
        dialects=_ALL,
        auth="none",
        docs_url="",
    ),
)
