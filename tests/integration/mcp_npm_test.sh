#!/usr/bin/env bash
# Four unmodified MCP servers from npm behind one node with two warm slots. Usage:
# mcp_npm_test.sh BUILD_DIR. Exit code 77 (skipped) where npm is missing or cannot install.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(realpath "${1:-$top/build}")
greenroom=$build/bin/greenroom
work=$(mktemp -d)
node_pid=
cleanup() {
  [ -z "$node_pid" ] || { kill "$node_pid" 2>/dev/null && wait "$node_pid" 2>/dev/null; } || true
  rm -rf "$work"
}
trap cleanup EXIT
# npm caches downloads in the home folder, where that is writable.
[ -w "${HOME:-/nowhere}" ] || export npm_config_cache=$work/npm

for tool in npm node python3; do
  command -v "$tool" >/dev/null || { echo "mcp-npm: skipped, there is no $tool here"; exit 77; }
done
cp "$top"/apps/examples/mcp-servers/{package.json,greenroom.yaml} "$work"
cd "$work"
if ! timeout 300 npm install --no-audit --no-fund --loglevel=error >npm.log 2>&1; then
  echo "mcp-npm: skipped, npm cannot install the servers: $(tail -n 1 npm.log)"
  exit 77
fi

# One server behind npx, as most people start one.
sed 's|command: \[node, node_modules/@modelcontextprotocol/server-memory/dist/index.js\]|command: [npx, --no-install, mcp-server-memory]|' \
  greenroom.yaml >wrapped.yaml
grep -q npx wrapped.yaml || { echo "mcp-npm: the example has changed"; exit 1; }
export GREENROOM_NODE
serve() {
  "$greenroom" serve --config wrapped.yaml --listen 127.0.0.1:0 >out 2>err &
  node_pid=$!
  for _ in $(seq 100); do grep -q listening out && break; kill -0 "$node_pid" || { cat err; exit 1; }; sleep 0.1; done
  GREENROOM_NODE=$(sed -n 's/.*listening on //p' out)
  [ -n "$GREENROOM_NODE" ] || { echo "mcp-npm: the node never listened"; cat err; exit 1; }
}
serve

fail() { echo "mcp-npm: $*"; tail -n 20 err; exit 1; }
warm_most=0
count_warm() {
  local now
  now=$("$greenroom" specialists --json | python3 -c '
import json, sys
print(sum(s["state"] in ("warming", "warm", "busy", "cooling") for s in json.load(sys.stdin)["items"]))')
  [ "$now" -le 2 ] || fail "$now servers are up, with two slots"
  [ "$now" -le "$warm_most" ] || warm_most=$now
}
# ask SERVER INPUT PATTERN: the answer has the pattern in it.
ask() {
  local answer
  answer=$("$greenroom" submit "$1" "$2" --timeout 60s) || fail "$1 did not answer $2"
  grep -q "$3" <<<"$answer" || fail "$1 answered $2 with: ${answer:0:400}"
  count_warm
}

list='{"method":"tools/list","params":{}}'
ask everything "$list" '"echo"'
ask everything '{"tool":"echo","arguments":{"message":"hello"}}' hello
ask filesystem "$list" read
ask filesystem '{"tool":"list_directory","arguments":{"path":"."}}' package.json
ask memory "$list" create_entities
ask memory '{"tool":"read_graph","arguments":{}}' entities
ask sequential-thinking "$list" sequentialthinking
ask sequential-thinking \
  '{"tool":"sequentialthinking","arguments":{"thought":"one","nextThoughtNeeded":false,"thoughtNumber":1,"totalThoughts":1}}' \
  thoughtNumber
ask everything '{"tool":"echo","arguments":{"message":"again"}}' again
[ "$warm_most" -ge 1 ] || fail "no server was ever seen up"

# A cancelled call costs the server neither its process nor its state.
pid_of() {
  "$greenroom" specialists --json | python3 -c '
import json, sys
print(next(s["pid"] for s in json.load(sys.stdin)["items"] if s["name"] == sys.argv[1]))' "$1"
}
before=$(pid_of everything)
if "$greenroom" submit everything --timeout 1s \
  '{"tool":"trigger-long-running-operation","arguments":{"duration":15,"steps":15}}' >/dev/null 2>&1; then
  fail "an operation of 15 s was over within 1 s"
fi
ask everything '{"tool":"echo","arguments":{"message":"still here"}}' 'still here'
[ "$(pid_of everything)" = "$before" ] || fail "a call that ran out of time ended its server"

# No server outlives a node that is killed, not even the server behind npx.
ask memory '{"tool":"read_graph","arguments":{}}' entities
servers() {
  local one
  for one in /proc/[0-9]*; do
    [ "$(readlink "$one/cwd" 2>/dev/null)" = "$work" ] || continue
    case $(readlink "$one/exe" 2>/dev/null) in */node* | */dash) basename "$one" ;; esac
  done
}
[ "$(servers | wc -l)" -ge 2 ] || fail "the server behind npx is not to be seen"
kill -KILL "$node_pid"
wait "$node_pid" 2>/dev/null || true
for _ in $(seq 100); do [ -n "$(servers)" ] || break; sleep 0.1; done
[ -z "$(servers)" ] || fail "left by the node that was killed: $(servers | xargs ps -o pid,args -p)"
serve
ask memory "$list" create_entities

kill -TERM "$node_pid"
wait "$node_pid" || fail "the node ended with $?"
node_pid=
echo "mcp-npm: four servers answered from at most $warm_most warm slots"
