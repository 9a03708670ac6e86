"""LiteLLM's SDK against a gateway: `by_litellm.py URL KEY TARGET…` prints what it got, as JSON."""

import json
import sys

import litellm

litellm.telemetry = False
litellm.suppress_debug_info = True
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
    for name in ("weather", "time")
]


def talk(url, key, vendor, target):
    """A chat, a stream, a loop with two calls and a failure, by LiteLLM's name for a dialect."""
    base = url if vendor == "anthropic" else f"{url}/v1"
    given = {"api_base": base, "api_key": key, "timeout": 20, "num_retries": 0, "max_tokens": 100}
    # Only its proxy needs the package `mcp`, but with tools it is imported unless this is said.
    given["_skip_mcp_handler"] = True
    messages = [{"role": "user", "content": "hello there"}]
    whole = litellm.completion(model=f"{vendor}/{target}-echo", messages=messages, **given)
    chunks = list(
        litellm.completion(
            model=f"{vendor}/{target}-echo",
            messages=messages,
            stream=True,
            stream_options={"include_usage": True},
            **given,
        )
    )
    built = litellm.stream_chunk_builder(chunks, messages=messages)
    asked = litellm.completion(model=f"{vendor}/{target}-tools", messages=messages, tools=TOOLS, **given)
    message = asked.choices[0].message
    messages.append(message.model_dump())
    for call in message.tool_calls:
        messages.append({"role": "tool", "tool_call_id": call.id, "content": f"the {call.function.name}"})
    said = litellm.completion(model=f"{vendor}/{target}-echo", messages=messages, tools=TOOLS, **given)
    try:
        litellm.completion(model=f"{vendor}/no-such-model", messages=messages[:1], **given)
        failed = ""
    except litellm.NotFoundError:
        failed = "NotFoundError"
    return {
        "text": whole.choices[0].message.content,
        "usage": [whole.usage.prompt_tokens, whole.usage.completion_tokens],
        "streamed": built.choices[0].message.content,
        "streamed_usage": [built.usage.prompt_tokens, built.usage.completion_tokens],
        "calls": [
            [call.function.name, sorted(json.loads(call.function.arguments))] for call in message.tool_calls
        ],
        "ids": [call.id for call in message.tool_calls],
        "finish": asked.choices[0].finish_reason,
        "after": said.choices[0].message.content,
        "failed": failed,
    }


if __name__ == "__main__":
    url, key, *targets = sys.argv[1:]
    print(
        json.dumps(
            {
                f"{vendor} {target}": talk(url, key, vendor, target)
                for vendor in ("openai", "anthropic")
                for target in targets
            }
        )
    )
