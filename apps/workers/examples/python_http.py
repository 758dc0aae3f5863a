#!/usr/bin/env python3
"""An HTTP worker. Backend: kind: http, url: http://127.0.0.1:8100, path: /work,
command: [python3, python_http.py, "8100"]."""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Worker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # Keeps connections open.

    def reply(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(200 if self.path == "/health" else 404, {"path": self.path})

    def do_POST(self):
        task_input = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.reply(200, {"echo": task_input})

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Worker).serve_forever()
