// Files and batches, from upload to results.
import assert from "node:assert/strict";
import test from "node:test";
import { toFile } from "openai";
import { connect } from "./clients.mjs";

const { client } = connect();

test("a batch, its results, and their deletion", async () => {
  const body = { model: "sim-echo", messages: [{ role: "user", content: "hello there" }] };
  const url = "/v1/chat/completions";
  const lines = ["a", "b"].map((id) => JSON.stringify({ custom_id: id, method: "POST", url, body }));
  const file = await client.files.create({
    file: await toFile(Buffer.from(lines.join("\n")), "in.jsonl"), purpose: "batch",
  });
  let batch = await client.batches.create({
    input_file_id: file.id, endpoint: url, completion_window: "24h",
  });
  while (batch.status !== "completed") {
    assert.ok(["validating", "in_progress", "finalizing"].includes(batch.status), batch.status);
    await new Promise((resolve) => setTimeout(resolve, 20));
    batch = await client.batches.retrieve(batch.id);
  }
  const text = await (await client.files.content(batch.output_file_id)).text();
  const results = text.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(results.map((one) => one.custom_id).sort(), ["a", "b"]);
  assert.equal(results[0].response.body.choices[0].message.content, "hello there");
  const listed = [];
  for await (const one of client.batches.list({ limit: 1 })) listed.push(one.id);
  assert.ok(listed.includes(batch.id));
  assert.equal((await client.files.delete(file.id)).deleted, true);
});
