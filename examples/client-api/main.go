package main

import (
    "bytes"
    "encoding/json"
    "fmt"
    "net/http"
)

type ConnectRequest struct {
    Transport string `json:"transport"`
    McpURL    string `json:"mcp_url"`
    AuthType  string `json:"auth_type"`
}

type ConnectResponse struct {
    Status   string `json:"status"`
    ClientID string `json:"client_id"`
}

func main() {
    // Connect to MCP
    connectReq := ConnectRequest{
        Transport: "http",
        McpURL:    "http://localhost:3000/mcp",
        AuthType:  "none",
    }

    body, _ := json.Marshal(connectReq)
    resp, _ := http.Post(
        "http://localhost:8080/mcp/connect",
        "application/json",
        bytes.NewBuffer(body),
    )

    var connectResp ConnectResponse
    json.NewDecoder(resp.Body).Decode(&connectResp)

    fmt.Printf("Connected with client ID: %s\n", connectResp.ClientID)
}
