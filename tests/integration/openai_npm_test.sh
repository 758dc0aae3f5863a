#!/usr/bin/env bash
# OpenAI's own client library from npm against a node. Usage: openai_npm_test.sh BUILD_DIR.
# Exit code 77 (skipped) where npm is missing or cannot install.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${1:-$top/build}
build=$(cd "$build" && pwd)
place=$build/openai-npm
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
  command -v "$tool" >/dev/null || { echo "openai: skipped, there is no $tool here"; exit 77; }
done
mkdir -p "$place"
cp "$top"/tests/integration/openai/{package.json,conformance.mjs,server.mjs} "$place"
cd "$place"
if [ ! -d node_modules/openai ] \
    && ! timeout 300 npm install --no-audit --no-fund --loglevel=error >npm.log 2>&1; then
  echo "openai: skipped, npm cannot install the library: $(tail -n 1 npm.log)"
  exit 77
fi

cat >"$work/greenroom.yaml" <<YAML
version: 1
data_dir: $work/data
# Two tests kill the worker, also in the middle of a stream, which counts as failures.
breaker: { failures: 1000 }
departments:
  - name: VOICES
    specialists:
      - name: talker
        backend:
          kind: process
          protocol: jsonl
          command: [python3, $top/tests/integration/openai/worker.py]
          task_timeout: 20s
YAML
cat >"$work/server.yaml" <<YAML
version: 1
data_dir: $work/server-data
breaker: { failures: 1000 }
departments:
  - name: MODELS
    specialists:
      - name: qwen
        aliases: ["Qwen/Qwen2.5-7B:latest"]
        backend:
          kind: http
          url: "http://127.0.0.1:\${PORT}/v1"
          path: /chat/completions
          command: [python3, $top/tests/integration/openai/model_server.py, "\${PORT}"]
          concurrency: 4
          task_timeout: 20s
YAML
drive() {  # CONFIGURATION SCRIPT
  "$build/bin/greenroom" serve --config "$1" --listen 127.0.0.1:0 \
    >"$work/out" 2>"$work/err" &
  node_pid=$!
  for _ in $(seq 200); do
    grep -q listening "$work/out" && break
    kill -0 "$node_pid" 2>/dev/null || { cat "$work/err"; exit 1; }
    sleep 0.1
  done
  GREENROOM_NODE=$(sed -n 's/.*listening on //p' "$work/out")
  [ -n "$GREENROOM_NODE" ] || { echo "openai: the node never listened"; cat "$work/err"; exit 1; }
  export GREENROOM_NODE
  node --test "$2" || { tail -n 20 "$work/err"; exit 1; }
  kill "$node_pid" && wait "$node_pid" || true
  node_pid=
}
drive "$work/greenroom.yaml" conformance.mjs
drive "$work/server.yaml" server.mjs
echo "openai: passed"
