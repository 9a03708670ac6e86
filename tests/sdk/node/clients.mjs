// Clients of the gateway that the environment names: WAYPOST_URL (with /v1) and keys for each purpose.
import assert from "node:assert/strict";
import OpenAI from "openai";

function setting(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: these tests are started by tests/sdk/test_openai_node.py`);
  return value;
}

export const url = setting("WAYPOST_URL");
export const keys = {
  full: setting("WAYPOST_KEY"),
  poor: setting("WAYPOST_POOR_KEY"),
  narrow: setting("WAYPOST_NARROW_KEY"),
};

/** A client, and the responses it got in order: retries of the SDK are visible only there. */
export function connect(options = {}) {
  const responses = [];
  const client = new OpenAI({
    baseURL: url,
    apiKey: keys.full,
    maxRetries: 0,
    timeout: 20_000,
    fetch: async (...request) => {
      const response = await fetch(...request);
      responses.push(response);
      return response;
    },
    ...options,
  });
  return { client, responses, statuses: () => responses.map((response) => response.status) };
}

export const messages = [{ role: "user", content: "hello there" }];

export function tool(name) {
  const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
  return { type: "function", function: { name, parameters } };
}

/** Nano-dollars: the prices of the tests are exact in these. */
export const nanos = (usage) => Math.round(usage.cost * 1e9);
