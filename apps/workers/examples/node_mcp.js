#!/usr/bin/env node
// A Model Context Protocol server with one tool. Backend: kind: process, protocol: mcp.
'use strict';

const echo = {
  name: 'echo',
  description: 'Says it again.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
};

const methods = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'node-echo', version: '1' },
  }),
  ping: () => ({}),
  'tools/list': () => ({ tools: [echo] }),
  'tools/call': (params) => ({ content: [{ type: 'text', text: params.arguments.text }] }),
};

require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return; // A notification: nothing to answer.
  const reply = { jsonrpc: '2.0', id };
  if (methods[method]) reply.result = methods[method](params ?? {});
  else reply.error = { code: -32601, message: `no such method: ${method}` };
  process.stdout.write(JSON.stringify(reply) + '\n');
});
