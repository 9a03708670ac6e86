// The `@google/genai` package over every target.
import assert from "node:assert/strict";
import test from "node:test";
import { ApiError, GoogleGenAI } from "@google/genai";
import { key, names, parameters, targets, url } from "./settings.mjs";

const httpOptions = { baseUrl: url, timeout: 20_000 };
const client = new GoogleGenAI({ apiKey: key, httpOptions });
const tools = [{ functionDeclarations: names.map((name) => ({ name, parametersJsonSchema: parameters })) }];

for (const target of targets) {
  test(`${target}: an answer, whole and streamed`, async () => {
    const said = await client.models.generateContent({ model: `${target}-echo`, contents: "hello there" });
    assert.equal(said.text, "hello there");
    assert.equal(said.candidates[0].finishReason, "STOP");
    assert.equal(said.usageMetadata.candidatesTokenCount, 2);
    let text = "";
    let last;
    const stream = await client.models.generateContentStream({ model: `${target}-echo`, contents: "hello there" });
    for await (const chunk of stream) {
      text += chunk.text ?? "";
      last = chunk;
    }
    assert.equal(text, "hello there");
    assert.equal(last.usageMetadata.candidatesTokenCount, 2);
  });

  test(`${target}: a loop with parallel calls, in a streamed chat`, async () => {
    const chat = client.chats.create({ model: `${target}-tools`, config: { tools } });
    const calls = [];
    for await (const chunk of await chat.sendMessageStream({ message: "hello there" })) {
      calls.push(...(chunk.functionCalls ?? []));
    }
    assert.deepEqual(calls.map((call) => call.name), names);
    for (const call of calls) assert.equal(typeof call.args.city, "string");
    const history = chat.getHistory(true);
    assert.ok(history.length >= 2, "the SDK kept the answer");
    const again = client.chats.create({ model: `${target}-echo`, config: { tools }, history });
    const message = calls.map(({ id, name }) => ({ functionResponse: { id, name, response: { output: "fine" } } }));
    assert.equal((await again.sendMessage({ message })).text, "hello there");
  });

  test(`${target}: structured output`, async () => {
    const config = { responseMimeType: "application/json", responseJsonSchema: parameters };
    const said = await client.models.generateContent({ model: `${target}-json`, contents: "hello", config });
    assert.deepEqual(Object.keys(JSON.parse(said.text)), ["city"]);
  });

  test(`${target}: failures`, async () => {
    for (const [fault, status] of [["429", 429], ["503", 502], ["400", 400]]) {
      await assert.rejects(
        client.models.generateContent({ model: `${target}/fault-${fault}`, contents: "hello" }),
        (error) => error instanceof ApiError && error.status === status,
      );
    }
    await assert.rejects(async () => {
      const stream = await client.models.generateContentStream({ model: `${target}-cut`, contents: "hello" });
      for await (const chunk of stream) assert.ok(chunk);
    }, /ended before its end/);
  });
}

test("failures of the gateway's own, and its models", async () => {
  await assert.rejects(
    client.models.generateContent({ model: "no-such-model", contents: "hello" }),
    (error) => error instanceof ApiError && error.status === 404,
  );
  const listed = [];
  for await (const model of await client.models.list()) listed.push(model.name);
  assert.ok(listed.includes("models/ant-echo"));
});
