"""A model server: answers as the last message asks. Usage: model_server.py PORT."""
import gzip
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WHOLE = {"id": "own", "object": "chat.completion", "created": 1, "model": "m", "choices": [
    {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]}
EVENTS = (b"\xef\xbb\xbf\r\nid: 1\r\nretry: 10\r\n: ping\r\n\r\n"
          b'event: message\r\ndata: {"id":"own","object":"chat.completion.chunk","created":1,\r\n'
          b'data:"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"on"}}]}\r\n'
          b'\r\n'
          b'data: {"id":"own","object":"chat.completion.chunk","created":1,"model":"m","choices":'
          b'[{"index":0,"delta":{"content":"e"},"finish_reason":"stop"}]}\r\n\r\n')


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body, status=200, kind="application/json", **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, pieces, kind="text/event-stream; charset=utf-8"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def do_GET(self):
        self.answer(b"{}")

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        what = asked["messages"][-1]["content"].split()
        if what[0] == "status":
            error = {"error": {"message": f"told {what[1]}", "type": "theirs", "param": "p",
                               "code": "c"}}
            fields = {"Retry_After": "60"} if what[1] == "429" else {}
            self.answer(json.dumps(error).encode(), int(what[1]), **fields)
        elif what[0] == "masked":
            self.answer(b'{"error":{"message":"masked","type":"theirs","code":400}}')
        elif what[0] == "fields":
            whole = json.loads(json.dumps(WHOLE))
            whole["choices"][0]["message"]["content"] = json.dumps(asked)
            whole["usage"] = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
            self.answer(json.dumps(whole).encode())
        elif what[0] == "packed":
            self.answer(gzip.compress(json.dumps(WHOLE).encode()), Content_Encoding="gzip")
        elif what[0] == "events":
            # In pieces of one byte: no cut may matter.
            self.stream([EVENTS[at:at + 1] for at in range(len(EVENTS))])
        elif what[0] == "late":
            time.sleep(0)
            self.stream([EVENTS, b'data: {"error":{"message":"out of memory","type":"theirs"}}\n\n',
                         b"data: [DONE]\n\n"])
        elif what[0] == "lines":
            self.stream([b'{"message":{"role":"assistant","content":"by "},"done":false}\n{"mess',
                         b'age":{"content":"line"},"done":false}\n{"done":true}'],
                        "application/x-ndjson")
        else:
            self.answer(json.dumps(WHOLE).encode())


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Server).serve_forever()
