"""A worker that misbehaves as told: python3 -S odd.py HOW. For tests only."""
import os
import signal
import sys
import time


def out(text):
    os.write(1, text.encode() if isinstance(text, str) else text)


def lines():
    got = b""
    while True:
        piece = os.read(0, 65536)
        if not piece:
            return
        got += piece
        while b"\n" in got:
            line, got = got.split(b"\n", 1)
            yield line.decode()


def task_id(line):
    return line.split('"id":"', 1)[1].split('"', 1)[0]


def result(line):
    out('{"type":"result","id":"%s","output":"fine"}\n' % task_id(line))


READY = '{"type":"ready"}\n'
how = sys.argv[1] if len(sys.argv) > 1 else "behave"

if how == "exit-at-start":
    sys.stderr.write("no licence found\n")
    sys.exit(3)
elif how == "never-ready":
    time.sleep(3600)
elif how == "nonsense-at-start":
    out("Server listening on stdio\n")
    time.sleep(3600)
elif how == "ready-slowly":
    time.sleep(0.3)
    out(READY)
elif how == "close-at-start":
    os.close(1)
    time.sleep(3600)
else:
    if how == "ignore-term":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if how in ("daemon", "daemon-and-exit"):
        # A session of its own, and nobody waits for it.
        started, tell = os.pipe()
        if os.fork() == 0:
            os.setsid()
            child = os.fork()
            if child == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                for fd in (0, 1, 2, started, tell):
                    os.close(fd)
                time.sleep(3600)
            os.write(tell, b"%d" % child)
            os._exit(0)
        daemon = int(os.read(started, 20))
        os.wait()  # For the process between them, so that the daemon alone is left.
        sys.stderr.write("daemon %d\n" % daemon)
        sys.stderr.flush()
        if how == "daemon-and-exit":
            sys.exit(0)
    if how == "grandchild":
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(3600)
        sys.stderr.write("grandchild %d\n" % child)
        sys.stderr.flush()
    out(READY)

if how == "close-output":
    os.close(1)
    time.sleep(3600)
if how == "ignore-term":
    while True:
        time.sleep(3600)  # Ignores the end of its input as well.
if how == "flood-unasked":
    while True:
        out('{"type":"pong"}\n' * 1000)
if how == "flood-errors":
    def flood():
        while True:
            os.write(2, b"something went wrong\n" * 1000)
    import threading
    threading.Thread(target=flood, daemon=True).start()
if how == "slow-reader":
    os.read(0, 10)
    time.sleep(0.5)
    out('{"type":"pong"}\n')

for line in lines():
    if '"type":"ping"' in line:
        out('{"type":"pong"}\n')
    elif how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "exit":
        sys.exit(7)
    elif how == "answer-and-exit":
        result(line)
        sys.exit(0)
    elif how == "hang":
        time.sleep(3600)
    elif how == "nonsense":
        out("{oops\n> server@1.0.0 start\n\x1b[32mhi\x1b[0m\n")
        result(line)
    elif how == "binary":
        out(b"\x00\xff\xfe\x80" * 100 + b"\n")
        result(line)
    elif how == "not-a-number":
        out('{"type":"result","id":"%s","output":[1,NaN]}\n' % task_id(line))
    elif how == "answer-without-end":
        out('{"type":"result","id":"%s","output":"fine"}' % task_id(line))
        sys.exit(0)
    elif how == "slow":
        time.sleep(0.3)
        result(line)
    elif how == "endless-line":
        while True:
            out("x" * 65536)
    elif how == "huge-line":
        out('{"type":"result","id":"%s","output":"%s"}\n' % (task_id(line), "x" * 3000000))
    elif how == "wrong-id":
        out('{"type":"result","id":"nobody","output":1}\n')
        result(line)
    elif how == "twice":
        result(line)
        result(line)
    elif how == "invalid-output":
        out('{"type":"result","id":"%s","output":{"a":}}\n' % task_id(line))
    elif how == "error":
        out('{"type":"error","id":"%s","message":"not like \\"this\\"","retryable":false}\n' % task_id(line))
    elif how == "retryable-error":
        out('{"type":"error","id":"%s","message":"later","retryable":true}\n' % task_id(line))
    elif how == "chunks":
        for word in ("to ", "be ", "or"):
            out('{"type":"chunk","id":"%s","text":"%s"}\n' % (task_id(line), word))
        result(line)
    elif how == "environment":
        names = ("SPECIALIST", "DEPARTMENT", "POOL", "NODE_MARK")
        text = ",".join('"%s"' % os.environ.get("GREENROOM_" + name, "") for name in names)
        out('{"type":"result","id":"%s","output":[%s,"%s"]}\n' % (task_id(line), text, os.getcwd()))
    elif how == "signals":
        ignored = [s for s in range(1, 32) if signal.getsignal(s) == signal.SIG_IGN and s not in (13, 25)]
        mask = len(signal.pthread_sigmask(signal.SIG_BLOCK, []))
        fds = len([f for f in os.listdir("/proc/self/fd")]) - 1
        leader = int(os.getpgrp() == os.getpid())
        out('{"type":"result","id":"%s","output":[%d,%d,%d,%d]}\n' % (task_id(line), len(ignored), mask, fds, leader))
    else:
        result(line)
