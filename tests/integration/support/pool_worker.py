"""A worker that knows its pool, and fails in the intelligent pool when a file says so.

python3 -S -E pool_worker.py FOLDER. In the intelligent pool every task fails while FOLDER/bad is
there (or FOLDER/bad-NAME, for the specialist NAME alone), and answers late while FOLDER/slow is. A task {"hold": FILE} runs until FOLDER/FILE is there;
in the baseline pool it is answered at once. For tests only.
"""
import json
import os
import sys
import time

folder = sys.argv[1]
bad = ("bad", "bad-" + os.environ.get("GREENROOM_SPECIALIST", ""))
smart = os.environ.get("GREENROOM_POOL") == "intelligent"


def exists(name):
    return os.path.exists(os.path.join(folder, name))


def say(**message):
    sys.stdout.write(json.dumps(message, separators=(",", ":")) + "\n")
    sys.stdout.flush()


say(type="ready")
for line in sys.stdin:
    task = json.loads(line)
    if task["type"] == "ping":
        say(type="pong")
    if task["type"] != "task":
        continue
    told = task["input"] if isinstance(task["input"], dict) else {}
    while smart and "hold" in told and not exists(told["hold"]):
        time.sleep(0.005)
    if smart and exists("slow"):
        time.sleep(0.05)
    if smart and any(map(exists, bad)):
        say(type="error", id=task["id"], message="it turned bad", retryable=True)
    else:
        say(type="result", id=task["id"], output={"echo": task["input"]})
