#!/usr/bin/env bash
# Links while clang compiles: C files are compiled in parallel, and `wald --await-inputs` is told of each object when it is
# done. Then links again from nothing and compares.
#
#   demo/parallel-clang.sh [FOLDER | FILE…] [-- CLANG OPTIONS…]
#
# Default: demo/src. WALD names the linker (default: built by cargo), CLANG the compiler (default: clang-22, then clang), LIBS
# libraries beside libc. The job `lua` of the corpus, where `cargo xtask corpus lua` has built it:
#
#   work=target/corpus/build; lua=$(echo $work/crate-lua-src-*/vendor/lua-src/lua-5.4.*)
#   LIBS="wasi-emulated-signal wasi-emulated-process-clocks" demo/parallel-clang.sh $work/lua/main.c \
#     $(ls $lua/l*.c | grep -v -e /lua.c -e /luac.c -e /ltests.c) -- -I$PWD/$lua -I$PWD/$work/lua/inc \
#     -include $PWD/$work/lua/inc/stub.h -D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_PROCESS_CLOCKS
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
sources=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  if [ -d "$1" ]; then sources+=("$(realpath "$1")"/*.c); else sources+=("$(realpath "$1")"); fi
  shift
done
shift || true
[ ${#sources[@]} -gt 0 ] || sources=("$root"/demo/src/*.c)
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
for source in "${sources[@]}"; do
  objects+=("$(basename "$source" .c).o")
done
libraries=("$builtins")
for name in ${LIBS:-} m c; do
  libraries+=("$(dirname "$crt")/lib$name.a")
done
# A program with a `_start` of its own brings its own start and its own libc.
if grep -q '\b_start\b' "${sources[@]}"; then
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
printf '%s\0' "${sources[@]}" |
  xargs -0 -P "$(getconf _NPROCESSORS_ONLN)" -I{} bash -c 'compile "$@"' bash {} "$@"
exec 4>&-
wait "$linker"
mv app.wasm awaited.wasm
"$WALD" "${link[@]}"
cmp app.wasm awaited.wasm
echo "linked ${#objects[@]} objects while they were compiled: the same $(stat -c %s app.wasm) bytes as from nothing"
