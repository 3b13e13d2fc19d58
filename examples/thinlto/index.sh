#!/bin/sh
# index.sh LINK-ARGUMENTS: writes out/index. A file is only replaced if its contents change, so that ninja compiles only what it must.
#   MODULE.thinlto.bc   the index from which MODULE is compiled
#   MODULE.imports      the modules from which it imports
#   imports.dd          the same for ninja
#   list                the objects for the last link, in order
set -eu

new=out/index.new
rm -rf "$new"
mkdir -p "$new" out/index
"${WALD:-wald}" "$@" --thinlto-index-only="$new/list" --thinlto-emit-imports-files \
  --thinlto-prefix-replace="out/bitcode/;$new/;out/native/"

echo 'ninja_dyndep_version = 1' >"$new/imports.dd"
for file in "$new"/*.imports; do
  module=$(basename "$file" .imports)
  imports=$(tr '\n' ' ' <"$file")
  echo "build out/native/$module: dyndep${imports:+ | $imports}" >>"$new/imports.dd"
done

for file in "$new"/*; do
  kept=out/index/${file##*/}
  cmp -s "$file" "$kept" || cp "$file" "$kept"
done
rm -rf "$new"
