#!/usr/bin/env python3
"""A worker that speaks MessagePack. Backend: kind: process, protocol: msgpack.
Needs the Debian package python3-msgpack (or: pip install msgpack)."""
import os
import struct
import sys

import msgpack


def work(task_input):
    """What this worker is for: replace it. An exception becomes the task's error."""
    name = os.environ.get("GREENROOM_SPECIALIST", "worker")
    return {"specialist": name, "echo": task_input}


def say(message):
    body = msgpack.packb(message)
    sys.stdout.buffer.write(struct.pack(">I", len(body)) + body)
    sys.stdout.buffer.flush()


say({"type": "ready"})
while len(head := sys.stdin.buffer.read(4)) == 4:
    message = msgpack.unpackb(sys.stdin.buffer.read(struct.unpack(">I", head)[0]))
    if message["type"] == "ping":
        say({"type": "pong"})
    elif message["type"] == "task":
        try:
            say({"type": "result", "id": message["id"], "output": work(message["input"])})
        except Exception as error:
            say({"type": "error", "id": message["id"], "message": str(error), "retryable": False})
