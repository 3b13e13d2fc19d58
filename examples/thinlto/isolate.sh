#!/bin/sh
# isolate.sh OUTPUT INPUT... -- COMMAND: runs COMMAND in an empty folder, with nothing but copies of the inputs that ninja knows.
# These are INPUT... and what the dyndep file declares for OUTPUT. A remote machine would get the same files.
set -eu

output=$1
shift
inputs=$(sed -n "s,^build $output: dyndep *|*,,p" out/index/imports.dd)
while [ "$1" != -- ]; do
  inputs="$inputs $1"
  shift
done
shift

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
for file in $inputs "$output"; do
  mkdir -p "$folder/$(dirname "$file")"
done
for file in $inputs; do
  cp "$file" "$folder/$file"
done
(cd "$folder" && env -i PATH="$PATH" "$@")
# clang 22 leaves an empty object, and its exit code is 0, if a module to import from is missing.
test -s "$folder/$output"
cp "$folder/$output" "$output"
