"""Answers chat requests in the several ways that a worker may; the last message says which."""

import json
import os
import sys


def say(message):
    print(json.dumps(message), flush=True)


def answer(task):
    words = task["input"]["messages"][-1]["content"]
    if words == "fail":
        return {"type": "error", "message": "I will not", "retryable": False}
    if words == "die":
        os._exit(3)
    if words.startswith("stream"):
        for piece in ["one ", "two ", "thr\u00e9e"]:
            say({"type": "chunk", "id": task["id"], "text": piece})
        if words == "stream and die":
            os._exit(3)
        if words == "stream and count":
            usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
            return {"type": "result", "output": {"content": "one two thr\u00e9e", "usage": usage}}
        return {"type": "result", "output": "one two thr\u00e9e"}
    if words == "object":
        return {"type": "result", "output": {"content": "from content"}}
    if words == "number":
        return {"type": "result", "output": 42}
    if words == "tool":
        call = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        choice = {"index": 0, "finish_reason": "tool_calls",
                  "message": {"role": "assistant", "content": None, "tool_calls": [call]}}
        return {"type": "result", "output": {"id": "own", "object": "chat.completion", "created": 1,
                                             "model": "own", "choices": [choice]}}
    return {"type": "result", "output": "you said " + words}


say({"type": "ready"})
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "ping":
        say({"type": "pong"})
    elif message["type"] == "task":
        say({"id": message["id"], **answer(message)})
