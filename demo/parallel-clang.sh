#!/usr/bin/env bash
# Links while clang compiles: all C files of a folder are compiled in parallel, and `wald --await-inputs` is told of each object
# when it is done. Then links again from nothing and compares.
#
#   demo/parallel-clang.sh [FOLDER [CLANG OPTIONS…]]
#
# Default: demo/src. WALD names the linker (default: built by cargo), CLANG the compiler (default: clang-22, then clang).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(cd "${1:-$root/demo/src}" && pwd)
shift || true
clang=${CLANG:-$(command -v clang-22 || command -v clang)}
if [ -z "${WALD:-}" ]; then
  (cd "$root" && cargo build --quiet --release -p wald-cli)
  WALD=${CARGO_TARGET_DIR:-$root/target}/release/wald
fi
target="--target=wasm32-wasi -Wno-deprecated"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# What the driver adds to a link.
crt=$($clang $target -print-file-name=crt1-command.o)
builtins=$($clang $target -print-libgcc-file-name)
objects=()
for source in "$folder"/*.c; do
  objects+=("$(basename "$source" .c).o")
done
libraries=("$builtins" "$(dirname "$crt")/libc.a")
# A program with a `_start` of its own brings its own start and its own libc.
if grep -q '\b_start\b' "$folder"/*.c; then
  start=() libraries=()
else
  start=("$crt")
fi
link=(-o app.wasm "${start[@]}" "${objects[@]}" "${libraries[@]}")

cd "$out"
mkfifo ready
"$WALD" --await-inputs --ready-fd=3 "${link[@]}" 3<ready &
linker=$!
exec 4>ready
for input in "${start[@]}" "${libraries[@]}"; do echo "$input" >&4; done
compile() { # one source: clang writes the object under another name and renames it, then we say so
  local object
  object=$(basename "$1" .c).o
  $clang $target -O2 "${@:2}" -c "$1" -o "$object" && echo "$object" >&4
}
export -f compile
export clang target
printf '%s\0' "$folder"/*.c |
  xargs -0 -P "$(getconf _NPROCESSORS_ONLN)" -I{} bash -c 'compile "$@"' bash {} "$@"
exec 4>&-
wait "$linker"
mv app.wasm awaited.wasm
"$WALD" "${link[@]}"
cmp app.wasm awaited.wasm
echo "linked ${#objects[@]} objects while they were compiled: the same $(stat -c %s app.wasm) bytes as from nothing"
