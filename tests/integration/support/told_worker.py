"""A worker that does what its tasks say, and logs its starts and tasks.

python3 -S -E told_worker.py FOLDER [OPTION...]. Every start and every task becomes a line of
FOLDER/log, so that a test can count what really happened. For tests only.
"""
import json
import os
import signal
import sys
import time

folder = sys.argv[1]
options = dict(option.partition(":")[::2] for option in sys.argv[2:])
name = os.environ.get("GREENROOM_SPECIALIST", "nobody")
log = os.open(folder + "/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def note(*words):
    os.write(log, (" ".join(str(word) for word in words) + "\n").encode())


def say(**message):
    data = (json.dumps(message, separators=(",", ":")) + "\n").encode()
    while data:
        data = data[os.write(1, data):]


def exists(file):
    return os.path.exists(folder + "/" + file)


def wait_for(file):
    while not exists(file):
        time.sleep(0.005)


def first_time(file):
    try:
        os.close(os.open(folder + "/" + file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
        return True
    except FileExistsError:
        return False


def lines():
    got = b""
    while True:
        piece = os.read(0, 65536)
        if not piece:
            return
        got += piece
        while b"\n" in got:
            line, got = got.split(b"\n", 1)
            yield json.loads(line)


def do(task):
    told = task["input"] if isinstance(task["input"], dict) else {}
    what = told.get("do", "echo")
    note("run", name, task["id"], told.get("token", "-"))
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "die-once":
        if first_time(told["file"]):
            os.kill(os.getpid(), signal.SIGKILL)
    elif what == "hang":
        while True:
            time.sleep(3600)
    elif what == "hold":
        wait_for(told["file"])
    elif what == "sleep":
        time.sleep(told["ms"] / 1000)
    elif what == "flood":
        while True:
            os.write(1, b'{"type":"pong"}\n' * 4000)
    elif what == "endless-line":
        while True:
            os.write(1, b"x" * 65536)
    elif what == "flood-errors":
        for _ in range(told["megabytes"]):
            os.write(2, b"something went wrong again\n" * 38000)
    elif what == "nonsense":
        os.write(1, b"{oops\n")
    elif what == "grow":
        grown.append(bytearray(os.urandom(1024)) * 1024 * told["mb"])
    elif what == "error":
        say(type="error", id=task["id"], message="not like this", retryable=told["retryable"])
        return
    note("done", name, task["id"], told.get("token", "-"))
    say(type="result", id=task["id"], output=told.get("say", task["input"]))


grown = []
note("start", name, os.getpid())
if "exit" in options:
    sys.stderr.write("no licence found\n")
    sys.exit(3)
if "exit-until" in options and not exists(options["exit-until"]):
    sys.exit(4)
if "ignore-term" in options:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "grandchild" in options and os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note("grandchild", name, os.getpid())
    while True:
        time.sleep(3600)
if "mb" in options:
    grown.append(bytearray(os.urandom(1024)) * 1024 * int(options["mb"]))
if "never-ready" in options:
    time.sleep(3600)
if "gate" in options:
    wait_for(options["gate"])
say(type="ready")
for message in lines():
    if message["type"] == "ping":
        say(type="pong")
    elif message["type"] == "task":
        do(message)
if "ignore-term" in options:
    while True:
        time.sleep(3600)
