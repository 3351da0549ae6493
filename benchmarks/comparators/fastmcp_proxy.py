"""FastMCP as a proxy: offers the tools of one server again. Arguments are its own port and the server's, asked at /legacy."""

import sys

import fastmcp
from fastmcp.server import create_proxy

proxy = create_proxy(f"http://127.0.0.1:{sys.argv[2]}/legacy", name="proxy")
proxy.run(transport="http", host="127.0.0.1", port=int(sys.argv[1]), path="/mcp", log_level="error", show_banner=False)
