#!/usr/bin/env bash
# A real Prometheus scrapes a live node: every metric of the dashboard's table arrives, the recording
# rules give a health score, and a rollback fires its alert. Usage: prometheus_test.sh BUILD_DIR.
# Exit code 77 (skipped) where Prometheus is not installed.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(realpath "${1:-$top/build}")
greenroom=$build/bin/greenroom
work=$(mktemp -d)
node_pid= prometheus_pid=
cleanup() {
  local one
  for one in $prometheus_pid $node_pid; do kill "$one" 2>/dev/null && wait "$one" 2>/dev/null; done || true
  rm -rf "$work"
}
trap cleanup EXIT
for tool in prometheus curl python3; do
  command -v "$tool" >/dev/null || { echo "prometheus: skipped, $tool is not installed"; exit 77; }
done
cd "$work"
fail() { echo "prometheus: $*"; tail -n 15 node.err prometheus.err 2>/dev/null; exit 1; }
# until SECONDS COMMAND…: repeats the command until it succeeds; a machine may be busy.
until_true() {
  local end=$((SECONDS + $1)); shift
  until "$@"; do [ "$SECONDS" -lt "$end" ] || return 1; sleep 0.2; done
}

cat >node.yaml <<YAML
version: 1
data_dir: $work/data
health_interval: 1s
pool: { mode: baseline, max_warm: 1 }
commands: { say: { specialist: parrot } }
departments:
  - name: BIRDS
    specialists:
      - name: parrot
        backend: { kind: process, command: [python3, -S, -E, $top/tests/integration/support/pool_worker.py, $work] }
YAML
: >node.out
"$greenroom" serve --config node.yaml --listen 127.0.0.1:0 >node.out 2>node.err &
node_pid=$!
until_true 60 grep -q listening node.out || fail "the node never listened"
GREENROOM_NODE=$(sed -n 's/.*listening on //p' node.out)
export GREENROOM_NODE
"$greenroom" submit parrot '"hello"' >/dev/null || fail "the node does not answer"

# The shipped configuration, with this node as its target and shorter intervals.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cp "$top"/config/prometheus/{recording,alerts}.yml .
sed -i 's/interval: 15s/interval: 1s/' recording.yml
sed -e 's/15s/1s/' -e "s/127.0.0.1:7117/${GREENROOM_NODE#http://}/" \
  "$top/config/prometheus/prometheus.yml" >prometheus.yml
prometheus --config.file=prometheus.yml --storage.tsdb.path="$work/tsdb" \
  --web.listen-address="127.0.0.1:$port" >prometheus.out 2>prometheus.err &
prometheus_pid=$!

ask() { curl -sS --get "http://127.0.0.1:$port/api/v1/$1" "${@:2}" 2>/dev/null || true; }
# value QUERY: the value of the first series, or nothing.
value() {
  ask query --data-urlencode "query=$1" | python3 -c '
import json, sys
try:
    found = json.load(sys.stdin)["data"]["result"]
except (ValueError, KeyError):
    found = []
print(found[0]["value"][1] if found else "")'
}
is() { [ "$(value "$1")" = "$2" ]; }
has() { [ -n "$(value "$1")" ]; }

until_true 60 is 'up{job="greenroom"}' 1 || fail "Prometheus does not scrape the node"
until_true 60 has 'greenroom:health_score' || fail "the recording rules give no health score"
for metric in greenroom_uptime_seconds greenroom_specialists greenroom_tasks_accepted_total \
  greenroom_worker_memory_bytes greenroom_queue_depth greenroom_rollout_phase greenroom_tasks_lost; do
  until_true 30 has "$metric" || fail "$metric was not scraped"
done
is 'greenroom_tasks_lost' 0 || fail "tasks are lost"
firing() {
  ask alerts | python3 -c '
import json, sys
try:
    alerts = json.load(sys.stdin)["data"]["alerts"]
except (ValueError, KeyError):
    alerts = []
sys.exit(0 if any(a["labels"]["alertname"] == sys.argv[1] and a["state"] == "firing"
                  for a in alerts) else 1)' "$1"
}
firing GreenroomRollbackTriggered && fail "an alert fires before there was a rollback"
"$greenroom" rollback --reason "the test says so" >rollback.out || fail "no rollback: $(cat rollback.out)"
until_true 60 firing GreenroomRollbackTriggered || fail "the rollback fired no alert"
until_true 60 has 'greenroom_rollback_duration_seconds' || fail "the rollback's duration was not scraped"
# A missing node raises an alert: pending at once, firing after 30 s.
kill -KILL "$node_pid"; wait "$node_pid" 2>/dev/null || true; node_pid=
until_true 60 is 'up{job="greenroom"}' 0 || fail "Prometheus did not notice that the node is gone"
until_true 90 firing GreenroomDown || fail "GreenroomDown did not fire"
echo "prometheus: scraped, recorded and alerted"
