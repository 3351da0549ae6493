#!/usr/bin/env bash
# Runs the three example clients of the client-management API against a running gateway and an MCP server that has a tool
# named search.
#
#   examples/client-api/run.sh http://localhost:8080 http://localhost:3000/mcp
#
# The examples are run as they stand, but for the two addresses; CURL_ONLY=1 leaves it at the first. Needs curl and jq; the other two run where there is a go,
# and a python3 with httpx. Stops with status 1 at the first one that fails.
set -euo pipefail

gateway=${1:-http://localhost:8080} server=${2:-http://localhost:3000/mcp}
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for example in client.sh client.py main.go; do
  sed -e "s|http://localhost:8080|$gateway|g" -e "s|http://localhost:3000/mcp|$server|g" \
    "$here/$example" >"$scratch/$example"
done
cd "$scratch"

# answered WHAT JSON…: each must be one answer with a status that is no error
answered() {
  local what=$1
  shift
  for json in "$@"; do
    jq -e '.status == "success" or .status == "connected" or .status == "disconnected"' >/dev/null <<<"$json" ||
      { echo "FAILED: $what: $json" >&2; exit 1; }
  done
  echo "ok: $what"
}

bash -e client.sh >curl.out 2>/dev/null
mapfile -t answers < <(jq -c . curl.out)
[ "${#answers[@]}" = 3 ] || { echo "FAILED: curl gave ${#answers[@]} answers instead of 3" >&2; exit 1; }
answered curl "${answers[@]}"

if [ -n "${CURL_ONLY:-}" ]; then
  echo "all is well"
  exit 0
fi

if command -v go >/dev/null; then
  said=$(GO111MODULE=off go run main.go)
  [[ $said =~ ^Connected\ with\ client\ ID:\ [0-9a-f-]{36}$ ]] || { echo "FAILED: go said: $said" >&2; exit 1; }
  echo "ok: go"
else
  echo "left out: go, which is not on the PATH"
fi

if python3 -c 'import httpx' 2>/dev/null; then
  python3 client.py || { echo "FAILED: python" >&2; exit 1; }
  echo "ok: python"
else
  echo "left out: python, which lacks httpx"
fi
echo "all is well"
