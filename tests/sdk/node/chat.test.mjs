// Chat: whole, streamed, tools, schemas, unknown fields.
import assert from "node:assert/strict";
import test from "node:test";
import { connect, keys, messages, nanos, tool, url } from "./clients.mjs";

const { client } = connect();
const chats = client.chat.completions;

test("a chat has its text, its cost and the id of its request", async () => {
  const { data, response, request_id } = await chats
    .create({ model: "sim-echo", messages, n: 2 })
    .withResponse();
  assert.deepEqual(data.choices.map((choice) => choice.message.content), ["hello there", "hello there"]);
  assert.equal(data.usage.completion_tokens, 4);
  assert.ok(data.usage.cost > 0);
  assert.equal(Number(response.headers.get("x-waypost-cost")), data.usage.cost);
  assert.equal(response.headers.get("x-waypost-model"), "sim-echo");
  assert.equal(request_id, response.headers.get("x-waypost-request-id"));
  assert.equal(data._request_id, request_id);
  assert.deepEqual(data.x_sim.nested, { kept: [1, "two", null] });
});

test("each kind of token has its own price", async () => {
  assert.equal(nanos((await chats.create({ model: "sim-thinks", messages })).usage), 3_365_000);
  assert.equal(nanos((await chats.create({ model: "sim-recalls", messages })).usage), 163_200);
});

test("fields of one vendor pass", async () => {
  const said = await chats.create({ model: "sim-fast", messages, simulate: { tokens: 3 } });
  assert.equal(said.usage.completion_tokens, 3);
});

test("log probabilities", async () => {
  const said = await chats.create({ model: "sim-fast", messages, logprobs: true, top_logprobs: 2 });
  const [choice] = said.choices;
  assert.equal(choice.logprobs.content.map((entry) => entry.token).join(""), choice.message.content);
});

test("images and audio pass", async () => {
  const content = [
    { type: "text", text: "what is this" },
    { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } },
    { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } },
  ];
  const said = await chats.create({ model: "sim-echo", messages: [{ role: "user", content }] });
  assert.equal(said.usage.prompt_tokens, 3 + 3 + 85 + 25);
});

test("parallel tool calls", async () => {
  const said = await chats.create({ model: "sim-tools", messages, tools: [tool("weather"), tool("time")] });
  const calls = said.choices[0].message.tool_calls;
  assert.deepEqual(calls.map((call) => call.function.name), ["weather", "time"]);
  for (const call of calls) assert.ok(JSON.parse(call.function.arguments).city);
});

test("a JSON schema is obeyed", async () => {
  const schema = { type: "object", properties: { count: { type: "integer", minimum: 7 } } };
  const said = await chats.parse({
    model: "sim-json",
    messages,
    response_format: { type: "json_schema", json_schema: { name: "counted", schema } },
  });
  assert.ok(JSON.parse(said.choices[0].message.content).count >= 7);
});

test("a stream without usage", async () => {
  let text = "";
  for await (const chunk of await chats.create({ model: "sim-echo", messages, stream: true })) {
    assert.equal(chunk.choices.length, 1);
    assert.ok(!chunk.usage);
    text += chunk.choices[0].delta.content ?? "";
  }
  assert.equal(text, "hello there");
});

test("a stream with usage has its cost in the last chunk", async () => {
  const request = { model: "sim-thinks", messages, stream: true, stream_options: { include_usage: true } };
  let last;
  for await (const chunk of await chats.create(request)) {
    assert.ok(!last?.usage);
    last = chunk;
  }
  assert.deepEqual(last.choices, []);
  assert.equal(nanos(last.usage), 3_365_000);
});

test("the SDK accumulates streamed tool calls", async () => {
  const runner = chats.stream({ model: "sim-tools", messages, tools: [tool("weather"), tool("time")] });
  const said = await runner.finalChatCompletion();
  const calls = said.choices[0].message.tool_calls;
  assert.deepEqual(calls.map((call) => call.function.name), ["weather", "time"]);
  for (const call of calls) assert.ok(JSON.parse(call.function.arguments).city);
  assert.equal(said.choices[0].finish_reason, "tool_calls");
});

test("a stream that is left does not hurt the next request", async () => {
  const request = { model: "sim-fast", messages, stream: true, simulate: { tps: 40 } };
  for await (const chunk of await chats.create(request)) if (chunk.choices[0].delta.content) break;
  assert.ok((await chats.create({ model: "sim-fast", messages })).choices[0].message.content);
});

test("the base URL works without its version", async () => {
  const bare = connect({ baseURL: url.replace(/\/v1$/, ""), apiKey: keys.full }).client;
  assert.ok((await bare.chat.completions.create({ model: "sim-fast", messages })).id);
});
