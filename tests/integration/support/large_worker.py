"""A worker that answers much: large outputs, large errors, text that grows when it is encoded.

python3 -S -E large_worker.py jsonl|msgpack FOLDER. A task's input is {"big": BYTES}, {"fail": BYTES},
{"control": BYTES} (control characters), {"hold": FILE} (until FILE is in FOLDER), or anything else,
which is echoed. For tests only.
"""
import json
import os
import struct
import sys
import time

packed = sys.argv[1] == "msgpack"
folder = sys.argv[2]


def write(data):
    view = memoryview(data)
    while view:
        view = view[os.write(1, view):]


def pack(value):
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, str):
        text = value.encode()
        return b"\xdb" + struct.pack(">I", len(text)) + text
    if isinstance(value, dict):
        return b"\xdf" + struct.pack(">I", len(value)) + b"".join(
            pack(part) for pair in value.items() for part in pair)
    return b"\xc0"


def unpack(data, at=0):
    kind = data[at]
    if kind < 0x80:
        return kind, at + 1
    if kind >= 0xe0:
        return kind - 0x100, at + 1
    if 0x80 <= kind < 0x90 or kind in (0xde, 0xdf):
        size = {0xde: 2, 0xdf: 4}.get(kind, 0)
        count = int.from_bytes(data[at + 1:at + 1 + size], "big") if size else kind & 15
        at += 1 + size
        result = {}
        for _ in range(count):
            key, at = unpack(data, at)
            result[key], at = unpack(data, at)
        return result, at
    if 0xa0 <= kind < 0xc0 or kind in (0xd9, 0xda, 0xdb):
        size = {0xd9: 1, 0xda: 2, 0xdb: 4}.get(kind, 0)
        count = int.from_bytes(data[at + 1:at + 1 + size], "big") if size else kind & 31
        at += 1 + size
        return data[at:at + count].decode(), at + count
    if kind in (0xc0, 0xc2, 0xc3):
        return {0xc0: None, 0xc2: False, 0xc3: True}[kind], at + 1
    size = {0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8, 0xd0: 1, 0xd1: 2, 0xd2: 4, 0xd3: 8}[kind]
    return int.from_bytes(data[at + 1:at + 1 + size], "big", signed=kind >= 0xd0), at + 1 + size


def say(message):
    if packed:
        frame = pack(message)
        write(struct.pack(">I", len(frame)) + frame)
    else:
        write(json.dumps(message).encode() + b"\n")


def messages():
    got = b""
    while True:
        piece = os.read(0, 1 << 20)
        if not piece:
            return
        got += piece
        while packed and len(got) >= 4 and len(got) >= 4 + struct.unpack(">I", got[:4])[0]:
            length = struct.unpack(">I", got[:4])[0]
            yield unpack(got[4:4 + length])[0]
            got = got[4 + length:]
        while not packed and b"\n" in got:
            line, got = got.split(b"\n", 1)
            yield json.loads(line)


say({"type": "ready"})
for told in messages():
    if told["type"] == "ping":
        say({"type": "pong"})
    if told["type"] != "task":
        continue
    wanted = told["input"] if isinstance(told["input"], dict) else {}
    if "fail" in wanted:
        say({"type": "error", "id": told["id"], "message": "e" * wanted["fail"],
             "retryable": wanted.get("retryable", False)})
        continue
    output = told["input"]
    if "big" in wanted:
        output = "b" * wanted["big"]
    if "control" in wanted:
        output = "\x01" * wanted["control"]
    while "hold" in wanted and not os.path.exists(folder + "/" + wanted["hold"]):
        time.sleep(0.005)
    say({"type": "result", "id": told["id"], "output": output})
