#!/usr/bin/env python3
"""A worker that speaks one JSON object a line. Backend: kind: process, protocol: jsonl."""
import json
import os
import sys


def work(task_input):
    """What this worker is for: replace it. An exception becomes the task's error."""
    name = os.environ.get("GREENROOM_SPECIALIST", "worker")
    return {"specialist": name, "echo": task_input}


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


say({"type": "ready"})
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "ping":
        say({"type": "pong"})
    elif message["type"] == "task":
        try:
            say({"type": "result", "id": message["id"], "output": work(message["input"])})
        except Exception as error:
            say({"type": "error", "id": message["id"], "message": str(error), "retryable": False})
