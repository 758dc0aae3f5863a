#!/usr/bin/env node
// A worker that speaks MessagePack. Backend: kind: process, protocol: msgpack.
// Needs: npm install @msgpack/msgpack
'use strict';
const { encode, decode } = require('@msgpack/msgpack');

// What this worker is for: replace it. May be async; an exception becomes the task's error.
async function work(input) {
  return { specialist: process.env.GREENROOM_SPECIALIST, echo: input };
}

function say(message) {
  const body = encode(message);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  process.stdout.write(Buffer.concat([length, body]));
}

async function run({ id, input }) {
  try {
    say({ type: 'result', id, output: await work(input) });
  } catch (error) {
    say({ type: 'error', id, message: error.message, retryable: false });
  }
}

let got = Buffer.alloc(0);
process.stdin.on('data', (bytes) => {
  got = Buffer.concat([got, bytes]);
  while (got.length >= 4 && got.length >= 4 + got.readUInt32BE(0)) {
    const message = decode(got.subarray(4, 4 + got.readUInt32BE(0)));
    got = got.subarray(4 + got.readUInt32BE(0));
    if (message.type === 'ping') say({ type: 'pong' });
    if (message.type === 'task') run(message);
  }
});
say({ type: 'ready' });
