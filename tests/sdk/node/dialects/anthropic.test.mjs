// The `@anthropic-ai/sdk` package over every target.
import assert from "node:assert/strict";
import test from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { key, names, parameters, targets, url } from "./settings.mjs";

const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0, timeout: 20_000 });
const tools = names.map((name) => ({ name, input_schema: parameters }));
const messages = [{ role: "user", content: "hello there" }];
const asks = (model, more = {}) => ({ model, max_tokens: 100, messages, ...more });

for (const target of targets) {
  test(`${target}: a message, whole and streamed`, async () => {
    const said = await client.messages.create(asks(`${target}-echo`));
    assert.deepEqual(said.content.map((block) => block.text), ["hello there"]);
    assert.equal(said.stop_reason, "end_turn");
    assert.deepEqual([said.usage.input_tokens, said.usage.output_tokens], [5, 2]);
    const stream = client.messages.stream(asks(`${target}-echo`));
    assert.equal(await stream.finalText(), "hello there");
    assert.equal((await stream.finalMessage()).usage.output_tokens, 2);
  });

  test(`${target}: a loop with parallel calls`, async () => {
    const asked = await client.messages.stream(asks(`${target}-tools`, { tools })).finalMessage();
    const calls = asked.content.filter((block) => block.type === "tool_use");
    assert.deepEqual(calls.map((call) => call.name), names);
    for (const call of calls) assert.equal(typeof call.input.city, "string");
    const results = calls.map((call) => ({ type: "tool_result", tool_use_id: call.id, content: "fine" }));
    const history = [...messages, { role: "assistant", content: asked.content }, { role: "user", content: results }];
    const said = await client.messages.create(asks(`${target}-echo`, { tools, messages: history }));
    assert.deepEqual(said.content.map((block) => block.text), ["hello there"]);
  });

  test(`${target}: structured output`, async () => {
    const schema = { ...parameters, additionalProperties: false };
    const said = await client.messages.create(
      asks(`${target}-json`, { output_config: { format: { type: "json_schema", schema } } }),
    );
    assert.deepEqual(Object.keys(JSON.parse(said.content[0].text)), ["city"]);
  });

  test(`${target}: failures`, async () => {
    await assert.rejects(client.messages.create(asks(`${target}/fault-429`)), Anthropic.RateLimitError);
    await assert.rejects(client.messages.create(asks(`${target}/fault-503`)), Anthropic.InternalServerError);
    await assert.rejects(client.messages.create(asks(`${target}/fault-400`)), Anthropic.BadRequestError);
    await assert.rejects(client.messages.stream(asks(`${target}-cut`)).finalMessage(), /ended before its end/);
  });
}

test("failures of the gateway's own, and its models", async () => {
  await assert.rejects(client.messages.create(asks("no-such-model")), Anthropic.NotFoundError);
  const stranger = new Anthropic({ baseURL: url, apiKey: "sk-wp-abcdefgh", maxRetries: 0 });
  await assert.rejects(stranger.messages.create(asks("oai-echo")), Anthropic.AuthenticationError);
  const listed = [];
  for await (const model of client.models.list({ limit: 1000 })) listed.push(model.id);
  assert.ok(listed.includes("gem-echo"));
});
