// Error classes, and what the SDK does after each.
import assert from "node:assert/strict";
import test from "node:test";
import OpenAI from "openai";
import { connect, keys, messages } from "./clients.mjs";

/** The error of a call, which has to be of this class. */
async function failure(kind, call) {
  try {
    await call();
  } catch (error) {
    assert.equal(error.constructor, kind, error.stack);
    return error;
  }
  return assert.fail(`no ${kind.name} was thrown`);
}

const ask = (client, model = "sim-fast", more = {}) =>
  client.chat.completions.create({ model, messages, ...more });

test("a wrong key", async () => {
  const { client, statuses } = connect({ apiKey: "sk-unknown", maxRetries: 3 });
  const error = await failure(OpenAI.AuthenticationError, () => ask(client));
  assert.equal(error.code, "invalid_api_key");
  assert.match(error.requestID, /^wp-/);
  assert.deepEqual(statuses(), [401]);
});

test("a model that the key may not use", async () => {
  const { client } = connect({ apiKey: keys.narrow });
  const error = await failure(OpenAI.PermissionDeniedError, () => ask(client));
  assert.equal(error.param, "model");
});

test("a spent budget is not asked for again", async () => {
  const { client, statuses } = connect({ apiKey: keys.poor, maxRetries: 3 });
  const error = await failure(OpenAI.APIError, () => ask(client));
  assert.equal(error.status, 402);
  assert.equal(error.code, "budget_exceeded");
  assert.deepEqual(statuses(), [402]);
});

test("a model that does not exist", async () => {
  const { client } = connect();
  assert.equal((await failure(OpenAI.NotFoundError, () => ask(client, "nothing"))).code, "model_not_found");
  await failure(OpenAI.NotFoundError, () => client.models.retrieve("nothing"));
});

test("a wrong field is named", async () => {
  const { client } = connect();
  const error = await failure(OpenAI.BadRequestError, () => ask(client, "sim-fast", { messages: [] }));
  assert.equal(error.param, "messages");
  const theirs = await failure(OpenAI.BadRequestError, () =>
    ask(client, "sim-fast", { simulate: { fault: "context-length" } }));
  assert.equal(theirs.code, "context_length_exceeded");
});

test("the SDK waits as the provider says, and asks again", async () => {
  const { client, responses, statuses } = connect({ maxRetries: 2 });
  await ask(client, "sim-echo", { simulate: { fault: "429-ms", s: 0.05, first: 1 } });
  assert.deepEqual(statuses(), [429, 200]);
  assert.equal(responses[0].headers.get("retry-after-ms"), "50");
  assert.equal(responses[0].headers.get("retry-after"), "1");
});

test("a rate limit that stays", async () => {
  const { client, statuses } = connect({ maxRetries: 1 });
  await failure(OpenAI.RateLimitError, () =>
    ask(client, "sim-fast", { simulate: { fault: "429-ms", s: 0.05 } }));
  assert.deepEqual(statuses(), [429, 429]);
});

for (const fault of ["500", "refuse", "garbage", "html", "cut-body", "stall-headers"]) {
  test(`a broken provider is a server error: ${fault}`, async () => {
    const { client } = connect();
    const error = await failure(OpenAI.InternalServerError, () => ask(client, `hasty/fault-${fault}`));
    assert.match(error.code, /^upstream_/);
  });
}

test("a break in the stream is an error and not an end", async () => {
  const { client } = connect();
  const simulate = { fault: "error-stream", k: 3, tps: 20 };
  let pieces = 0;
  const error = await failure(OpenAI.APIError, async () => {
    for await (const chunk of await ask(client, "sim-fast", { stream: true, simulate })) {
      pieces += chunk.choices[0].delta.content ? 1 : 0;
    }
  });
  assert.ok(pieces >= 1);
  assert.equal(error.code, "upstream_unavailable");
});

test("the client's own timeout", async () => {
  const { client } = connect();
  await failure(OpenAI.APIConnectionTimeoutError, () =>
    client.chat.completions.create({ model: "hasty/fault-stall-headers", messages }, { timeout: 100 }));
});
