// The client of the suite's client scenarios: the TypeScript SDK, with the gateway between it and the scenario's server.
// What the suite judges is what the gateway says to that server. Called by the suite with the server's URL as the last
// argument; --gateway says where the gateway is. Where somebody has to agree, a scripted browser does. What is done in the
// scenarios that are not about authorization is in upstream-parts.mjs.

import { setTimeout as sleep } from 'node:timers/promises';

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

import { parts } from './upstream-parts.mjs';

// The suite waits for whoever holds its pipes, also beyond its own limit.
setTimeout(() => process.exit(3), 40_000).unref();

const gateway = process.argv[process.argv.indexOf('--gateway') + 1];
const url = process.argv.at(-1);
const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? '';
const version = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION ?? '2025-11-25';
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const name = `s-${process.pid}-${Date.now() % 100000}`;

/** Consents, one after another: a server that is never content must not be asked for ever. */
const MOST_CONSENTS = 3;

let consents = 0;

async function api(method, path, body) {
    const response = await fetch(gateway + path, {
        method,
        headers: { 'content-type': 'application/json' },
        body: body && JSON.stringify(body),
        redirect: 'manual'
    });
    const text = await response.text();
    if (!response.ok) {
        throw new Error(`${method} ${path.split('?')[0]}: ${response.status} ${text}`);
    }
    return text.startsWith('{') ? JSON.parse(text) : text;
}

function oauth() {
    if (scenario === 'auth/client-credentials-basic') {
        return { clientId: context.client_id, clientSecret: context.client_secret };
    }
    const known = context.client_id ? { clientId: context.client_id, clientSecret: context.client_secret } : {};
    return { grant: 'authorization_code', ...known };
}

async function status() {
    return (await api('GET', `/api/v1/mcp/servers/${name}`)).data;
}

/** Waits until the gateway knows whether it can use the server, and agrees for as long as that is what it wants. */
async function ready() {
    for (const end = Date.now() + 15_000; Date.now() < end; await sleep(50)) {
        const now = await status();
        if (now.status === 'needs_reauth') {
            await agree();
        } else if (now.connected) {
            return;
        } else if (now.reason && !/being asked|consent/.test(now.reason)) {
            throw new Error(now.reason);
        }
    }
    throw new Error(`not ready: ${JSON.stringify(await status())}`);
}

/** A browser: it opens the page, is sent back at once, and comes to the gateway, whatever name that goes by. */
async function agree() {
    if (++consents > MOST_CONSENTS) {
        throw new Error('the server is never content');
    }
    const { authorization_url: page } = await api('GET', `/oauth/${name}/authorize`);
    const response = await fetch(page, { redirect: 'manual' });
    const back = response.headers.get('location');
    if (!back) {
        throw new Error(`the authorization server answered ${response.status}`);
    }
    const { pathname, search } = new URL(back);
    await api('GET', pathname + search);
}

async function connected() {
    const mode = version >= '2026' ? { pin: version } : 'legacy';
    const capabilities = { elicitation: { form: { applyDefaults: true } }, sampling: {}, roots: {} };
    const client = new Client({ name: 'sluice-conformance-client', version: '1.0.0' }, {
        capabilities,
        versionNegotiation: { mode }
    });
    const transport = new StreamableHTTPClientTransport(new URL(`${gateway}/mcp/${name}`));
    await client.connect(transport);
    return { client, transport };
}

async function call(client, tool, args = {}) {
    for (;;) {
        const result = await client.callTool({ name: tool, arguments: args });
        if (!result.isError) {
            return;
        }
        const wanted = (await status()).status === 'needs_reauth';
        if (!wanted) {
            throw new Error(result.content?.[0]?.text ?? 'the call failed');
        }
        await ready();
    }
}

/** What is done in the scenarios about authorization. */
async function authorized({ client }) {
    const { tools } = await client.listTools();
    await call(client, tools[0].name);
    if (scenario === 'auth/authorization-server-migration') {
        await call(client, tools[0].name); // after it has moved
    }
}

const about = scenario.startsWith('auth/') ? { oauth: oauth() } : {};
const part = scenario.startsWith('auth/') ? authorized : parts[scenario];
if (!part) {
    throw new Error(`nobody has written the part of the client in ${scenario}`);
}
await api('POST', '/register', { serviceName: name, endpoint: url, ...about });
try {
    await ready();
    const { client, transport } = await connected();
    await part({ client, context, server: url, mount: `${gateway}/mcp/${name}` });
    await transport.terminateSession(); // where there is one: its streams would keep the scenario's server from ending
    await client.close();
} finally {
    await api('DELETE', `/register/${name}`);
}
