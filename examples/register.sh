#!/usr/bin/env bash
# Registers a REST service by its OpenAPI document at a running gateway, as the service itself would when it starts, calls
# one of its operations as a tool, and takes it back.
#
#   examples/register.sh http://localhost:8080 http://order-service.default.svc.cluster.local:8080 /v3/api-docs
#
# TOKEN is the gateway's bearer token, if it asks for one; TOOL and ARGUMENTS say what is called (the first tool, without
# arguments). Needs curl and jq. Stops with status 1 at the first answer that is not as it should be.
set -euo pipefail

gateway=${1:-http://localhost:8080}
endpoint=${2:-http://order-service.default.svc.cluster.local:8080}
manifest=${3:-/v3/api-docs}
auth=()
[ -z "${TOKEN:-}" ] || auth=(-H "Authorization: Bearer $TOKEN")

# expect WHAT FILTER JSON: the jq filter must be true of the JSON
expect() {
  jq -e "$2" >/dev/null <<<"$3" || { echo "FAILED: $1: $2 is not true of $3" >&2; exit 1; }
  echo "ok: $1"
}

# mcp METHOD PARAMS
mcp() {
  curl -sS "${auth[@]}" -X POST "$gateway/mcp/order-service" \
    -H "Content-Type: application/json" -H "Accept: application/json" \
    -d '{"jsonrpc":"2.0","id":1,"method":"'"$1"'","params":'"$2"'}'
}

answer=$(curl -sS "${auth[@]}" -X POST "$gateway/register" -H "Content-Type: application/json" -d '{
  "serviceName": "order-service",
  "endpoint": "'"$endpoint"'",
  "manifestUrl": "'"$manifest"'"
}')
expect "registered" '.name == "order-service" and .status == "connected" and (.tools | length > 0)' "$answer"
tools=$(mcp tools/list '{}')
expect "its operations are tools" '.result.tools | length > 0' "$tools"
tool=${TOOL:-$(jq -r '.result.tools[0].name' <<<"$tools")}
expect "$tool is called" '.result.content | length > 0' \
  "$(mcp tools/call '{"name":"'"$tool"'","arguments":'"${ARGUMENTS:-"{}"}"'}')"
expect "taken back" '.status == "removed"' \
  "$(curl -sS "${auth[@]}" -X DELETE "$gateway/register/order-service")"
echo "all is well"
