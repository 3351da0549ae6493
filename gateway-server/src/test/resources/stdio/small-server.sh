#!/bin/sh
# A small MCP server on stdin and stdout, in the shell so that a thousand of them start quickly.
# The first argument is what it is like: legacy, picky (ends at a request before initialize), silent (says nothing to one), modern, broken (ends at once).
like=${1:-legacy}
ready=no
[ "$like" = broken ] && { echo "no licence file" >&2; exit 7; }
echo "small server, $like" >&2
echo "this line is no JSON"

answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
text() { answer "{\"content\":[{\"type\":\"text\",\"text\":\"$1\"}]$more}"; }

while IFS= read -r line; do
    id=${line#*\"id\":}; id=${id%%[,\}]*}
    case $line in
    *'"method":"initialize"'*)
        [ "$like" = modern ] && { printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32022,"message":"no"}}\n' "$id"; continue; }
        ready=yes
        answer '{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"small","version":"1"}}' ;;
    *'"method":"server/discover"'*)
        if [ "$like" = modern ]; then
            more=',"resultType":"complete"'
            answer '{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"public"}'
        elif [ "$ready$like" = nopicky ]; then
            echo "expected initialize" >&2
            exit 1
        elif [ "$ready$like" != nosilent ]; then
            printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"Method not found"}}\n' "$id"
        fi ;;
    *'"method":"tools/list"'*)
        answer "{\"tools\":[{\"name\":\"pid\",\"inputSchema\":{\"type\":\"object\"}},{\"name\":\"environment\",\"inputSchema\":{\"type\":\"object\"}},{\"name\":\"orphan\",\"inputSchema\":{\"type\":\"object\"}},{\"name\":\"crash\",\"inputSchema\":{\"type\":\"object\"}},{\"name\":\"never\",\"inputSchema\":{\"type\":\"object\"}}]$more}" ;;
    *'"method":"notifications/'*) ;;
    *'"name":"pid"'*) text $$ ;;
    *'"name":"environment"'*) text "$(env | cut -d= -f1 | sort | tr '\n' ' ')" ;;
    *'"name":"orphan"'*)
        # Its parent, a shell of its own, ends at once; the operating system no longer knows whose child it is.
        text "$(sh -c 'sleep 300 >/dev/null 2>&1 & echo $!')" ;;
    *'"name":"crash"'*) echo "out of luck" >&2; exit 3 ;;
    *'"name":"never"'*) ;;
    *'"id":'*) answer '{}' ;;
    esac
done
