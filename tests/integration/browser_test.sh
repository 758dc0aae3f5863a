#!/usr/bin/env bash
# A real browser: a page of another origin can do nothing with a node, by any kind of request; a page
# of an origin in access.origins can; and a foreign name that resolves to the node (DNS rebinding) is
# refused. Usage: browser_test.sh BUILD_DIR
set -uo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${1:-$top/build}
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ]; then
  echo "browser: there is no Chromium (Debian: apt-get install chromium)"
  exit 77
fi
work=$(mktemp -d)
node= pages= running=
stop() {
  for pid in $running $node $pages; do kill "$pid" 2>/dev/null; done
  wait 2>/dev/null
  rm -rf "$work"
}
trap stop EXIT
fail() {
  echo "browser: $*"
  tail -n 5 "$work/node.log" 2>/dev/null
  exit 1
}
# within SECONDS COMMAND…
within() {
  local left=$(($1 * 10)); shift
  until "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.1
  done
}

python3 "$top/tests/integration/support/page_server.py" "$work" &
pages=$!
within 30 test -s "$work/page_port" || fail "the page server does not start"
page_port=$(cat "$work/page_port")

cat >"$work/note.py" <<PYTHON
import json, sys
print(json.dumps({"type": "ready"}), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "ping":
        print(json.dumps({"type": "pong"}), flush=True)
    if message["type"] == "task":
        with open("$work/notes", "a") as notes:
            notes.write(json.dumps(message["input"]) + "\n")
        print(json.dumps({"type": "result", "id": message["id"], "output": "noted"}), flush=True)
PYTHON
cat >"$work/node.yaml" <<YAML
version: 1
access: { origins: ["http://app.test:$page_port"] }
departments:
  - name: NOTES
    specialists:
      - { name: note, backend: { kind: process, protocol: jsonl, command: [python3, $work/note.py] } }
      - { name: other, backend: { kind: process, protocol: jsonl, command: [python3, $work/note.py] } }
YAML
"$build/bin/greenroom" serve --config "$work/node.yaml" --listen 127.0.0.1:0 --data "$work/data" \
  >"$work/said" 2>"$work/node.log" &
node=$!
within 60 grep -q 'listening on' "$work/said" || fail "the node does not start"
address=$(sed -n 's/.*listening on //p' "$work/said")
port=${address##*:}

# browse ARG…: works as root, too; the tests' names resolve to this machine. Always in a subshell, which becomes
# the browser, so that ending the subshell ends the browser.
browse() {
  exec "$browser" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --user-data-dir="$work/profile-$RANDOM" \
    --host-resolver-rules="MAP *.test 127.0.0.1" "$@" 2>>"$work/browser.log"
}
# visit NAME: opens the page under that name and waits until the page has reported every result.
visit() {
  browse "http://$1:$page_port/?node=http://127.0.0.1:$port" >/dev/null &
  running=$!
  within 180 test -s "$work/$1.json" || fail "the page of $1 does not come to its end"
  kill "$running" 2>/dev/null
  wait "$running" 2>/dev/null
  running=
}

visit evil.test
python3 - "$work/evil.test.json" <<'PYTHON' || fail "a page of another origin: $(cat "$work/evil.test.json")"
import json, sys
found = json.load(open(sys.argv[1]))
for way in ("status", "json_task", "chat", "events"):
    assert found[way] == "refused", way
for way in ("plain_task", "plain_rollback", "plain_warm"):
    assert found[way] == "opaque", way  # It was sent, and the page may not read the answer.
PYTHON
[ ! -e "$work/notes" ] || fail "a page of another origin had a task run: $(cat "$work/notes")"
curl -sf "$address/v1/rollbacks" | grep -q '"items":\[\]' || fail "a page of another origin rolled back"
curl -sf "$address/v1/specialists/other" | grep -q '"state":"cold"' ||
  fail "a page of another origin started a worker"

# A foreign name that resolves to the node: the browser gets the refusal.
shown=$(browse --timeout=20000 --dump-dom "http://rebind.test:$port/v1/specialists")
case $shown in
  *host-not-allowed*) ;;
  *) fail "a rebound name got: $shown" ;;
esac

visit app.test
python3 - "$work/app.test.json" <<'PYTHON' || fail "the page that may ask: $(cat "$work/app.test.json")"
import json, sys
found = json.load(open(sys.argv[1]))
for way in ("status", "json_task", "chat"):
    assert found[way].startswith("200 "), way
assert '"noted"' in found["json_task"]
assert found["events"] == "open"
PYTHON
# Only JSON is accepted: the page's plain text and its beacon were refused.
[ "$(wc -l <"$work/notes")" = 2 ] || fail "the page that may ask had these run: $(cat "$work/notes")"
[ "$(grep -c app.test "$work/notes")" = 2 ] || fail "somebody else's task ran: $(cat "$work/notes")"
echo "browser: $("$browser" --version 2>/dev/null | head -n 1): another origin is shut out, the listed one is not"
