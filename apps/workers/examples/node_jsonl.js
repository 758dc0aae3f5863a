#!/usr/bin/env node
// A worker that speaks one JSON object a line. Backend: kind: process, protocol: jsonl.
'use strict';

// What this worker is for: replace it. May be async; an exception becomes the task's error.
async function work(input) {
  return { specialist: process.env.GREENROOM_SPECIALIST, echo: input };
}

const say = (message) => process.stdout.write(JSON.stringify(message) + '\n');

async function run({ id, input }) {
  try {
    say({ type: 'result', id, output: await work(input) });
  } catch (error) {
    say({ type: 'error', id, message: error.message, retryable: false });
  }
}

say({ type: 'ready' });
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line);
  if (message.type === 'ping') say({ type: 'pong' });
  if (message.type === 'task') run(message);
});
