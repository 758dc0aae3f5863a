#!/usr/bin/env bash
# The official conformance suite of the Model Context Protocol against /mcp/fixture, in both of its
# requirement sets: once with everything warm, and once with one warm slot that another specialist
# takes between any two scenarios. Usage: conformance.sh BUILD_DIR, or conformance.sh --url URL for
# the first round against another server. Exit code 77 (skipped) where npm installs nothing.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
revisions=(2025-11-25 2026-07-28)
declare -A wanted=([2025-11-25]=30 [2026-07-28]=37)
work=$(mktemp -d)
node=
stop() {
  [ -z "$node" ] || { kill "$node" && wait "$node"; } 2>/dev/null
  node=
}
trap 'stop; rm -rf "$work"' EXIT
say() { echo "mcp-conformance: $*"; }
fail() {
  say "$*"
  tail -n 20 "$work/node.log" 2>/dev/null
  exit 1
}
url=
if [ "${1:-}" = --url ]; then url=${2:?a URL}; else build=$(realpath "${1:-$here/../../../build}"); fi

for tool in npm node; do
  command -v "$tool" >/dev/null || { say "skipped, there is no $tool here"; exit 77; }
done
# Kept from one run to the next. The suite needs a Node of its own; what Debian has is older.
judge=${MCP_JUDGE:-${build:-$work}/npm/mcp-conformance}
[ -w "${HOME:-/nowhere}" ] || export npm_config_cache=$work/npm
suite() { "$judge/node_modules/.bin/node" "$judge/node_modules/@modelcontextprotocol/conformance/dist/index.js" "$@"; }
if ! suite --version >/dev/null 2>&1; then
  mkdir -p "$judge"
  if ! timeout 300 npm install --prefix "$judge" --no-audit --no-fund --loglevel=error \
      @modelcontextprotocol/conformance@0.2.0-alpha.12 node@22 >"$work/npm.log" 2>&1 ||
    ! suite --version >/dev/null 2>&1; then
    say "skipped, npm cannot install the suite: $(tail -n 1 "$work/npm.log")"
    exit 77
  fi
fi
cd "$work" || exit 1 # The suite leaves its results where it runs.

# required REVISION: the scenarios for servers, one a line.
required() {
  suite list --requirements "$1" | awk '/^Server scenarios/ { on = 1; next } /^[^ ]/ { on = 0 } on && $1 == "-" { print $2 }'
}
# serve OPTION…
serve() {
  cd "$here" || exit 1
  "$build/bin/greenroom" serve --config greenroom.yaml --listen 127.0.0.1:0 --data "$work/data" "$@" \
    >"$work/said" 2>"$work/node.log" &
  node=$!
  cd "$work" || exit 1
  local i
  for i in $(seq 100); do
    grep -q 'listening on' "$work/said" && break
    kill -0 "$node" 2>/dev/null || fail "the node does not start"
    sleep 0.1
  done
  GREENROOM_NODE=$(sed -n 's/.*listening on //p' "$work/said")
  [ -n "$GREENROOM_NODE" ] || fail "the node does not listen"
  export GREENROOM_NODE
  url=$GREENROOM_NODE/mcp/fixture
}
bad=0
# count REVISION ROUND PASSED: says and remembers it.
count() {
  say "$1, $2: $3 of ${wanted[$1]}"
  [ "$3" = "${wanted[$1]}" ] || bad=1
}

[ -n "$url" ] || serve
for revision in "${revisions[@]}"; do
  timeout 600 bash -c "$(declare -f suite); judge=$judge; suite server --url $url --requirements $revision" >"$work/$revision.log" 2>&1
  passed=0
  for scenario in $(required "$revision"); do
    if grep -q "^✓ $scenario:" "$work/$revision.log"; then
      passed=$((passed + 1))
    else
      sed -n "/^=== Running scenario: $scenario ===/,/^=== Running/p" "$work/$revision.log" | head -n 40
      say "$revision: $scenario failed"
    fi
  done
  count "$revision" warm "$passed"
done
[ -n "${build:-}" ] || exit "$bad"
stop

serve --set pool.max_warm=1
for revision in "${revisions[@]}"; do
  passed=0
  for scenario in $(required "$revision"); do
    "$build/bin/greenroom" submit other '{"tool":"echo","arguments":{"text":"mine"}}' --timeout 30s >/dev/null ||
      fail "the other specialist does not answer"
    if suite server --url "$url" --scenario "$scenario" --spec-version "$revision" >"$work/one.log" 2>&1; then
      passed=$((passed + 1))
    else
      tail -n 20 "$work/one.log"
      say "$revision, one slot: $scenario failed"
    fi
  done
  count "$revision" "one slot" "$passed"
done
exit "$bad"
