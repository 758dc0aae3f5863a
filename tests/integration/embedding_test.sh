#!/usr/bin/env bash
# Installs Greenroom into a new folder and builds and runs the embedding examples against the
# installation, static and shared. Usage: embedding_test.sh BUILD_DIR
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${1:-$top/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  printf 'embedding: %s\n' "$*"
  exit 1
}
quietly() { "$@" >"$work/log" 2>&1 || { tail -n 40 "$work/log"; fail "failed: $*"; }; }
# says WHAT COMMAND…
says() {
  local expected=$1 said
  shift
  said=$("$@" 2>"$work/errors") || { cat "$work/errors"; fail "failed: $*"; }
  [ "$said" = "$expected" ] || fail "expected of $1: $expected, got: $said"
}

quietly cmake --build "$build" --target greenroom_actors greenroom_shared
quietly cmake --install "$build" --prefix "$work/prefix" --component Unspecified
quietly cmake --install "$build" --prefix "$work/prefix" --component shared

# Every installed header belongs to the library, is below one folder, and compiles alone.
[ "$(ls "$work/prefix/include")" = greenroom ] || fail "headers beside include/greenroom"
internal=$(grep -rlE 'actors/|runtime/|alignas\(64\)|caf::detail' "$work/prefix/include" || true)
[ -z "$internal" ] || fail "internals are installed: $internal"
for header in $(cd "$work/prefix/include" && find greenroom -name '*.hpp' | sort); do
  echo "#include <$header>" >"$work/alone.cpp"
  quietly "${CXX:-c++}" -std=c++20 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
    -fsyntax-only -I "$work/prefix/include" "$work/alone.cpp"
done

# A copy, so that no relative path leads into the source tree.
cp -r "$top/apps/examples/embedding" "$work/service"
generator=()
! command -v ninja >/dev/null || generator=(-G Ninja)
actors='shout: "HELLO"
shuot: refused, nearest is shout
tell: one 
tell: two 
tell: three 
tell: 3 pieces
wait: cancelled'
for shared in OFF ON; do
  quietly cmake -S "$work/service" -B "$work/build-$shared" "${generator[@]}" \
    -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release -DSERVICE_SHARED=$shared
  quietly cmake --build "$work/build-$shared"
  says '"HELLO" has 5 letters' "$work/build-$shared/text_service"
  says "$actors" "$work/build-$shared/actor_service"
done
# Only the shared build needs libgreenroom.so, which exports only its own names.
! ldd "$work/build-OFF/text_service" | grep -q libgreenroom || fail "static needs libgreenroom.so"
linked=$(ldd "$work/build-ON/text_service")
case $linked in *"$work/prefix/"*libgreenroom*) ;; *) fail "not shared: $linked" ;; esac
library=$(find "$work/prefix" -name libgreenroom.so)
foreign=$(nm -DC --defined-only "$library" | grep -v 'greenroom::' | head -n 3 || true)
[ -z "$foreign" ] || fail "libgreenroom.so shows: $foreign"
echo "embedding: both examples say what they should, static and shared"
