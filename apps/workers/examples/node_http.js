#!/usr/bin/env node
// An HTTP worker. Backend: kind: http, url: http://127.0.0.1:8101, path: /work,
// command: [node, node_http.js, "8101"]. An input with "stream": true is answered piece by piece.
'use strict';

require('http').createServer(async (request, response) => {
  if (request.method === 'GET') {
    response.writeHead(request.url === '/health' ? 200 : 404).end();
    return;
  }
  let body = '';
  for await (const piece of request) body += piece;
  const input = JSON.parse(body);
  if (!input.stream) {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ echo: input }));
    return;
  }
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  for (const word of String(input.text).split(' ')) {
    response.write(`data: ${JSON.stringify(word)}\n\n`);
    await new Promise((resume) => setTimeout(resume, 20));
  }
  response.end('data: [DONE]\n\n');
}).listen(Number(process.argv[2]), '127.0.0.1');
