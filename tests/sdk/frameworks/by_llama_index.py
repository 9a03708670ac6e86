"""LlamaIndex's OpenAI class against a gateway: `by_llama_index.py URL KEY TARGET…` prints what it got, as JSON."""

import json
import sys

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAI


def weather(city: str) -> str:
    """The weather of a city."""
    return f"fine in {city}"


class Any(OpenAI):
    """The class asks a table of OpenAI's own models how long a prompt may be; the gateway's are not in it."""

    @property
    def metadata(self):
        known = OpenAI(model="gpt-4o", api_key="none").metadata
        return known.model_copy(update={"model_name": self.model})

    @property
    def _tokenizer(self):
        return None


def talk(url, key, target):
    """A chat, a stream and a tool loop."""

    def model(word):
        return Any(
            model=f"{target}-{word}",
            api_base=f"{url}/v1",
            api_key=key,
            max_retries=0,
            timeout=20,
            max_tokens=100,
        )

    messages = [
        ChatMessage(role="system", content="be kind"),
        ChatMessage(role="user", content="hello there"),
    ]
    whole = model("echo").chat(messages)
    streamed = list(model("echo").stream_chat(messages))
    tool = FunctionTool.from_defaults(weather)
    asked = model("tools").chat_with_tools([tool], chat_history=messages)
    calls = model("tools").get_tool_calls_from_response(asked)
    history = [*messages, asked.message]
    for call in calls:
        result = tool.call(**call.tool_kwargs)
        history.append(
            ChatMessage(role="tool", content=str(result), additional_kwargs={"tool_call_id": call.tool_id})
        )
    said = model("echo").chat(history)
    return {
        "text": whole.message.content,
        "streamed": streamed[-1].message.content,
        "pieces": len(streamed),
        "calls": [[call.tool_name, sorted(call.tool_kwargs)] for call in calls],
        "ids": [call.tool_id for call in calls],
        "after": said.message.content,
    }


if __name__ == "__main__":
    url, key, *targets = sys.argv[1:]
    print(json.dumps({target: talk(url, key, target) for target in targets}))
