// Vercel's `ai` with its providers for OpenAI-compatible servers and for Anthropic, over every target.
import assert from "node:assert/strict";
import test from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { key, names, parameters, targets, url } from "./settings.mjs";

const makers = {
  compatible: createOpenAICompatible({
    name: "waypost",
    baseURL: `${url}/v1`,
    apiKey: key,
    includeUsage: true,
    supportsStructuredOutputs: true,
  }),
  anthropic: createAnthropic({ baseURL: `${url}/v1`, apiKey: key }),
};
const given = { prompt: "hello there", maxRetries: 0, maxOutputTokens: 100 };

for (const [maker, provider] of Object.entries(makers)) {
  for (const target of targets) {
    const model = (word) => provider(`${target}-${word}`);

    test(`${maker}, ${target}: a text, whole and streamed`, async () => {
      const said = await generateText({ model: model("echo"), ...given });
      assert.equal(said.text, "hello there");
      assert.deepEqual([said.usage.inputTokens, said.usage.outputTokens], [5, 2]);
      const stream = streamText({ model: model("echo"), ...given });
      let text = "";
      for await (const piece of stream.textStream) text += piece;
      assert.equal(text, "hello there");
      assert.equal((await stream.usage).outputTokens, 2);
    });

    test(`${maker}, ${target}: its own loop of tools`, async () => {
      const called = [];
      const tools = Object.fromEntries(
        names.map((name) => [
          name,
          tool({
            inputSchema: jsonSchema(parameters),
            execute: async ({ city }) => {
              called.push([name, typeof city]);
              return `${name} in ${city}`;
            },
          }),
        ]),
      );
      const said = await generateText({
        model: model("tools"),
        ...given,
        tools,
        stopWhen: stepCountIs(2),
        prepareStep: ({ stepNumber }) => (stepNumber ? { model: model("echo") } : {}),
      });
      assert.deepEqual(called, names.map((name) => [name, "string"]));
      assert.equal(said.steps.length, 2);
      assert.equal(said.text, "hello there");
    });

    test(`${maker}, ${target}: an object`, async () => {
      const schema = z.object({ city: z.string(), people: z.number().int() });
      const { object } = await generateObject({ model: model("json"), schema, ...given });
      assert.equal(typeof object.city, "string");
    });

    test(`${maker}, ${target}: failures`, async () => {
      for (const [fault, status] of [["429", 429], ["503", 502], ["400", 400]]) {
        await assert.rejects(
          generateText({ model: provider(`${target}/fault-${fault}`), ...given }),
          (error) => APICallError.isInstance(error) && error.statusCode === status,
        );
      }
      let failed;
      const stream = streamText({ model: model("cut"), ...given, onError: ({ error }) => (failed = error) });
      await stream.consumeStream();
      assert.match(JSON.stringify(failed, Object.getOwnPropertyNames(Object(failed))) + failed, /ended before its end/);
    });
  }
}
