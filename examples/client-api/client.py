import httpx
import asyncio

async def main():
    async with httpx.AsyncClient() as client:
        # Connect to MCP server
        connect_response = await client.post(
            "http://localhost:8080/mcp/connect",
            json={
                "transport": "http",
                "mcp_url": "http://localhost:3000/mcp",
                "auth_type": "bearer",
                "bearer_token": "my-token"
            }
        )
        client_id = connect_response.json()["client_id"]

        # List tools
        tools_response = await client.get(
            f"http://localhost:8080/mcp/list_tools?client_id={client_id}"
        )
        tools = tools_response.json()["tools"]

        # Call a tool
        result_response = await client.post(
            "http://localhost:8080/mcp/call_tool",
            json={
                "client_id": client_id,
                "tool_name": "search",
                "arguments": {"query": "test"}
            }
        )
        result = result_response.json()

        # Disconnect
        await client.post(
            "http://localhost:8080/mcp/disconnect",
            json={"client_id": client_id}
        )

if __name__ == "__main__":
    asyncio.run(main())
