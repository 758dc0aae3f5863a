// OpenAI's library against a specialist that is a model server: what the server says arrives.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import OpenAI from "openai";

const base = process.env.GREENROOM_NODE;
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: "unused", maxRetries: 0 });
const model = "Qwen/Qwen2.5-7B:latest";
const ask = (content, more = {}) =>
  client.chat.completions.create({ model, messages: [{ role: "user", content }], ...more });

// What failed before may have opened the circuit for a few seconds.
beforeEach(async () => {
  for (let left = 40; left > 0; --left) {
    try {
      await ask("hello");
      return;
    } catch (error) {
      if (left === 1) throw error;
      await new Promise((after) => setTimeout(after, 500));
    }
  }
});

async function text_of(stream) {
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  return text;
}

test("finds a model whose name has a slash", async () => {
  assert.equal((await client.models.retrieve(model)).id, model);
  const raw = await fetch(`${base}/v1/models/${model}`);
  assert.equal((await raw.json()).id, model);
  assert.equal((await ask("hello")).choices[0].message.content, "hello");
});

test("keeps status and error object of the server", async () => {
  for (const status of [400, 401, 403, 404, 409, 413, 422, 429, 500, 503]) {
    for (const stream of [false, true]) {
      await assert.rejects(ask(`status ${status}`, { stream }), (error) => {
        assert.equal(error.status, status);
        assert.equal(error.type, "theirs");
        assert.equal(error.code, "c");
        assert.equal(error.param, "p");
        assert.match(error.message, new RegExp(`told ${status}`));
        if (status === 429) assert.ok(Number(error.headers["retry-after"] ?? error.headers.get("retry-after")) > 0);
        return true;
      });
    }
  }
});

test("does not take an error for an answer", async () => {
  await assert.rejects(ask("masked"), (error) => error.status === 400 && /masked/.test(error.message));
});

test("passes on what it does not know", async () => {
  const sent = {
    max_tokens: 7, temperature: 0.5, seed: 1, n: 2, unknown: { deep: [1, null] },
    tools: [{ type: "function", function: { name: "f", parameters: { type: "object" } } }],
  };
  const whole = await ask("fields", sent);
  const got = JSON.parse(whole.choices[0].message.content);
  for (const [name, value] of Object.entries(sent)) assert.deepEqual(got[name], value);
  assert.equal(got.model, model);
  assert.equal(whole.usage.total_tokens, 3);
});

test("understands a packed answer", async () => {
  assert.equal((await ask("packed")).choices[0].message.content, "hello");
});

test("reads an event stream however it is written and cut", async () => {
  assert.equal(await text_of(await ask("events", { stream: true })), "one");
  assert.equal((await ask("events")).choices[0].message.content, "one", "also as one answer");
});

test("ends a stream with the error that came in it", async () => {
  await assert.rejects(async () => text_of(await ask("late", { stream: true })), (error) => {
    assert.match(error.message, /out of memory/);
    return true;
  });
});

test("turns lines of another interface into text", async () => {
  assert.equal(await text_of(await ask("lines", { stream: true })), "by line");
  assert.equal((await ask("lines")).choices[0].message.content, "by line");
});

test("has OpenAI's error form for everything under its paths", async () => {
  const check = (status) => (error) => {
    assert.equal(error.status, status);
    assert.ok(error.error?.message, "an error object");
    assert.doesNotMatch(error.message, /no body/);
    return true;
  };
  await assert.rejects(client.embeddings.create({ model, input: "x", encoding_format: "float" }), check(404));
  await assert.rejects(client.completions.create({ model, prompt: "x" }), check(404));
  await assert.rejects(client.models.retrieve("none/such"), check(404));
  await assert.rejects(client.models.del(model), check(405));
  await assert.rejects(ask("x".repeat(17 << 20)), check(413));
  const bad = await fetch(`${base}/v1/chat/completions`, { method: "POST", body: "{" });
  assert.equal(bad.status, 400);
  assert.ok((await bad.json()).error.message);
});
