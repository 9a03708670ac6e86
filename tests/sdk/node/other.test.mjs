// Beside chat: models, embeddings, completions.
import assert from "node:assert/strict";
import test from "node:test";
import { connect, keys, nanos } from "./clients.mjs";

const { client } = connect();

test("models are listed and retrieved", async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes("sim-fast"));
  assert.equal((await client.models.retrieve("sim-fast")).object, "model");
});

test("a key sees only its models", async () => {
  const narrow = connect({ apiKey: keys.narrow }).client;
  assert.deepEqual((await narrow.models.list()).data.map((model) => model.id), ["sim-echo"]);
});

test("embeddings are the same in both encodings", async () => {
  const input = ["a small boat", "a big boat"];
  // The SDK asks for base64 unless told otherwise, and unpacks it.
  const packed = await client.embeddings.create({ model: "sim-embed", input, dimensions: 8 });
  const plain = await client.embeddings.create({
    model: "sim-embed", input, dimensions: 8, encoding_format: "float",
  });
  for (const [place, { embedding }] of packed.data.entries()) {
    assert.equal(embedding.length, 8);
    for (const [at, value] of embedding.entries()) {
      assert.ok(Math.abs(value - plain.data[place].embedding[at]) < 1e-6);
    }
  }
  assert.equal(nanos(packed.usage), 120);
});

test("completions, whole and streamed", async () => {
  const request = { model: "sim-echo", prompt: "once upon a time" };
  const said = await client.completions.create(request);
  assert.equal(said.choices[0].text, "once upon a time");
  assert.ok(said.usage.cost > 0);
  let text = "";
  for await (const chunk of await client.completions.create({ ...request, stream: true })) {
    text += chunk.choices[0].text;
  }
  assert.equal(text, "once upon a time");
});
