# Connect
RESPONSE=$(curl -X POST http://localhost:8080/mcp/connect \
  -H "Content-Type: application/json" \
  -d '{
    "transport": "http",
    "mcp_url": "http://localhost:3000/mcp",
    "auth_type": "none"
  }')

CLIENT_ID=$(echo $RESPONSE | jq -r '.client_id')

# List tools
curl http://localhost:8080/mcp/list_tools?client_id=$CLIENT_ID

# Call tool
curl -X POST http://localhost:8080/mcp/call_tool \
  -H "Content-Type: application/json" \
  -d "{
    \"client_id\": \"$CLIENT_ID\",
    \"tool_name\": \"search\",
    \"arguments\": {\"query\": \"test\"}
  }"

# Disconnect
curl -X POST http://localhost:8080/mcp/disconnect \
  -H "Content-Type: application/json" \
  -d "{\"client_id\": \"$CLIENT_ID\"}"
