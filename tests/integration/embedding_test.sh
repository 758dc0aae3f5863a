#!/usr/bin/env bash
# Installs Greenroom into a folder of its own and builds and runs the embedding example against what
# was installed there. Usage: embedding_test.sh BUILD_DIR
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${1:-$top/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --build "$build" --target greenroom_actors >"$work/actors.log" 2>&1 ||
  { tail -n 20 "$work/actors.log"; exit 1; }
cmake --install "$build" --prefix "$work/prefix" --component Unspecified >/dev/null
# A copy, so that nothing of the source can be found by a relative path.
cp -r "$top/apps/examples/embedding" "$work/service"
generator=()
! command -v ninja >/dev/null || generator=(-G Ninja)
cmake -S "$work/service" -B "$work/build" "${generator[@]}" -DCMAKE_PREFIX_PATH="$work/prefix" \
  -DCMAKE_BUILD_TYPE=Release >"$work/configure.log" 2>&1 || { cat "$work/configure.log"; exit 1; }
cmake --build "$work/build" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
said=$("$work/build/text_service" 2>"$work/errors") || { cat "$work/errors"; exit 1; }
if [ "$said" != '"HELLO" has 5 letters' ]; then
  printf 'embedding: expected \x27"HELLO" has 5 letters\x27, got: %s\n' "$said"
  exit 1
fi
echo "embedding: the example says: $said"
