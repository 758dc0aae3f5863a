#!/usr/bin/env python3
"""A Model Context Protocol server with one tool. Backend: kind: process, protocol: mcp."""
import json
import sys

ECHO = {"name": "echo", "description": "Says it again.",
        "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}}


def answer(method, params):
    if method == "initialize":
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                "serverInfo": {"name": "python-echo", "version": "1"}}
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": [ECHO]}
    if method == "tools/call" and params["name"] == "echo":
        return {"content": [{"type": "text", "text": params["arguments"]["text"]}]}
    raise LookupError(f"no such method or tool: {method}")


for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue  # A notification: nothing to answer.
    reply = {"jsonrpc": "2.0", "id": message["id"]}
    try:
        reply["result"] = answer(message["method"], message.get("params", {}))
    except Exception as error:
        reply["error"] = {"code": -32601, "message": str(error)}
    print(json.dumps(reply), flush=True)
