"""A worker of either protocol that misbehaves as told: odd_talker.py msgpack|mcp HOW.

HOW names what it does instead of behaving, at its start or with its first task. No packages, so the
few kinds of MessagePack that a node uses are spelled out here. For tests only.
"""
import json
import os
import struct
import sys
import time

protocol, how = sys.argv[1], sys.argv[2]


def write(data):
    while data:
        data = data[os.write(1, data):]


# -- MessagePack, the part that is needed --


def pack(value):
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, str):
        return b"\xdb" + struct.pack(">I", len(value.encode())) + value.encode()
    if isinstance(value, list):
        return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(pack, value))
    return b"\xdf" + struct.pack(">I", len(value)) + b"".join(
        pack(key) + (item if isinstance(item, bytes) else pack(item)) for key, item in value.items())


def unpack(data, at=0):
    first = data[at]
    at += 1
    if first < 0x80:
        return first, at
    if first >= 0xE0:
        return first - 256, at
    if 0xA0 <= first < 0xC0:
        return data[at:at + first - 0xA0].decode(), at + first - 0xA0
    if 0x80 <= first < 0xA0 or first in (0xDC, 0xDD, 0xDE, 0xDF):
        size = {0xDC: 2, 0xDE: 2, 0xDD: 4, 0xDF: 4}.get(first, 0)
        count = int.from_bytes(data[at:at + size], "big") if size else first & 15
        at += size
        if 0x80 <= first < 0x90 or first in (0xDE, 0xDF):
            result = {}
            for _ in range(count):
                key, at = unpack(data, at)
                result[key], at = unpack(data, at)
            return result, at
        items = []
        for _ in range(count):
            item, at = unpack(data, at)
            items.append(item)
        return items, at
    if first in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[first], at
    if first in (0xD9, 0xDA, 0xDB):
        size = 1 << (first - 0xD9)
        count = int.from_bytes(data[at:at + size], "big")
        return data[at + size:at + size + count].decode(), at + size + count
    kind, size = {0xCC: ("B", 1), 0xCD: (">H", 2), 0xCE: (">I", 4), 0xCF: (">Q", 8), 0xD0: ("b", 1),
                  0xD1: (">h", 2), 0xD2: (">i", 4), 0xD3: (">q", 8), 0xCB: (">d", 8)}[first]
    return struct.unpack(kind, data[at:at + size])[0], at + size


def framed(body):
    return struct.pack(">I", len(body)) + body


def messages():
    got = b""
    while True:
        piece = os.read(0, 65536)
        if not piece:
            return
        got += piece
        while protocol == "mcp" and b"\n" in got:
            line, got = got.split(b"\n", 1)
            yield json.loads(line)
        while protocol == "msgpack" and len(got) >= 4:
            size = int.from_bytes(got[:4], "big")
            if len(got) < 4 + size:
                break
            yield unpack(got[4:4 + size])[0]
            got = got[4 + size:]


def line(message):
    return (json.dumps({"jsonrpc": "2.0", **message}) + "\n").encode()


def result(name, output="fine"):
    if protocol == "mcp":
        return line({"id": name, "result": output})
    return framed(pack({"type": "result", "id": name, "output": output}))


# Unrequested messages, legal and endless.
chatter = line({"method": "notifications/message", "params": {}}) * 1000 if protocol == "mcp" \
    else framed(pack({"type": "pong"})) * 1000
# Bytes that are no message of the protocol.
nonsense = b"Server listening on stdio\n" if protocol == "mcp" else framed(b"\xc1 not MessagePack")

if how == "exit-at-start":
    sys.stderr.write("no licence found\n")
    sys.exit(3)
if how == "never-ready":
    time.sleep(3600)
if how == "nonsense-at-start":
    write(nonsense)
    time.sleep(3600)
if how == "flood-at-start":
    while True:
        write(chatter)
if protocol == "msgpack":
    write(framed(pack({"type": "ready"})))

for message in messages():
    if protocol == "mcp" and message.get("method") == "initialize":
        write(line({"id": message["id"], "result": {
            "protocolVersion": "1999-01-01" if how == "other-version" else message["params"]["protocolVersion"],
            "capabilities": {}, "serverInfo": {"name": "odd", "version": "1"}}}))
        continue
    if protocol == "mcp" and "id" not in message:
        continue
    if message.get("method") == "ping":
        write(line({"id": message["id"], "result": {}}))
        continue
    if message.get("type") == "ping":
        write(framed(pack({"type": "pong"})))
        continue
    if "method" not in message and message.get("type") != "task":
        continue
    name = message["id"]
    if how == "die":
        os.kill(os.getpid(), 9)
    elif how == "hang":
        time.sleep(3600)
    elif how == "nonsense":
        write(nonsense + result(name))
    elif how == "half-and-exit":
        write(result(name)[:-3])
        sys.exit(0)
    elif how == "answer-and-exit":
        write(result(name))
        sys.exit(0)
    elif how == "chatter":
        while True:
            write(chatter)
    elif how == "endless":
        write(b'{"jsonrpc":"2.0","id":1,"result":"' if protocol == "mcp" else struct.pack(">I", 0xFFFFFFFF))
        while True:
            write(b"x" * 65536)
    elif how == "flood-errors":
        while True:
            os.write(2, b"something went wrong again\n" * 2000)
    elif how == "asks-and-never-reads":
        # Each request makes the node answer; nobody reads the answers.
        while True:
            write(line({"id": "x" * 2000, "method": "ping"}) * 50 if protocol == "mcp" else chatter)
    elif how == "wrong-id":
        write(result("nobody" if protocol == "msgpack" else 987654321) + result(name))
    elif how == "twice":
        write(result(name) * 2)
    elif how == "deep":
        deep = []
        for _ in range(200):
            deep = [deep]
        write(result(name, deep))
    elif how == "not-a-value":
        write(framed(b"\x83" + pack("type") + pack("result") + pack("id") + pack(name) + pack("output")
                     + b"\xc1") if protocol == "msgpack"
              else b'{"jsonrpc":"2.0","id":%d,"result":{"a":}}\n' % name)
    elif how == "bytewise":
        for one in result(name):
            os.write(1, bytes([one]))
    else:
        write(result(name))
