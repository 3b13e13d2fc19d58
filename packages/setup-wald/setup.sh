#!/usr/bin/env bash
# What the action setup-wald runs: downloads the tarball of a release, compares its checksum, unpacks it, and puts it on the path of
# later steps. Its inputs are the variables WALD_… that action.yml sets.
set -euo pipefail

fail() {
  echo "::error title=setup-wald::$1"
  exit 1
}

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) target=x86_64-unknown-linux-gnu ;;
  Linux-aarch64) target=aarch64-unknown-linux-gnu ;;
  Darwin-x86_64) target=x86_64-apple-darwin ;;
  Darwin-arm64) target=aarch64-apple-darwin ;;
  *) fail "there is no Wald for $(uname -s) on $(uname -m)" ;;
esac

version=${WALD_VERSION#v}
case "$version" in
  '' | *[!0-9A-Za-z.+-]*) fail "not a version: $WALD_VERSION" ;;
esac

# A composite action is not told its repository. The runner keeps the action in …/_actions/OWNER/NAME/REF.
repository=${WALD_REPOSITORY:-}
if [ -z "$repository" ]; then
  case "$GITHUB_ACTION_PATH" in
    */_actions/*/*/*) repository=$(printf '%s' "${GITHUB_ACTION_PATH##*/_actions/}" | cut -d/ -f1-2) ;;
    *) repository=${GITHUB_REPOSITORY:-} ;;
  esac
fi
url=${WALD_URL:-${GITHUB_SERVER_URL:-https://github.com}/$repository/releases/download/v$version}

name=wald-$version-$target
folder=${RUNNER_TOOL_CACHE:-$HOME/.cache}/wald/$version
download=$(mktemp -d)
trap 'rm -rf "$download"' EXIT

get() {
  curl --fail --silent --show-error --location --retry 3 --output "$download/$1" "$url/$1" || fail "cannot download $url/$1"
}

get "$name.tar.gz"
wanted=${WALD_SHA256:-}
if [ -z "$wanted" ]; then
  get "$name.tar.gz.sha256"
  wanted=$(cut -d' ' -f1 "$download/$name.tar.gz.sha256")
fi
if command -v sha256sum >/dev/null; then
  found=$(sha256sum <"$download/$name.tar.gz")
else
  found=$(shasum -a 256 <"$download/$name.tar.gz")
fi
found=${found%% *}
[ "$found" = "$wanted" ] || fail "$name.tar.gz has the checksum $found, not $wanted"

mkdir -p "$folder"
tar -xzf "$download/$name.tar.gz" -C "$folder"
program=$folder/$name/bin/wald
if [ "${WALD_MAKE_DEFAULT:-true}" = true ]; then
  bin=$folder/$name/bin
  # clang searches these folders before its own, in which there may be another wasm-ld.
  echo "COMPILER_PATH=$bin${COMPILER_PATH:+:$COMPILER_PATH}" >>"$GITHUB_ENV"
else
  # A folder without the names of wasm-ld.
  bin=$folder/$name/only
  mkdir -p "$bin"
  cp "$program" "$bin"
fi
echo "$bin" >>"$GITHUB_PATH"
echo "path=$program" >>"$GITHUB_OUTPUT"
"$program" --version
