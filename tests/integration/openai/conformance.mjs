// What users of OpenAI's library do, against a node: `node conformance.mjs http://ADDR:PORT`.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";

const base = process.env.GREENROOM_NODE;
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: "unused", maxRetries: 0 });
const ask = (content, more = {}) =>
  client.chat.completions.create({
    model: "talker",
    messages: [{ role: "user", content }],
    ...more,
  });

async function pieces(stream) {
  let text = "";
  let reason = null;
  let role = null;
  for await (const chunk of stream) {
    assert.equal(chunk.object, "chat.completion.chunk");
    const choice = chunk.choices[0];
    role ??= choice.delta.role ?? null;
    text += choice.delta.content ?? "";
    reason = choice.finish_reason ?? reason;
  }
  return { text, reason, role };
}

test("lists specialists as models", async () => {
  const names = [];
  for await (const model of client.models.list()) {
    assert.equal(model.object, "model");
    names.push(model.id);
  }
  assert.deepEqual(names, ["talker"]);
  assert.equal((await client.models.retrieve("talker")).owned_by, "VOICES");
});

test("answers a chat with a completion", async () => {
  const { data, response } = await ask("hello").withResponse();
  assert.equal(data.object, "chat.completion");
  assert.match(data.id, /^chatcmpl-[0-9a-f]{32}$/);
  assert.equal(data.model, "talker");
  assert.equal(data.choices[0].message.role, "assistant");
  assert.equal(data.choices[0].message.content, "you said hello");
  assert.equal(data.choices[0].finish_reason, "stop");
  assert.equal(data.usage, undefined);
  assert.match(response.headers.get("server-timing"), /queue;dur=/);
});

test("takes the text out of an object, and any other output as JSON", async () => {
  assert.equal((await ask("object")).choices[0].message.content, "from content");
  assert.equal((await ask("number")).choices[0].message.content, "42");
});

test("passes on a completion that a worker made itself", async () => {
  const own = await ask("tool");
  assert.equal(own.id, "own");
  assert.equal(own.choices[0].message.tool_calls[0].function.name, "f");
});

test("streams the pieces of a worker that streams", async () => {
  const { text, reason, role } = await pieces(await ask("stream", { stream: true }));
  assert.equal(text, "one two thrée");
  assert.equal(reason, "stop");
  assert.equal(role, "assistant");
});

test("streams the whole answer of a worker that does not", async () => {
  assert.equal((await pieces(await ask("hello", { stream: true }))).text, "you said hello");
  const { reason } = await pieces(await ask("tool", { stream: true }));
  assert.equal(reason, "tool_calls");
});

test("ends a stream with the usage when it is asked for and the worker gave one", async () => {
  const listen = async (content, more) => {
    const chunks = [];
    for await (const chunk of await ask(content, { stream: true, ...more })) chunks.push(chunk);
    return chunks;
  };
  const asked = { stream_options: { include_usage: true } };
  const counted = await listen("stream and count", asked);
  assert.deepEqual(counted.pop().choices, []);
  assert.ok(counted.every((chunk) => chunk.choices.length === 1 && chunk.usage === null));
  const runner = client.beta.chat.completions.stream({
    model: "talker",
    messages: [{ role: "user", content: "stream and count" }],
    ...asked,
  });
  assert.equal((await runner.totalUsage()).total_tokens, 7);
  // Nobody counted: the stream ends as usual, and no count is made up.
  const uncounted = await listen("stream", asked);
  assert.ok(uncounted.every((chunk) => chunk.choices.length === 1 && chunk.usage === null));
  // Nobody asked.
  const silent = await listen("stream and count");
  assert.ok(silent.every((chunk) => chunk.choices.length === 1 && !("usage" in chunk)));
  await assert.rejects(ask("hello", asked), (error) => error.param === "stream_options");
});

test("runs the library's own helper for streams", async () => {
  const runner = client.beta.chat.completions.stream({
    model: "talker",
    messages: [{ role: "user", content: "stream" }],
  });
  const whole = await runner.finalChatCompletion();
  assert.equal(whole.choices[0].message.content, "one two thrée");
});

test("says that there is no such model, and which one is near", async () => {
  await assert.rejects(
    client.chat.completions.create({ model: "talkre", messages: [] }),
    (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.equal(error.code, "model_not_found");
      assert.equal(error.param, "model");
      assert.match(error.message, /talker/);
      return true;
    },
  );
});

test("says what is wrong with a request", async () => {
  await assert.rejects(ask("x", { n: 2 }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, "n");
    return true;
  });
});

test("gives a worker's error before anything was streamed as an error", async () => {
  await assert.rejects(ask("fail"), (error) => error.status === 422);
  await assert.rejects(ask("fail", { stream: true }), (error) => error.status === 422);
});

test("ends a stream with an error when the worker dies in the middle", async () => {
  await assert.rejects(async () => pieces(await ask("stream and die", { stream: true })), OpenAI.APIError);
});

test("stops the task of a client that aborts", async () => {
  const stream = await ask("stream", { stream: true });
  stream.controller.abort();
  assert.equal((await ask("still there?")).choices[0].message.content, "you said still there?");
});
