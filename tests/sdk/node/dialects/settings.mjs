// What tests/sdk/test_dialects_node.py says: where the gateway is, and which targets it has.
import assert from "node:assert/strict";

function setting(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: these tests are started by tests/sdk/test_dialects_node.py`);
  return value;
}

export const url = setting("WAYPOST_URL");
export const key = setting("WAYPOST_KEY");
export const targets = setting("WAYPOST_TARGETS").split(",");
export const names = ["weather", "time"];
export const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
