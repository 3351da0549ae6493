"""What examples/run registers at the gateway: a REST service with an OpenAPI document, and an MCP server with a tool named
search. Nothing but the standard library. Prints its port, and serves until it is ended."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1"},
    "paths": {
        "/orders": {
            "get": {
                "operationId": "listOrders",
                "summary": "All orders",
                "responses": {"200": {"description": "The orders", "content": {"application/json": {"schema": {}}}}},
            }
        }
    },
}
SEARCH = {
    "name": "search",
    "description": "Finds what was asked for",
    "inputSchema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
}


def result(method, params):
    """What the MCP server answers to a request, or None for a method that it does not have."""
    if method == "initialize":
        return {
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "search", "version": "1"},
        }
    if method == "tools/list":
        return {"tools": [SEARCH]}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": "found: " + params["arguments"]["query"]}]}
    return {} if method == "ping" else None


class Services(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=None):
        sent = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def do_GET(self):
        known = {"/v3/api-docs": DOCUMENT, "/orders": [{"id": 7, "item": "a sluice"}]}
        body = known.get(self.path.split("?")[0])
        self.answer(404 if body is None else 200, body)

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/mcp":
            self.answer(404)
        elif "id" not in asked:
            self.answer(202)
        else:
            found = result(asked["method"], asked.get("params", {}))
            said = {"error": {"code": -32601, "message": "Method not found"}} if found is None else {"result": found}
            self.answer(200, {"jsonrpc": "2.0", "id": asked["id"], **said})

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Services)
print(server.server_address[1], flush=True)
server.serve_forever()
