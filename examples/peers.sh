#!/usr/bin/env bash
# Makes two running gateways each other's peers, looks at them, calls a tool through one of them, and takes it all back.
#
#   examples/peers.sh http://localhost:8001 http://localhost:8002
#
# TOKEN_1 and TOKEN_2 are their bearer tokens, if they ask for any. Needs curl and jq. Says what it does and stops with
# status 1 at the first answer that is not as it should be.
set -euo pipefail

one=${1:?the URL of a gateway} two=${2:?the URL of another}
auth_1=() auth_2=()
[ -z "${TOKEN_1:-}" ] || auth_1=(-H "Authorization: Bearer $TOKEN_1")
[ -z "${TOKEN_2:-}" ] || auth_2=(-H "Authorization: Bearer $TOKEN_2")

# expect WHAT FILTER JSON: the jq filter must be true of the JSON
expect() {
  if ! jq -e "$2" >/dev/null <<<"$3"; then
    echo "FAILED: $1: $2 is not true of" >&2
    echo "$3" >&2
    exit 1
  fi
  echo "ok: $1"
}

# 1. Both are there
expect "health of the first" '.success and .data.status == "healthy"
   and (.data.environment | length > 0) and (.data.version | length > 0)' \
  "$(curl -sS "$one/health")"
expect "health of the second" '.success and .data.status == "healthy"' "$(curl -sS "$two/health")"

# 2. A peer that is not there is refused with the reason, and leaves nothing behind
answer=$(curl -sS -w '\n%{http_code}' "${auth_1[@]}" -X POST "$one/api/v1/mcp/peers" \
  -H "Content-Type: application/json" \
  -d '{
    "peer_name": "nobody",
    "peer_url": "http://127.0.0.1:1/mcp"
  }')
expect "unreachable peer: 502" '. == 502' "${answer##*$'\n'}"
expect "unreachable peer: why" '.detail | test("Failed to add peer node: connection refused")' "${answer%$'\n'*}"
expect "nothing is left" '.data.peers == [] and .message == "Found 0 peer node(s)"' \
  "$(curl -sS "${auth_1[@]}" "$one/api/v1/mcp/peers")"

# 3. Each becomes the other's peer
expect "first connects to second" \
  '.success and .data.success and .data.peer_name == "node-2" and .data.function_count > 0
   and .data.message == "Peer node '"'node-2'"' added successfully" and .message == "Peer node '"'node-2'"' connected"' \
  "$(curl -sS "${auth_1[@]}" -X POST "$one/api/v1/mcp/peers" \
    -H "Content-Type: application/json" \
    -d '{
      "peer_name": "node-2",
      "peer_url": "'"$two"'/mcp",
      "auth_token": '"$([ -z "${TOKEN_2:-}" ] && echo null || echo "\"$TOKEN_2\"")"'
    }')"
expect "second connects to first" '.success and .data.peer_name == "node-1"' \
  "$(curl -sS "${auth_2[@]}" -X POST "$two/api/v1/mcp/peers" \
    -H "Content-Type: application/json" \
    -d '{
      "peer_name": "node-1",
      "peer_url": "'"$one"'/mcp",
      "auth_token": '"$([ -z "${TOKEN_1:-}" ] && echo null || echo "\"$TOKEN_1\"")"'
    }')"

# 4. It is listed
peers=$(curl -sS "${auth_1[@]}" "$one/api/v1/mcp/peers")
expect "peers of the first" \
  '.success and .message == "Found 1 peer node(s)" and (.data.peers[0] |
   .name == "node-2" and .connected and .function_count > 0 and .url == "'"$two"'/mcp"
   and .description == "Peer node at '"$two"'/mcp")' "$peers"
expect "servers of the first" '.data.servers[] | select(.name=="node-2") | .connected' \
  "$(curl -sS "${auth_1[@]}" "$one/api/v1/mcp/servers")"
expect "what the peer offers" '.data.functions | index("list_mcp_servers") != null' \
  "$(curl -sS "${auth_1[@]}" "$one/api/v1/mcp/servers/node-2")"

# 5. Its tools can be called and its resources read, at its own mount and under its name on /mcp
# ask PATH METHOD PARAMS: an MCP request to the first
ask() {
  curl -sS "${auth_1[@]}" -X POST "$one$1" \
    -H "Content-Type: application/json" -H "Accept: application/json" \
    -d '{"jsonrpc":"2.0","id":1,"method":"'"$2"'","params":'"$3"'}'
}
# tool PATH NAME ARGUMENTS FILTER: what the tool says must make the jq filter true
tool() {
  expect "$2 at $1" '.result.isError != true and (.result.content[0].text | fromjson | '"$4"')' \
    "$(ask "$1" tools/call '{"name":"'"$2"'","arguments":'"$3"'}')"
}
tool /mcp/node-2 list_mcp_servers '{}' 'any(.servers[]; .name == "node-1")'
tool /mcp node-2__list_mcp_servers '{}' 'any(.servers[]; .name == "node-1")'
tool /mcp/node-2 get_available_mcp_servers '{}' 'tostring | test("node-1")'
tool /mcp/node-2 get_mcp_server_functions '{"server_name":"node-1"}' 'tostring | test("list_mcp_servers")'
tool /mcp/node-2 get_server_capabilities '{}' 'length > 0'
tool /mcp/node-2 reload_mcp_server '{"server_name":"node-1"}' 'tostring | test("node-1")'
tool /mcp/node-2 reload_all_mcp_servers '{}' 'length > 0'
for resource in config://app health://system; do
  expect "$resource of the peer" '.result.contents[0].text | fromjson | length > 0' \
    "$(ask /mcp/node-2 resources/read '{"uri":"'"$resource"'"}')"
done
expect "nothing goes round in a circle" '[.result.tools[].name | select(test("node-1"))] == []' \
  "$(ask /mcp tools/list '{}')"

# 6. And gone again
expect "first lets go of second" \
  '.success and .data.success and .data.peer_name == "node-2"
   and .data.message == "Peer node '"'node-2'"' removed successfully" and .message == "Peer node '"'node-2'"' disconnected"' \
  "$(curl -sS "${auth_1[@]}" -X DELETE "$one/api/v1/mcp/peers/node-2")"
expect "second lets go of first" '.success' "$(curl -sS "${auth_2[@]}" -X DELETE "$two/api/v1/mcp/peers/node-1")"
expect "no peers are left" '.data.peers == []' "$(curl -sS "${auth_1[@]}" "$one/api/v1/mcp/peers")"
echo "all is well"
