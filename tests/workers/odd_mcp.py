"""An MCP server that is untidy, as servers in the field are: python3 -S odd_mcp.py HOW [FILE].

What it hears goes to FILE, a line each, when there is one. For tests only.
"""
import json
import os
import select
import sys

how = sys.argv[1]
log = open(sys.argv[2], "a") if len(sys.argv) > 2 else None
held = {}  # Calls that wait to be cancelled or released.
listed = 0


def raw(text):
    data = text.encode() if isinstance(text, str) else text
    while data:
        data = data[os.write(1, data):]


def say(message):
    raw(json.dumps({"jsonrpc": "2.0", **message}) + "\n")


def note(text):
    if log:
        log.write(text + "\n")
        log.flush()


def text(value):
    return {"content": [{"type": "text", "text": value}]}


TOOLS = [
    {"name": "read", "annotations": {"readOnlyHint": True}},
    {"name": "put", "annotations": {"readOnlyHint": False, "idempotentHint": True}},
    {"name": "append", "annotations": {}},
    {"name": "plain"},
]


def call(ident, name, arguments):
    note("call " + name)
    if name == "hold":
        held[ident] = True
        return
    if name == "block":
        import time
        time.sleep(arguments.get("s", 3600))
    if name == "die" or arguments.get("die"):
        os._exit(9)
    if how == "prints":
        print("> start", "\x1b[33mworking\x1b[39m", '{"level":"info","msg":"x"}', sep="\n", flush=True)
    if how == "asks":
        for method in ("sampling/createMessage", "roots/list", "elicitation/create", "ping"):
            say({"id": "s-" + method, "method": method, "params": {}})
        answers = {}
        while len(answers) < 4:
            answer = json.loads(sys.stdin.readline())
            if "method" in answer:
                hear(answer)
                continue
            answers[answer["id"]] = answer.get("result", answer.get("error", {}).get("code"))
        return say({"id": ident, "result": answers})
    if how == "notifies":
        for i in range(arguments.get("n", 1200)):
            say({"method": "notifications/message", "params": {"level": "info", "data": i}})
    if how == "text-id":
        ident = str(ident)
    if how == "float-id":
        return raw('{"jsonrpc":"2.0","id":%d.0,"result":{"content":[]},"error":null}\n' % ident)
    if how == "batch":
        return raw(json.dumps([{"jsonrpc": "2.0", "method": "notifications/message"},
                               {"jsonrpc": "2.0", "id": ident, "result": text("fine")}]) + "\n")
    if how == "nan":
        return raw('{"jsonrpc":"2.0","id":%d,"result":{"value":NaN}}\n' % ident)
    if how == "half":
        return raw('{"result":{"value":"cut \\ud83d"},"jsonrpc":"2.0","id":%d}\n' % ident)
    if how == "huge":
        return say({"result": text("x" * arguments.get("bytes", 0)), "id": ident})
    if how == "shy":
        say({"method": "notifications/tools/list_changed"})
    say({"id": ident, "result": text("listed %d" % listed if how == "restless" else "fine")})


def hear(message):
    global listed
    method, ident = message.get("method"), message.get("id")
    params = message.get("params") or {}
    if method == "notifications/cancelled":
        note("cancelled %s" % params.get("requestId"))
        if held.pop(params.get("requestId"), None) and how == "late":
            say({"id": params["requestId"], "error": {"code": -32800, "message": "cancelled"}})
    if ident is None:
        return note(method)
    if method == "initialize":
        note("initialize " + params["protocolVersion"])
        if how == "modern":
            return say({"id": ident, "error": {"code": -32601, "message": "Method not found"}})
        version = {"old": "2024-10-07", "next": "2026-07-28"}.get(how, params["protocolVersion"])
        return say({"id": ident, "result": {"protocolVersion": version, "capabilities": {"tools": {}},
                                            "serverInfo": {"name": "odd", "version": "1"}}})
    if how == "modern" and "io.modelcontextprotocol/protocolVersion" not in params.get("_meta", {}):
        return say({"id": ident, "error": {"code": -32602, "message": "no _meta"}})
    if method == "server/discover" and how == "modern":
        return say({"id": ident, "result": {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}},
                                            "resultType": "complete", "ttlMs": 0, "cacheScope": "public"}})
    if method == "tools/list":
        listed += 1
        if how == "shy" and listed == 1:
            return say({"id": ident, "error": {"code": -32603, "message": "not yet"}})
        if how == "changes" and listed > 2:  # The third page is the first of the second time.
            return say({"id": ident, "result": {"tools": [{"name": "append", "annotations": {"readOnlyHint": True}}]}})
        at = int(params.get("cursor") or 0)
        page = {"tools": TOOLS[at:at + 2]}
        if at + 2 < len(TOOLS):
            page["nextCursor"] = str(at + 2)
        say({"id": ident, "result": page})
        if how == "restless" or how == "changes" and at:
            say({"method": "notifications/tools/list_changed"})
        return
    if method == "tools/call":
        return call(ident, params["name"], params.get("arguments") or {})
    if method == "ping" and how != "deaf":
        return say({"id": ident, "result": {}})
    if method == "ping":
        return
    say({"id": ident, "error": {"code": -32601, "message": "Method not found"}})


if how == "prints":
    raw("\ufeff\n> server@1.0.0 start\n> node index.js\n\n\x1b[32mready\x1b[0m\n{\"level\":30}\n")
while True:
    line = sys.stdin.readline()
    if not line:
        break
    hear(json.loads(line))
